import type { Logger } from 'pino';
import type { Bus } from '../base/live.ts';
import { isDatabaseUnavailable } from '../db/connect.ts';
import { topic } from '../db/notify.ts';
import type { Db } from '../db/types.ts';
import { beginRollbacks } from '../deployments/rollback.ts';
import type { AgentSockets } from '../protocol/sockets.ts';
import { findNextDue } from '../tasks/queries.ts';

/**
 * Does at its time what would otherwise wait for the next sweep: pokes agents when a pause or a retry of theirs is over,
 * and plans rollbacks. It looks again whenever `topic.due` says that the next time may have come nearer.
 */
export type Clock = { close(): Promise<void> };

const LONGEST_MS = 5_000;

export function startClock({ db, bus, sockets }: { db: Db; bus: Bus; sockets: AgentSockets }, log: Logger): Clock {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let closed = false;
  /** When the next pause ends, as far as is known: it is not missed although looking took longer. */
  let nextAt = Number.POSITIVE_INFINITY;

  async function tick() {
    do {
      again = false;
      clearTimeout(timer);
      try {
        await beginRollbacks(db);
        const dueMs = await findNextDue(db);
        const isOver = nextAt <= performance.now() || (dueMs !== undefined && dueMs <= 0);
        for (const id of isOver ? sockets.agentIds() : []) bus.poke(topic.pending(id));
        nextAt = dueMs === undefined || dueMs <= 0 ? Number.POSITIVE_INFINITY : performance.now() + dueMs;
        const waitMs = dueMs === undefined ? undefined : Math.min(LONGEST_MS, Math.max(dueMs, 20));
        if (waitMs !== undefined && !closed) timer = setTimeout(look, waitMs);
      } catch (error) {
        // The sweep does it later.
        log.warn({ err: error }, isDatabaseUnavailable(error) ? 'the database does not answer' : 'clock failed');
      }
    } while (again && !closed);
    running = undefined;
  }

  function look() {
    if (closed) return;
    if (running) again = true;
    else running = tick();
  }

  const off = bus.on([topic.due], look);
  look();
  return {
    async close() {
      closed = true;
      off();
      clearTimeout(timer);
      await running;
    },
  };
}
