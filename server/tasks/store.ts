import { asc, inArray, type SQL, sql } from 'drizzle-orm';
import { chunks } from '../db/chunks.ts';
import { deployments, taskBlockers, taskEvents, tasks } from '../db/tables.ts';
import type { Queryable, Tx } from '../db/types.ts';
import type { TaskSpec } from '../db/values.ts';
import { openTask, sealTask, taskOwner } from '../secrets/at-rest.ts';

export type TaskRow = typeof tasks.$inferSelect;
export type NewTask = Omit<typeof tasks.$inferInsert, 'id' | 'spec'> & { id: string; spec: TaskSpec };
/** What callers need to know of a task that moved. */
export type Moved = Pick<TaskRow, 'id' | 'deploymentId' | 'agentId' | 'status' | 'attempt'>;

export const moved = {
  id: tasks.id,
  deploymentId: tasks.deploymentId,
  agentId: tasks.agentId,
  status: tasks.status,
  attempt: tasks.attempt,
};

export async function addEvents(tx: Tx, events: readonly (typeof taskEvents.$inferInsert)[]): Promise<void> {
  for (const part of chunks(events, 5_000)) await tx.insert(taskEvents).values(part);
}

export const toEvents = (rows: readonly Moved[], message: string | null = null) =>
  rows.map((row) => ({ taskId: row.id, status: row.status, attempt: row.attempt, message }));

/** Inserts tasks as PENDING, what they wait for, and that they began. */
export async function insertTasks(
  tx: Tx,
  rows: readonly NewTask[],
  blockers: readonly (typeof taskBlockers.$inferInsert)[],
): Promise<void> {
  // A spec may hold configs of several hundred kilobytes: nothing else happens while it is sealed.
  const parts = [...chunks(rows, 100)];
  const last = parts.pop() ?? [];
  for (const part of parts) await tx.insert(tasks).values(part.map((row) => toStored(tx, row)));
  const events = rows.map(({ id }) => ({ taskId: id, status: 'PENDING' as const, attempt: 0 }));
  await Promise.all([
    ...(last.length > 0 ? [tx.insert(tasks).values(last.map((row) => toStored(tx, row)))] : []),
    ...[...chunks(blockers, 10_000)].map((part) => tx.insert(taskBlockers).values(part)),
    ...[...chunks(events, 5_000)].map((part) => tx.insert(taskEvents).values(part)),
  ]);
}

const toStored = ({ $vault }: Tx, row: NewTask) => ({ ...row, spec: sealTask(row.spec, $vault, taskOwner(row.id)) });

/** Returns what the task tells its agent to do. A part that this server's key does not open is in it as it is stored. */
export const specOf = ({ $vault }: Queryable, { id, spec }: Pick<TaskRow, 'id' | 'spec'>): TaskSpec =>
  openTask(spec, $vault, taskOwner(id));

/** They go beside the spec, because an agent refuses a spec with a field that it does not know. */
export const variablesOf = (spec: TaskSpec): Record<string, string> | null =>
  'container' in spec ? (spec.variables ?? null) : null;

export function withoutVariables(spec: TaskSpec): TaskSpec {
  if (!('container' in spec)) return spec;
  const { variables: _variables, ...rest } = spec;
  return rest;
}

/**
 * Locks the deployments that the tasks belong to and then the tasks, always in this order, for whoever changes several.
 * All agents of a deployment wait for this lock in turn, so its holders send statements that need no answer of one
 * another together, here as elsewhere: Postgres takes them in their order, and they cost one way to it and back.
 */
export async function lockTasks(tx: Tx, which: SQL | undefined): Promise<void> {
  await Promise.all([
    tx
      .select({ id: deployments.id })
      .from(deployments)
      .where(inArray(deployments.id, tx.select({ id: tasks.deploymentId }).from(tasks).where(which)))
      .orderBy(asc(deployments.id))
      .for('update'),
    tx.select({ id: tasks.id }).from(tasks).where(which).orderBy(asc(tasks.id)).for('no key update'),
  ]);
}

export const uuids = (ids: readonly string[]) => sql`${`{${ids.join(',')}}`}::uuid[]`;
