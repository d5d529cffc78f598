import { sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import type { Bus } from '../base/live.ts';
import { isDatabaseUnavailable, transact } from '../db/connect.ts';
import { topic } from '../db/notify.ts';
import type { Db, Tx } from '../db/types.ts';
import { beginRollbacks } from '../deployments/rollback.ts';
import type { AgentSockets } from '../protocol/sockets.ts';
import { releaseStarted } from '../protocol/work.ts';
import { autoRepair } from './auto-repair.ts';
import { startClock } from './clock.ts';
import { failOverdue } from './deployment-deadline.ts';
import { releaseOfflineHosts } from './image-gate.ts';
import { announceOffline, creditServerDowntime, expireLeases, failStuckTasks, signOfLife } from './leases.ts';
import { removeOrphansUnasked } from './orphans.ts';
import { stopTimedOut } from './task-timeout.ts';

/** The sweep does what time brings about: leases end, deadlines pass, retries become due. */
const SWEEP_MS = 5_000;
const RENEW_MS = 10_000;

/** One server at a time takes these steps, in this order, in one transaction. */
const LOCKED_STEPS: readonly ((tx: Tx, serverId: string) => Promise<void>)[] = [
  creditServerDowntime,
  expireLeases,
  releaseOfflineHosts,
  failStuckTasks,
  stopTimedOut,
  failOverdue,
  (tx) => announceOffline(tx, 2 * SWEEP_MS),
  signOfLife,
];

/** After that every server takes these steps, in this order, each in transactions of its own. */
const STEPS: readonly ((db: Db, log: Logger) => Promise<void>)[] = [
  (db) => releaseStarted(db, null),
  beginRollbacks,
  removeOrphansUnasked,
  autoRepair,
];

export async function sweepOnce(db: Db, serverId: string, log: Logger): Promise<void> {
  await transact(db, (tx) => sweepLocked(tx, serverId));
  for (const step of STEPS) await step(db, log);
}

async function sweepLocked(tx: Tx, serverId: string): Promise<void> {
  const [lock] = await tx.execute<{ mine: boolean }>(sql`select pg_try_advisory_xact_lock(7277345) as mine`);
  if (!lock?.mine) return;
  for (const step of LOCKED_STEPS) await step(tx, serverId);
}

export type Sweeper = { close(): Promise<void> };

/** Sweeps once before it returns, so that downtime is credited before the first agent is judged. */
export async function startSweeper(
  services: { db: Db; bus: Bus; sockets: AgentSockets },
  serverId: string,
  log: Logger,
): Promise<Sweeper> {
  const { db, bus, sockets } = services;
  let running = Promise.resolve();

  async function sweep() {
    try {
      await sweepOnce(db, serverId, log);
      // A lost notification costs at most the time to the next sweep.
      for (const one of [topic.due, ...sockets.agentIds().map(topic.pending)]) bus.poke(one);
    } catch (error) {
      const message = isDatabaseUnavailable(error) ? 'no sweep: the database does not answer' : 'sweep failed';
      log.warn({ err: error }, message);
    }
  }
  const renew = () => sockets.renew().catch((error: unknown) => log.warn({ err: error }, 'leases were not renewed'));
  const queue = (work: () => Promise<unknown>) => () => {
    running = running.then(work).then(() => {});
  };

  await sweep();
  const clock = startClock(services, log);
  const timers = [setInterval(queue(sweep), SWEEP_MS), setInterval(queue(renew), RENEW_MS)];
  return {
    async close() {
      timers.forEach(clearInterval);
      await clock.close();
      await running;
    },
  };
}
