import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import postgres from 'postgres';
import { socketOptions, toOptionsUrl } from './connect.ts';
import { CHANNEL } from './notify.ts';

/** The part of the bus that takes the notifications. */
export type Pokes = { poke(topic: string): void; pokeAll(): void };

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

/**
 * Turns NOTIFY into pokes over one connection of its own. After that was lost it pokes everything, for the notifications
 * of the meantime are gone. The driver's own `listen()` gives up silently when Postgres is still starting at its first try
 * to reconnect.
 */
export async function listen(url: string, bus: Pokes, log: Logger): Promise<{ close(): Promise<void> }> {
  let closed = false;
  let client = await open();

  async function open() {
    const lost = Promise.withResolvers<void>();
    // `onnotify` is missing in the driver's types; its own `listen()` is built on it.
    const options = {
      ...socketOptions(url),
      max: 1,
      connect_timeout: 10,
      idle_timeout: 0,
      max_lifetime: null,
      fetch_types: false,
      connection: { application_name: 'graphium listen' },
      onnotify: (_channel: string, topic: string) => bus.poke(topic),
      onclose: () => lost.resolve(),
    };
    const sql = postgres(toOptionsUrl(url), options);
    try {
      await sql.unsafe(`listen ${CHANNEL}`);
    } catch (error) {
      await sql.end({ timeout: 0 });
      throw error;
    }
    void lost.promise.then(reopen);
    return sql;
  }

  async function reopen() {
    await client.end({ timeout: 0 });
    for (let waitMs = FIRST_WAIT_MS; !closed; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      try {
        client = await open();
        if (closed) await client.end({ timeout: 0 });
        else bus.pokeAll();
        return;
      } catch (error) {
        log.warn({ err: error }, 'the database does not answer; trying again');
        await delay(waitMs);
      }
    }
  }

  return {
    async close() {
      closed = true;
      await client.end({ timeout: 0 });
    },
  };
}
