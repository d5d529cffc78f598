import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const MODULES = join(ROOT, 'node_modules');
const NOT_SOURCES = ['dist', 'node_modules'];

export function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** @returns the paths of all source files below a folder, in an order that is the same everywhere */
export function sourcesIn(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !NOT_SOURCES.includes(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? sourcesIn(path) : [path];
    });
}

/** @returns one hash of the names and contents of files of this checkout */
export function hashOf(paths) {
  const sum = createHash('sha256');
  for (const path of paths) {
    sum.update(path.slice(ROOT.length)).update('\0');
    sum.update(readIfThere(path) ?? '').update('\0');
  }
  return sum.digest('hex');
}
