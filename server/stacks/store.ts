import { and, asc, desc, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { Queryable, Tx } from '../db/connect.ts';
import { agents, placements, stackRevisions, stacks } from '../db/tables.ts';
import type { StackSpec } from './spec.ts';

export type StackRow = typeof stacks.$inferSelect;
export type RevisionRow = typeof stackRevisions.$inferSelect;
export type Placement = { agentId: string; containerName: string };

/** The stack of that name that has not been deleted for good. */
export async function findStack(tx: Queryable, name: string): Promise<StackRow | undefined> {
  const [row] = await tx
    .select()
    .from(stacks)
    .where(and(eq(stacks.name, name), isNull(stacks.deletedAt)));
  return row;
}

export async function listStacks(tx: Queryable, includeDeleted: boolean): Promise<StackRow[]> {
  return tx
    .select()
    .from(stacks)
    .where(includeDeleted ? undefined : isNull(stacks.deletedAt))
    .orderBy(asc(stacks.name), desc(stacks.createdAt));
}

export function listStacksById(tx: Queryable, ids: readonly string[]): Promise<StackRow[]> {
  return tx
    .select()
    .from(stacks)
    .where(inArray(stacks.id, [...ids]));
}

export async function getStack(tx: Queryable, id: string): Promise<StackRow> {
  const [row] = await listStacksById(tx, [id]);
  if (!row) throw new Error(`there is no stack ${id}`);
  return row;
}

export async function findRevision(tx: Queryable, stackId: string, number: number): Promise<RevisionRow | undefined> {
  const [row] = await tx
    .select()
    .from(stackRevisions)
    .where(and(eq(stackRevisions.stackId, stackId), eq(stackRevisions.number, number)));
  return row;
}

/** The current revision of each of the stacks. */
export async function listCurrentRevisions(tx: Queryable, stackIds: readonly string[]): Promise<RevisionRow[]> {
  const rows = await tx
    .select({ revision: stackRevisions })
    .from(stackRevisions)
    .innerJoin(stacks, and(eq(stacks.id, stackRevisions.stackId), eq(stacks.revision, stackRevisions.number)))
    .where(inArray(stacks.id, [...stackIds]));
  return rows.map((row) => row.revision);
}

export type CurrentPlacement = Placement & { stackId: string; agent: string };

export function listCurrentPlacements(tx: Queryable, stackIds: readonly string[]): Promise<CurrentPlacement[]> {
  return tx
    .select({
      stackId: placements.stackId,
      agentId: placements.agentId,
      containerName: placements.containerName,
      agent: agents.name,
    })
    .from(placements)
    .innerJoin(stacks, and(eq(stacks.id, placements.stackId), eq(stacks.revision, placements.revision)))
    .innerJoin(agents, and(eq(agents.id, placements.agentId), isNull(agents.removedAt)))
    .where(inArray(stacks.id, [...stackIds]));
}

/** What every stack but `exceptId` wants on its hosts now, to find names and ports that are taken. */
export async function listNeighbours(tx: Queryable, exceptName: string) {
  return tx
    .select({
      stack: stacks.name,
      agentId: placements.agentId,
      containerName: placements.containerName,
      spec: stackRevisions.spec,
    })
    .from(placements)
    .innerJoin(stacks, and(eq(stacks.id, placements.stackId), eq(stacks.revision, placements.revision)))
    .innerJoin(stackRevisions, and(eq(stackRevisions.stackId, stacks.id), eq(stackRevisions.number, stacks.revision)))
    .where(and(isNull(stacks.deletedAt), sql`${stacks.name} <> ${exceptName}`));
}

/** Every placement of every revision, on agents that exist. */
export function listPlacements(
  tx: Queryable,
  stackId: string,
): Promise<{ agentId: string; name: string; revision: number }[]> {
  return tx
    .select({ agentId: placements.agentId, name: placements.containerName, revision: placements.revision })
    .from(placements)
    .where(eq(placements.stackId, stackId));
}

export async function insertStack(tx: Tx, name: string): Promise<StackRow> {
  const [row] = await tx.insert(stacks).values({ name, desired: 'RUNNING', revision: 0 }).returning();
  if (!row) throw new Error('insert returned no row');
  return row;
}

export async function updateStack(
  tx: Tx,
  id: string,
  change: { desired: StackRow['desired']; revision?: number },
): Promise<void> {
  await tx
    .update(stacks)
    .set({ ...change, updatedAt: sql`now()` })
    .where(eq(stacks.id, id));
}

export async function insertRevision(
  tx: Tx,
  revision: {
    stackId: string;
    number: number;
    format: 'COMPOSE' | 'JSONLD';
    source: string;
    spec: StackSpec;
    createdBy: string;
  },
  placed: readonly Placement[],
): Promise<void> {
  await tx.insert(stackRevisions).values(revision);
  const { stackId, number } = revision;
  if (placed.length > 0) {
    await tx.insert(placements).values(placed.map((placement) => ({ ...placement, stackId, revision: number })));
  }
}
