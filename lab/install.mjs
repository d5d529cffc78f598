/**
 * Runs before every npm script, on whatever Node the system has (>= 20, no dependencies). It installs what the lockfile
 * names for the parts given as arguments (workspaces; none means everything), makes sure that Node 24 is there and, if
 * the page is among the parts, builds it when its sources changed. It adds to what is installed and takes nothing away.
 * It is silent when there is nothing to do.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { hashOf, MODULES, ROOT, readIfThere, sourcesIn } from './install/files.mjs';
import { locked } from './install/lock.mjs';
import { EVERYTHING, hasPackages, npmOptions, partsToInstall, stamp } from './install/packages.mjs';

const IS_WINDOWS = process.platform === 'win32';
const NODE = join(MODULES, '.bin', IS_WINDOWS ? 'node.cmd' : 'node');
/** Node comes as a package for each platform, so that the lockfile has the hash of the program itself. */
const NODE_PACKAGE = join(MODULES, `node-${IS_WINDOWS ? 'win' : process.platform}-${process.arch}`);
/** 70 MB of headers and manuals. */
const NODE_EXTRAS = ['include', 'share'].map((name) => join(NODE_PACKAGE, name));
const NEEDED_MAJOR = 24;
const PAGE_STAMP = join(ROOT, 'web', 'dist', '.sources');

const parts = process.argv.length > 2 ? process.argv.slice(2) : EVERYTHING;

if (!hasPackages(parts)) locked(() => hasPackages(parts) || installPackages());
checkNode();
if (parts.includes('web') && !hasPage()) locked(() => hasPage() || buildPage());

function installPackages() {
  console.log('Graphium: installing dependencies (npm ci)');
  const together = partsToInstall(parts);
  // Within npm its own program is known; it must not run on the Node that it is about to replace.
  const npm = process.env.npm_execpath;
  const inside = process.execPath.startsWith(MODULES + sep);
  const system = process.env.npm_node_execpath ?? (inside ? 'node' : process.execPath);
  const args = ['ci', '--loglevel=error', '--no-audit', '--no-fund', ...npmOptions(together)];
  if (npm && /\.[cm]?js$/.test(npm)) runOrExit(system, [npm, ...args]);
  else runOrExit(IS_WINDOWS ? 'npm.cmd' : 'npm', args);
  for (const extra of NODE_EXTRAS) rmSync(extra, { recursive: true, force: true });
  // Its first start on this host then needs as little memory as all later ones.
  if (parts.includes('agent')) spawnSync(NODE, [join(ROOT, 'agent', 'main.mjs'), '--help'], { stdio: 'ignore' });
  stamp(together);
}

function checkNode() {
  const { stdout } = spawnSync(NODE, ['--version'], { encoding: 'utf8', shell: IS_WINDOWS });
  const found = stdout?.trim() ?? '';
  if (majorOf(found) >= NEEDED_MAJOR) return;
  // Without its own, npm scripts fall back to the system's.
  if (!existsSync(NODE) && majorOf(process.version) >= NEEDED_MAJOR) return;
  const why = existsSync(NODE) ? `${NODE} ${found ? `is ${found}` : 'does not run here'}` : `there is no ${NODE}`;
  const platform = `${process.platform}-${process.arch}`;
  console.error(
    `Graphium needs Node ${NEEDED_MAJOR}: ${why} (npm brings it for Linux, Windows and macOS on Intel; this is ${platform}).\n` +
      `Install Node ${NEEDED_MAJOR} or newer from https://nodejs.org and put it first on the PATH` +
      `${existsSync(NODE) ? `, then delete ${NODE}` : ''}.`,
  );
  process.exit(1);
}

function hasPage() {
  if (!existsSync(join(ROOT, 'web', 'vite.config.ts'))) return true;
  return readIfThere(PAGE_STAMP) === pageHash();
}

function buildPage() {
  console.log('Graphium: building the page (vite build web)');
  const sources = pageHash();
  const vite = join(MODULES, 'vite', 'bin', 'vite.js');
  const runner = existsSync(NODE) && !IS_WINDOWS ? NODE : process.execPath;
  runOrExit(runner, [vite, 'build', 'web', '--logLevel', 'warn']);
  writeFileSync(PAGE_STAMP, sources);
}

function pageHash() {
  const shared = ['schema.graphql', 'graphql-env.d.ts', 'package-lock.json'].map((name) => join(ROOT, name));
  return hashOf([...sourcesIn(join(ROOT, 'web')), ...shared]);
}

function runOrExit(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (error) console.error(`Graphium: ${command} cannot be run: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function majorOf(version) {
  return Number(/^v(\d+)\./.exec(version)?.[1] ?? 0);
}
