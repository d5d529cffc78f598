import { sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import type { Bus } from '../base/live.ts';
import { repeat } from '../base/repeat.ts';
import { isDatabaseUnavailable, transact } from '../db/connect.ts';
import { topic } from '../db/notify.ts';
import type { Db, Tx } from '../db/types.ts';
import { beginRollbacks } from '../deployments/rollback.ts';
import type { AgentSockets } from '../protocol/sockets.ts';
import { releaseStarted } from '../protocol/work.ts';
import { listAgentsWithWork } from '../tasks/pending.ts';
import { sealAuditLog } from '../tokens/audit-seals.ts';
import { recheckTokens } from '../tokens/recheck.ts';
import { autoRepair, type Looks } from './auto-repair.ts';
import { startClock } from './clock.ts';
import { failOverdue } from './deployment-deadline.ts';
import { releaseOfflineHosts } from './image-gate.ts';
import { announceOffline, endDeadTransactions, expireLeases, failStuckTasks, heartbeat, isLeader } from './leases.ts';
import { removeOrphansUnasked } from './orphans.ts';
import { stopTimedOut } from './task-timeout.ts';

/** The sweep does what time brings about: leases end, deadlines pass, retries become due. */
const SWEEP_MS = 5_000;
const RENEW_MS = 10_000;
const ALIVE_MS = 5_000;
const SEAL_MS = 30_000;

/** One server at a time takes these steps, in this order, each in a transaction of its own. */
const LOCKED_STEPS: readonly ((tx: Tx) => Promise<void>)[] = [
  expireLeases,
  releaseOfflineHosts,
  failStuckTasks,
  stopTimedOut,
  failOverdue,
  (tx) => announceOffline(tx, 2 * SWEEP_MS),
];

type Step = (db: Db, log: Logger, looks: Looks) => Promise<void>;
/** After that every server takes these steps, each in transactions of its own. */
const STEPS: readonly Step[] = [(db) => releaseStarted(db, null), beginRollbacks];
/** One server takes these: they look at whole stacks. */
const STEPS_OF_LEADER: readonly Step[] = [removeOrphansUnasked, autoRepair];

/** @param looks what was seen at earlier sweeps; without it every stack is looked at anew */
export async function sweepOnce(db: Db, serverId: string, log: Logger, looks: Looks = new Map()): Promise<void> {
  await heartbeat(db, serverId);
  for (const step of LOCKED_STEPS) await attempt(log, () => transact(db, (tx) => ifLocked(tx, step)));
  const more = (await isLeader(db, serverId)) ? STEPS_OF_LEADER : [];
  for (const step of [...STEPS, ...more]) await attempt(log, () => step(db, log, looks));
}

async function ifLocked(tx: Tx, step: (tx: Tx) => Promise<void>): Promise<void> {
  const [lock] = await tx.execute<{ mine: boolean }>(sql`select pg_try_advisory_xact_lock(7277345) as mine`);
  if (lock?.mine) await step(tx);
}

/** A step that fails stops none of the others. */
async function attempt(log: Logger, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.warn(
      { err: error },
      isDatabaseUnavailable(error) ? 'the database does not answer' : 'a step of the sweep failed',
    );
  }
}

export type Sweeper = { close(): Promise<void> };

/**
 * Sweeps once before it returns, so that downtime is credited before the first agent is judged. Leases, the server's own sign
 * of life and the sweep have timers of their own: none of them waits for another.
 * @param services with a pool that people's requests cannot use up
 */
export async function startSweeper(
  services: { db: Db; bus: Bus; sockets: AgentSockets },
  serverId: string,
  log: Logger,
): Promise<Sweeper> {
  const { db, bus, sockets } = services;
  const looks: Looks = new Map();
  const sweep = () =>
    attempt(log, async () => {
      await sweepOnce(db, serverId, log, looks);
      // A lost notification costs at most the time to the next sweep.
      const agentIds = await listAgentsWithWork(db, sockets.agentIds());
      for (const one of [topic.due, ...agentIds.map(topic.pending)]) bus.poke(one);
    });

  await sweep();
  const clock = startClock(services, log);
  const parts = [
    clock,
    repeat(SWEEP_MS, sweep),
    repeat(RENEW_MS, () => attempt(log, () => sockets.renew())),
    repeat(RENEW_MS, () => attempt(log, () => recheckTokens(services))),
    repeat(ALIVE_MS, () => attempt(log, () => heartbeat(db, serverId))),
    repeat(ALIVE_MS, () => attempt(log, () => endDeadTransactions(db, log))),
    repeat(SEAL_MS, () => attempt(log, () => sealAuditLog(db, log))),
  ];
  return { close: async () => void (await Promise.all(parts.map((part) => part.close()))) };
}
