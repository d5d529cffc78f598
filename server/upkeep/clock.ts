import type { Logger } from 'pino';
import type { Bus } from '../base/live.ts';
import { isDatabaseUnavailable } from '../db/connect.ts';
import { topic } from '../db/notify.ts';
import type { Db } from '../db/types.ts';
import { beginRollbacks } from '../deployments/rollback.ts';
import type { AgentSockets } from '../protocol/sockets.ts';
import { listAgentsWithWork } from '../tasks/pending.ts';
import { findNextDue } from '../tasks/queries.ts';
import { nextLook } from './next-look.ts';

/**
 * Does at its time what would otherwise wait for the next sweep: pokes agents when a pause or a retry of theirs is over,
 * and plans rollbacks. It looks again whenever `topic.due` says that the next time may have come nearer.
 */
export type Clock = { close(): Promise<void> };

export function startClock({ db, bus, sockets }: { db: Db; bus: Bus; sockets: AgentSockets }, log: Logger): Clock {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let closed = false;
  let expectedAt = Number.POSITIVE_INFINITY;

  async function look() {
    clearTimeout(timer);
    await beginRollbacks(db, log);
    const next = nextLook({ expectedAt, now: performance.now(), dueMs: await findNextDue(db) });
    expectedAt = next.expectedAt;
    const due = next.isOver ? await listAgentsWithWork(db, sockets.agentIds()) : [];
    for (const id of due) bus.poke(topic.pending(id));
    if (next.waitMs !== undefined && !closed) timer = setTimeout(wake, next.waitMs);
  }

  async function lookUntilQuiet() {
    do {
      again = false;
      await look().catch((error: unknown) => {
        // The sweep will do it later.
        log.warn({ err: error }, isDatabaseUnavailable(error) ? 'the database does not answer' : 'clock failed');
      });
    } while (again && !closed);
    running = undefined;
  }

  function wake() {
    if (closed) return;
    if (running) again = true;
    else running = lookUntilQuiet();
  }

  const off = bus.on([topic.due], wake);
  wake();
  return {
    async close() {
      closed = true;
      off();
      clearTimeout(timer);
      await running;
    },
  };
}
