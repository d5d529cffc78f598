import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import postgres from 'postgres';
import { socketOptions, toOptionsUrl } from './connect.ts';
import { type Account, createDataFolder, findBinaries, getAccount } from './embedded-files.ts';

/**
 * A Postgres of our own for people who have none: real binaries from npm, reached over a Unix socket inside its data
 * folder, so that it needs no port and no password. It outlives a server that is killed, and the next one takes it over. A
 * session lock in it keeps two servers from sharing one folder, where the first to stop would take the other's database.
 */
export type Embedded = { url: string; stop(): Promise<void> };

const SOCKET_FILE = '.s.PGSQL.5432';
const MAX_SOCKET_PATH_BYTES = 103;
const MAX_FOLDER_BYTES = MAX_SOCKET_PATH_BYTES - Buffer.byteLength(`/postgres/${SOCKET_FILE}`);
/** After everything was killed at once, remains of the last Postgres may hold its lock for a while. */
const START_AGAIN_MS = 10_000;
const START_AGAIN_EVERY_MS = 200;
const ANSWER_WITHIN_MS = 60_000;
const ASK_EVERY_MS = 20;
const RETURN_EVERY_MS = 1_000;
/** A server that was killed this instant may still hold the lock of its folder. */
const CLAIM_TRIES = 20;
const CLAIM_EVERY_MS = 100;

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

type Release = () => Promise<void>;

/** Starts Postgres again whenever it is gone, for it may be killed like any process; ends with the release. */
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
        await delay(RETURN_EVERY_MS);
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

/**
 * Takes the lock that keeps other servers from this folder.
 * @param onLost called once when the connection that holds the lock is gone; not after its release
 */
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
    for (let attempt = 0; attempt < CLAIM_TRIES && !held; attempt++) {
      if (attempt > 0) await delay(CLAIM_EVERY_MS);
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
