/**
 * Runs before every npm script, on whatever Node the system has (>= 20, no dependencies): installs what the lockfile
 * names when node_modules does not fit it, makes sure that Node 24 is there and builds the page when its sources
 * changed. Silent when there is nothing to do. `--no-page` leaves the page alone.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const node = join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
const installStamp = join(modules, '.graphium-lockfile');
const pageStamp = join(root, 'web', 'dist', '.sources');
const neededMajor = 24;
const pollMs = 200;
const lockWithoutOwnerMs = 5_000;

if (!hasModules()) locked(() => hasModules() || installModules());
checkNode();
if (!process.argv.includes('--no-page') && !hasPage()) locked(() => hasPage() || buildPage());

function hasModules() {
  const lockfile = hash([join(root, 'package-lock.json')]);
  if (readIfThere(installStamp) === lockfile) return true;
  if (!isInstalled()) return false;
  writeFileSync(installStamp, lockfile);
  return true;
}

/** Whether npm's own record of what it put into node_modules agrees with the lockfile. */
function isInstalled() {
  const record = readIfThere(join(modules, '.package-lock.json'));
  if (record === undefined) return false;
  const installed = JSON.parse(record).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const fits = ([path, entry]) =>
    installed[path] ? installed[path].version === entry.version : entry.optional || entry.devOptional || entry.peer;
  return (
    Object.entries(wanted).every(([path, entry]) => path === '' || fits([path, entry])) &&
    Object.keys(installed).every((path) => wanted[path] !== undefined)
  );
}

function installModules() {
  console.log('Graphium: installing dependencies (npm ci)');
  // Within npm its own program is known; it must not run on the Node that it is about to replace.
  const npm = process.env.npm_execpath;
  const inside = process.execPath.startsWith(modules + sep);
  const system = process.env.npm_node_execpath ?? (inside ? 'node' : process.execPath);
  const args = ['ci', '--loglevel=error', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  if (npm && /\.[cm]?js$/.test(npm)) runOrExit(system, [npm, ...args]);
  else runOrExit(process.platform === 'win32' ? 'npm.cmd' : 'npm', args);
  writeFileSync(installStamp, hash([join(root, 'package-lock.json')]));
}

function checkNode() {
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' });
  const found = stdout?.trim() ?? '';
  if (majorOf(found) >= neededMajor) return;
  // Without its own, npm scripts fall back to the system's.
  if (!existsSync(node) && majorOf(process.version) >= neededMajor) return;
  const why = existsSync(node) ? `${node} ${found ? `is ${found}` : 'does not run here'}` : `there is no ${node}`;
  const platform = `${process.platform}-${process.arch}`;
  console.error(
    `Graphium needs Node ${neededMajor}: ${why} (the npm package "node" brings it for most platforms, this one is ${platform}).\n` +
      `Install Node ${neededMajor} or newer from https://nodejs.org and put it first on the PATH` +
      `${existsSync(node) ? `, then delete ${node}` : ''}; or approve the install script of "node" and run npm ci again.`,
  );
  process.exit(1);
}

function hasPage() {
  if (!existsSync(join(root, 'web', 'vite.config.ts'))) return true;
  return readIfThere(pageStamp) === pageHash();
}

function buildPage() {
  console.log('Graphium: building the page (vite build web)');
  const sources = pageHash();
  const vite = join(modules, 'vite', 'bin', 'vite.js');
  const runner = existsSync(node) && process.platform !== 'win32' ? node : process.execPath;
  runOrExit(runner, [vite, 'build', 'web', '--logLevel', 'warn']);
  writeFileSync(pageStamp, sources);
}

function pageHash() {
  const shared = ['schema.graphql', 'graphql-env.d.ts', 'package-lock.json'].map((name) => join(root, name));
  return hash([...filesIn(join(root, 'web')), ...shared]);
}

function filesIn(directory) {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.name !== 'dist' && entry.name !== 'node_modules')
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? filesIn(path) : [path];
    });
}

function runOrExit(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(`Graphium: ${command} cannot be run: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** One process per checkout at a time; the lock is a directory because making one is atomic everywhere. */
function locked(work) {
  const lock = join(tmpdir(), `graphium-install-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`);
  let said = false;
  while (!tryLock(lock)) {
    if (!said) console.log('Graphium: another process is installing, waiting for it');
    said = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollMs);
  }
  // On exit, because a failing npm ends this process from within `work`.
  const unlock = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', unlock);
  work();
  process.removeListener('exit', unlock);
  unlock();
}

function tryLock(lock) {
  try {
    mkdirSync(lock);
    writeFileSync(join(lock, 'pid'), String(process.pid));
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const owner = ownerOf(lock);
  if (owner === undefined || isRunning(owner)) return false;
  // Renaming is atomic too: of several who find the same dead owner only one moves the lock away.
  const aside = `${lock}-${process.pid}`;
  try {
    renameSync(lock, aside);
    rmSync(aside, { recursive: true, force: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  return tryLock(lock);
}

/** The pid in the lock; 0 (nobody) if it was made a while ago and never signed; undefined if that may still come. */
function ownerOf(lock) {
  const pid = Number(readIfThere(join(lock, 'pid')));
  if (pid > 0) return pid;
  try {
    return Date.now() - statSync(lock).mtimeMs > lockWithoutOwnerMs ? 0 : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid) {
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function hash(paths) {
  const sum = createHash('sha256');
  for (const path of paths)
    sum
      .update(path.slice(root.length))
      .update('\0')
      .update(readIfThere(path) ?? '')
      .update('\0');
  return sum.digest('hex');
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function majorOf(version) {
  return Number(/^v(\d+)\./.exec(version)?.[1] ?? 0);
}
