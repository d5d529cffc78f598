import { and, eq, gt, inArray, isNull, lt, sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import { APPLICATION, transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { agents, servers, tasks } from '../db/tables.ts';
import type { Db, Tx } from '../db/types.ts';
import { endTasks } from '../deployments/settle.ts';
import { failStuck, giveBack, STUCK } from '../tasks/moves.ts';
import { addEvents, lockTasks, toEvents } from '../tasks/store.ts';

/** What time brings about for sessions and the tasks that run under them. */

/** A longer time without a sign of life of any server counts as downtime. */
const DOWNTIME_SECONDS = 15;

/** Lengthens live sessions and deadlines by the time in which no server was alive: it never counts against an agent. */
async function creditServerDowntime(tx: Tx): Promise<void> {
  const last = sql`(select max(alive_at) as at from servers having max(alive_at) < now() - make_interval(secs => ${DOWNTIME_SECONDS}))`;
  await tx.execute(sql`
    update agents set session_expires_at = session_expires_at + (now() - last.at)
    from ${last} last where session_expires_at > last.at and session_instance is not null`);
  await tx.execute(sql`
    update tasks set deadline = deadline + (now() - last.at),
      cancel_requested_at = cancel_requested_at + (now() - last.at)
    from ${last} last where status = 'RUNNING' and deadline > last.at`);
  await tx.delete(servers).where(lt(servers.aliveAt, sql`now() - interval '1 hour'`));
}

/**
 * Writes the server's sign of life. Downtime is credited first, in the same transaction and by one server at a time: the
 * sign of one would hide from another what is not credited yet.
 */
export function heartbeat(db: Db, serverId: string): Promise<void> {
  return transact(db, async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(7277346)`);
    await creditServerDowntime(tx);
    await signOfLife(tx, serverId);
  });
}

/** A transaction that is older than this, in seconds, belongs to a server that has stopped dead. */
const LONGEST_TRANSACTION = 45;

/**
 * Ends transactions of servers that stopped dead within them, such as by a power cut: their locks would block all others,
 * and Postgres itself may take hours to notice. It takes no lock itself.
 */
export async function endDeadTransactions(db: Db, log: Logger, seconds = LONGEST_TRANSACTION): Promise<void> {
  const ended = await db.execute<{ pid: number }>(sql`
    select pid, pg_terminate_backend(pid) from pg_stat_activity
    where application_name = ${APPLICATION} and datname = current_database() and usename = current_user
      and pid <> pg_backend_pid() and xact_start < clock_timestamp() - make_interval(secs => ${seconds})`);
  for (const { pid } of ended) log.warn({ pid }, 'ended a transaction that had not moved for long');
}

/** The first server that is alive does what need not be done by all. */
export async function isLeader(db: Db, serverId: string): Promise<boolean> {
  const [first] = await db
    .select({ id: servers.id })
    .from(servers)
    .where(gt(servers.aliveAt, sql`now() - make_interval(secs => ${DOWNTIME_SECONDS})`))
    .orderBy(servers.id)
    .limit(1);
  return first === undefined || first.id === serverId;
}

async function signOfLife(tx: Tx, serverId: string): Promise<void> {
  await tx
    .insert(servers)
    .values({ id: serverId })
    .onConflictDoUpdate({ target: servers.id, set: { aliveAt: sql`now()` } });
}

/** Gives back the running tasks of agents whose lease has run out. */
export async function expireLeases(tx: Tx): Promise<void> {
  // Locked first, so that an agent that comes back this instant has either expired or not.
  const expired = await tx
    .select({ id: agents.id })
    .from(agents)
    .where(and(lt(agents.sessionExpiresAt, sql`now()`), HAS_RUNNING))
    .orderBy(agents.id)
    // Who holds an agent's row works under its session, which has not ended then.
    .for('no key update', { skipLocked: true });
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

const HAS_RUNNING = sql`exists (select 1 from ${tasks} where ${tasks.agentId} = ${agents.id} and ${tasks.status} = 'RUNNING')`;

/** Fails tasks of which no progress was reported before their deadline. */
export async function failStuckTasks(tx: Tx): Promise<void> {
  const isStuck = and(eq(tasks.status, 'RUNNING'), lt(tasks.deadline, sql`now()`));
  await lockTasks(tx, isStuck);
  const stuck = await failStuck(tx, isStuck);
  await addEvents(tx, toEvents(stuck, STUCK.message));
  await endTasks(tx, stuck);
}

/**
 * Tells the pages that an agent has gone offline, which nobody writes: its lease just runs out.
 * @param withinMs how long ago the lease may have run out: longer than from one sweep to the next
 */
export async function announceOffline(tx: Tx, withinMs: number): Promise<void> {
  const [row] = await tx
    .select({ id: agents.id })
    .from(agents)
    .where(
      and(
        isNull(agents.removedAt),
        sql`${agents.sessionExpiresAt} between now() - make_interval(secs => ${withinMs / 1_000}) and now()`,
      ),
    )
    .limit(1);
  if (!row) return;
  const waiting = await tx.execute<{ id: string }>(sql`
    select distinct deployment_id as id from tasks where status in ('PENDING', 'RUNNING')
      and agent_id in (select id from agents where session_expires_at < now())`);
  await notify(tx, [topic.agents, topic.stacks, topic.tasks, ...waiting.map(({ id }) => topic.deployment(id))]);
}
