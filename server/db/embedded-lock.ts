import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import postgres from 'postgres';
import { socketOptions, toOptionsUrl } from './connect.ts';

/** Who owns the data folder of an embedded Postgres: the server that holds a session lock in it. */

const RETURN_EVERY_MS = 1_000;
/** A server that was killed this instant may still hold the lock of its folder. */
const CLAIM_TRIES = 20;
const CLAIM_EVERY_MS = 100;

export type Release = () => Promise<void>;

/** Starts Postgres again whenever it is gone, for it may be killed like any process; ends with the release. */
export async function hold(
  bring: (onLost: () => void) => Promise<Release>,
  log: Logger,
): Promise<{ release: Release }> {
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

/**
 * Takes the lock that keeps other servers from this folder.
 * @param onLost called once when the connection that holds the lock is gone; not after its release
 */
export async function claim(url: string, folder: string, onLost: () => void): Promise<Release> {
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
