import { and, asc, desc, eq, getTableColumns, inArray, isNull, lt, lte, max, ne, sql } from 'drizzle-orm';
import { chunks } from '../db/chunks.ts';
import { agents, containers, placements, stackRevisions, stacks } from '../db/tables.ts';
import type { Queryable, Tx } from '../db/types.ts';
import { openStack, outlineOf, revisionOwner, sealStack } from '../secrets/at-rest.ts';
import type { StackSpec } from '../spec/spec.ts';

export type StackRow = typeof stacks.$inferSelect;
type StoredRevision = typeof stackRevisions.$inferSelect;
export type RevisionRow = Omit<StoredRevision, 'spec'> & { spec: StackSpec };
export type Placement = { agentId: string; containerName: string };

/** Finds the stack of that name that has not been deleted for good. */
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
  return row && opened(tx, row);
}

/** Lists the current revision of each of the stacks. */
export async function listCurrentRevisions(tx: Queryable, stackIds: readonly string[]): Promise<RevisionRow[]> {
  const rows = await tx
    .select({ revision: stackRevisions })
    .from(stackRevisions)
    .innerJoin(stacks, and(eq(stacks.id, stackRevisions.stackId), eq(stacks.revision, stackRevisions.number)))
    .where(inArray(stacks.id, [...stackIds]));
  return rows.map((row) => opened(tx, row.revision));
}

function opened({ $vault }: Queryable, row: StoredRevision): RevisionRow {
  return { ...row, spec: openStack(row.spec, $vault, revisionOwner(row.stackId, row.number)) };
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

/** The spec is an outline: names, ports and places. */
export type Neighbours = { stack: string; spec: StackSpec; placements: Placement[] };

/** Lists what all other stacks want on their hosts now, to find names and ports that are taken. */
export async function listNeighbours(tx: Queryable, exceptName: string): Promise<Neighbours[]> {
  const isOther = and(isNull(stacks.deletedAt), ne(stacks.name, exceptName));
  const ofCurrent = and(eq(placements.stackId, stacks.id), eq(placements.revision, stacks.revision));
  const revisions = await tx
    .select({ id: stacks.id, stack: stacks.name, spec: stackRevisions.spec })
    .from(stacks)
    .innerJoin(stackRevisions, and(eq(stackRevisions.stackId, stacks.id), eq(stackRevisions.number, stacks.revision)))
    .where(isOther);
  const placed = await tx
    .select({ id: stacks.id, agentId: placements.agentId, containerName: placements.containerName })
    .from(placements)
    .innerJoin(stacks, ofCurrent)
    .where(isOther);
  const byStack = Map.groupBy(placed, ({ id }) => id);
  return revisions.map(({ id, stack, spec }) => ({ stack, spec: outlineOf(spec), placements: byStack.get(id) ?? [] }));
}

/** Lists every placement of every revision. */
export function listPlacements(
  tx: Queryable,
  stackId: string,
): Promise<{ agentId: string; name: string; revision: number }[]> {
  return tx
    .select({ agentId: placements.agentId, name: placements.containerName, revision: placements.revision })
    .from(placements)
    .where(eq(placements.stackId, stackId));
}

/** A container that claims to be newer by more than this was not made by an installation whose backup was restored. */
const FURTHEST_AHEAD = 100_000;

/**
 * The next number is also above every number that a container bears: after an older backup of the database was restored,
 * hosts may have revisions that it does not know, and agents refuse lower ones. And it is above the numbers of deleted
 * stacks of the name, so that what an old deletion still has to do does not hit their successor. An agent that claims any
 * number must not use the numbers up.
 */
export async function nextRevisionNumber(tx: Queryable, stack: Pick<StackRow, 'name' | 'revision'>): Promise<number> {
  const [before] = await tx
    .select({ revision: max(stacks.revision) })
    .from(stacks)
    .where(eq(stacks.name, stack.name));
  const known = Math.max(stack.revision, before?.revision ?? 0);
  const [row] = await tx
    .select({ revision: max(containers.revision) })
    .from(containers)
    .innerJoin(agents, and(eq(agents.id, containers.agentId), isNull(agents.removedAt)))
    .where(and(eq(containers.stack, stack.name), lte(containers.revision, known + FURTHEST_AHEAD)));
  return Math.max(known, row?.revision ?? 0) + 1;
}

export type RevisionSummary = Omit<RevisionRow, 'spec' | 'source'>;

/** Lists the newest first. */
export function listRevisions(
  tx: Queryable,
  stackId: string,
  limit: number,
  before?: number,
): Promise<RevisionSummary[]> {
  const { spec: _spec, source: _source, ...summary } = getTableColumns(stackRevisions);
  return tx
    .select(summary)
    .from(stackRevisions)
    .where(
      and(eq(stackRevisions.stackId, stackId), before === undefined ? undefined : lt(stackRevisions.number, before)),
    )
    .orderBy(desc(stackRevisions.number))
    .limit(limit);
}

export async function insertStack(tx: Tx, name: string): Promise<StackRow> {
  const [row] = await tx.insert(stacks).values({ name, desired: 'RUNNING', revision: 0 }).returning();
  if (!row) throw new Error('insert returned no row');
  return row;
}

export async function updateStack(
  tx: Tx,
  id: string,
  change: Partial<Pick<StackRow, 'desired' | 'revision' | 'autoRepair' | 'repairs' | 'repairNotBefore'>>,
): Promise<void> {
  await tx
    .update(stacks)
    .set({ ...change, updatedAt: sql`now()` })
    .where(eq(stacks.id, id));
}

export async function insertRevision(
  tx: Tx,
  revision: Omit<typeof stackRevisions.$inferInsert, 'spec'> & { spec: StackSpec },
  placed: readonly Placement[],
): Promise<void> {
  const { stackId, number } = revision;
  const spec = sealStack(revision.spec, tx.$vault, revisionOwner(stackId, number));
  await tx.insert(stackRevisions).values({ ...revision, spec });
  for (const part of chunks(placed, 5_000))
    await tx.insert(placements).values(part.map((placement) => ({ ...placement, stackId, revision: number })));
}
