import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import postgres from 'postgres';
import { socketOptions, toOptionsUrl } from './connect.ts';
import { CHANNEL } from './notify.ts';

/** What takes the notifications: the bus. */
export type Pokes = { poke(topic: string): void; pokeAll(): void };

/**
 * Turns NOTIFY into pokes over one connection of its own. After a lost connection everything is poked, for what was
 * notified meanwhile is gone. Written by hand because the driver's `listen()` gives up silently when Postgres is still
 * starting at its first try to reconnect.
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
    for (let waitMs = 100; !closed; waitMs = Math.min(waitMs * 2, 2_000)) {
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
