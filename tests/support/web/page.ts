import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { findBrowser } from './browser.ts';

/** vitest's global setup: the page as new as its sources, which the server serves from web/dist, and a browser. */
export function setup(): void {
  const root = join(import.meta.dirname, '..', '..', '..');
  execFileSync(process.execPath, [join(root, 'lab', 'install.mjs')], { stdio: 'inherit' });
  findBrowser();
}
