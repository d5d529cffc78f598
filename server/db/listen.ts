import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import postgres from 'postgres';
import { socketOptions, toOptionsUrl } from './connect.ts';
import { CHANNEL } from './notify.ts';

/** The part of the bus that takes the notifications. */
export type Pokes = { poke(topic: string): void; pokeAll(): void };

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;
const HEARTBEAT_MS = 5_000;
const BEAT = 'beat:';

type Timings = { heartbeatMs?: number };

/**
 * Turns NOTIFY into pokes over one connection of its own. After that was lost it pokes everything, for the notifications
 * of the meantime are gone. The connection notifies itself again and again: one that died in silence, such as in a router
 * between, would look as if nothing happened in the world. The driver's own `listen()` gives up silently when Postgres is
 * still starting at its first try to reconnect.
 */
export async function listen(
  url: string,
  bus: Pokes,
  log: Logger,
  { heartbeatMs = HEARTBEAT_MS }: Timings = {},
): Promise<{ close(): Promise<void> }> {
  let closed = false;
  let heard = '';
  let client = await open();

  async function open() {
    const beat = BEAT + randomUUID();
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
      onnotify(_channel: string, topic: string) {
        if (!topic.startsWith(BEAT)) bus.poke(topic);
        else if (topic.startsWith(beat)) heard = topic;
      },
      onclose: () => lost.resolve(),
    };
    const sql = postgres(toOptionsUrl(url), options);
    let sent = 0;
    try {
      await sql.unsafe(`listen ${CHANNEL}`);
    } catch (error) {
      await sql.end({ timeout: 0 });
      throw error;
    }
    const timer = setInterval(() => {
      if (sent > 0 && heard !== `${beat} ${sent}`) {
        log.warn('the connection that listens has fallen silent; opening another');
        lost.resolve();
        return;
      }
      sent += 1;
      void sql.unsafe('select pg_notify($1, $2)', [CHANNEL, `${beat} ${sent}`]).catch(() => {});
    }, heartbeatMs);
    void lost.promise.then(() => clearInterval(timer)).then(reopen);
    return sql;
  }

  async function reopen() {
    if (closed) return;
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
