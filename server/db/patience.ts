import { setTimeout as delay } from 'node:timers/promises';
import { isDatabaseBusy, isDatabaseUnavailable } from './connect.ts';

const TRIES = 6;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 4_000;

/**
 * Reads again while the database is away or busy, for some ten seconds. A subscription that ended for every restart of
 * Postgres would bring all its clients back at the same moment, agents with a new session each.
 */
export async function readPatiently<T>(read: () => Promise<T>, pause: (ms: number) => Promise<unknown> = delay) {
  for (let tried = 1; ; tried++) {
    try {
      return await read();
    } catch (error) {
      const mayPass = isDatabaseUnavailable(error) || isDatabaseBusy(error);
      if (!mayPass || tried === TRIES) throw error;
      const ms = Math.min(FIRST_PAUSE_MS * 2 ** (tried - 1), LONGEST_PAUSE_MS);
      await pause(ms * (0.5 + Math.random() / 2));
    }
  }
}
