import { and, eq, inArray, isNull, lt, sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import type { Bus } from '../base/live.ts';
import { isDatabaseUnavailable, transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { agents, servers, tasks } from '../db/tables.ts';
import type { Db, Tx } from '../db/types.ts';
import { beginRollbacks } from '../deployments/rollback.ts';
import { endTasks } from '../deployments/settle.ts';
import type { AgentSockets } from '../protocol/sockets.ts';
import { releaseStarted } from '../protocol/work.ts';
import type { Vault } from '../secrets/seal.ts';
import { addEvents, giveBack, lockTasks, toEvents } from '../tasks/store.ts';
import { repairByItself } from './auto-repair.ts';
import { startClock } from './clock.ts';
import { failOverdue } from './deployment-deadline.ts';
import { releaseBarriers } from './image-gate.ts';
import { removeDeserted } from './orphans.ts';
import { stopTimedOut } from './task-timeout.ts';

/**
 * What time does to tasks: leases end, deadlines pass, retries become due. Every server sweeps; a lock lets one at a
 * time do it. The time in which no server was alive never counts against an agent.
 */
const SWEEP_MS = 5_000;
const RENEW_MS = 10_000;
/** Longer without a sign of any server than this is a hole. */
const HOLE_SECONDS = 15;

export type Sweeper = { close(): Promise<void> };

/** Sweeps once before it returns: a hole is mended before the first agent is judged. */
export async function startSweeper(
  services: { db: Db; bus: Bus; sockets: AgentSockets; vault: Vault },
  serverId: string,
  log: Logger,
): Promise<Sweeper> {
  const { db, bus, sockets } = services;
  let running = Promise.resolve();

  async function once() {
    try {
      await transact(db, (tx) => sweep(tx, serverId));
      await releaseStarted(db, null);
      await beginRollbacks(db);
      await removeDeserted(db, log);
      await repairByItself(services, log);
      for (const id of sockets.agentIds()) bus.poke(topic.pending(id));
    } catch (error) {
      log.warn(
        { err: error },
        isDatabaseUnavailable(error) ? 'no sweep: the database does not answer' : 'sweep failed',
      );
    }
  }
  const renew = () => sockets.renew().catch((error: unknown) => log.warn({ err: error }, 'leases were not renewed'));
  const queue = (work: () => Promise<unknown>) => () => {
    running = running.then(work).then(() => {});
  };

  await once();
  const clock = startClock(services, log);
  const timers = [setInterval(queue(once), SWEEP_MS), setInterval(queue(renew), RENEW_MS)];
  return {
    async close() {
      timers.forEach(clearInterval);
      await clock.close();
      await running;
    },
  };
}

export async function sweep(tx: Tx, serverId: string): Promise<void> {
  const [lock] = await tx.execute<{ mine: boolean }>(sql`select pg_try_advisory_xact_lock(7277345) as mine`);
  if (lock?.mine) {
    await mendHole(tx);
    await expireLeases(tx);
    await passBy(tx);
    await failStuck(tx);
    await stopTimedOut(tx);
    await failOverdue(tx);
    await announceOffline(tx);
    // Only whoever sweeps, or another server's sign of life would hide a hole that is not mended yet.
    await tx
      .insert(servers)
      .values({ id: serverId })
      .onConflictDoUpdate({ target: servers.id, set: { aliveAt: sql`now()` } });
  }
}

/** Sessions that were live, and deadlines that had not passed, when the last server died go on for as long as there was none. */
async function mendHole(tx: Tx): Promise<void> {
  const hole = sql`(select max(alive_at) as at from servers having max(alive_at) < now() - make_interval(secs => ${HOLE_SECONDS}))`;
  await tx.execute(sql`
    update agents set session_expires_at = session_expires_at + (now() - last.at)
    from ${hole} last where session_expires_at > last.at and session_instance is not null`);
  await tx.execute(sql`
    update tasks set deadline = deadline + (now() - last.at)
    from ${hole} last where status = 'RUNNING' and deadline > last.at`);
  await tx.delete(servers).where(lt(servers.aliveAt, sql`now() - interval '1 hour'`));
}

async function expireLeases(tx: Tx): Promise<void> {
  // Locked first, so that an agent that comes back this instant is either expired or not, and not a bit of both.
  const expired = await tx
    .select({ id: agents.id })
    .from(agents)
    .where(and(lt(agents.sessionExpiresAt, sql`now()`), hasRunning))
    .orderBy(agents.id)
    .for('no key update');
  if (expired.length === 0) return;
  const ofThem = inArray(
    tasks.agentId,
    expired.map(({ id }) => id),
  );
  await lockTasks(tx, and(eq(tasks.status, 'RUNNING'), ofThem));
  const returned = await giveBack(tx, ofThem);
  await addEvents(tx, toEvents(returned, 'the agent was not heard of for the length of its lease'));
  await endTasks(
    tx,
    returned.filter((row) => row.status !== 'PENDING'),
  );
  await notify(
    tx,
    returned.map((row) => topic.deployment(row.deploymentId)),
  );
}

const hasRunning = sql`exists (select 1 from ${tasks} where ${tasks.agentId} = ${agents.id} and ${tasks.status} = 'RUNNING')`;

/** Hosts that went offline hold up no others. */
async function passBy(tx: Tx): Promise<void> {
  const { agentIds, deploymentIds } = await releaseBarriers(tx);
  await notify(tx, [...agentIds.map(topic.pending), ...deploymentIds.map(topic.deployment), topic.due]);
}

async function failStuck(tx: Tx): Promise<void> {
  const message = 'no progress was reported before the deadline';
  const isStuck = and(eq(tasks.status, 'RUNNING'), lt(tasks.deadline, sql`now()`));
  await lockTasks(tx, isStuck);
  const stuck = await tx
    .update(tasks)
    .set({ status: 'FAILED', finishedAt: sql`now()`, error: { code: 'DEADLINE_EXCEEDED', message } })
    .where(isStuck)
    .returning({
      id: tasks.id,
      deploymentId: tasks.deploymentId,
      agentId: tasks.agentId,
      status: tasks.status,
      attempt: tasks.attempt,
    });
  await addEvents(tx, toEvents(stuck, message));
  await endTasks(tx, stuck);
}

/** Pages show an agent as offline when its lease has run out, which nobody writes: it just happens. */
async function announceOffline(tx: Tx): Promise<void> {
  const [row] = await tx
    .select({ id: agents.id })
    .from(agents)
    .where(
      and(
        isNull(agents.removedAt),
        sql`${agents.sessionExpiresAt} between now() - make_interval(secs => ${(2 * SWEEP_MS) / 1_000}) and now()`,
      ),
    )
    .limit(1);
  if (!row) return;
  const waiting = await tx.execute<{ id: string }>(sql`
    select distinct deployment_id as id from tasks where status in ('PENDING', 'RUNNING')
      and agent_id in (select id from agents where session_expires_at < now())`);
  await notify(tx, [topic.agents, topic.stacks, topic.tasks, ...waiting.map(({ id }) => topic.deployment(id))]);
}
