import { readFileSync } from 'node:fs';

/** Finds the admin token of a server's first start, which tells a log only the file that it is in. @returns '' if there is none */
export function adminTokenOf(output: string): string {
  const file = /admin token\s+in (\S+)/.exec(output)?.[1];
  return file === undefined ? '' : readFileSync(file, 'utf8').trim();
}
