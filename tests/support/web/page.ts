import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../root.ts';
import { findBrowser } from './browser.ts';

/** vitest's global setup: the page as new as its sources, which the server serves from web/dist, and a browser. */
export function setup(): void {
  if (builtAt() <= changedAt()) buildPage();
  findBrowser();
}

const WEB = join(ROOT, 'web');

const builtAt = () => statSync(join(WEB, 'dist', 'index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0;

function changedAt(): number {
  const sources = readdirSync(WEB, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(join(WEB, 'dist')))
    .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs);
  return Math.max(...sources);
}

function buildPage(): void {
  const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
  execFileSync(process.execPath, [vite, 'build', 'web', '--logLevel', 'warn'], { cwd: ROOT, stdio: 'inherit' });
}
