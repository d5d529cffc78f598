import { and, eq, isNull, sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import { type ContainerRow, online } from '../agents/store.ts';
import { type Actor, GRAPHIUM } from '../base/audit.ts';
import { each } from '../base/each.ts';
import { GraphiumError, notFound } from '../base/errors.ts';
import { transact } from '../db/connect.ts';
import { agents, containers } from '../db/tables.ts';
import type { Db, Queryable, Tx } from '../db/types.ts';
import { currentTarget, DEFAULTS, launch } from '../deployments/launch.ts';
import type { PlanOptions } from '../deployments/plan-input.ts';
import { type DeploymentRow, findLatestDeployment, findUnfinished, lockPlanning } from '../deployments/store.ts';
import { orphanKey } from '../planning/changes.ts';
import { hashOf } from '../spec/hash.ts';
import { PREVIOUS_SUFFIX } from '../spec/names.ts';
import { findStack, getStack, insertRevision, insertStack, type StackRow, updateStack } from '../stacks/store.ts';

/**
 * Orphans: containers that carry our labels and that nothing wants. An orphan is removable, by a deployment like any other,
 * if its removal was Graphium's own to do: it made the container and ended its stack or its service, and then the host came
 * back from a snapshot, for instance. All others are only listed: a restored backup of the database must not empty a host.
 */
export type Orphan = { container: ContainerRow; reason: 'UNKNOWN_STACK' | 'NOT_WANTED'; isRemovable: boolean };

/** The container's name, also while the agent replaces it. */
const NAME = sql`regexp_replace(${containers.name}, ${sql.raw(`'\\${PREVIOUS_SUFFIX}$'`)}, '')`;

/**
 * Until the current revision has come up as a whole, what the last good one placed is wanted as well: it is what serves.
 * Agents are compared by name: one that was removed and enrolled again finds its containers as it left them.
 */
const WANTED = sql`exists (
  select 1 from placements p join stacks w on w.id = p.stack_id and p.revision in (w.revision, w.good_revision)
  join agents placed on placed.id = p.agent_id
  where w.name = ${containers.stack} and w.deleted_at is null and w.desired <> 'DELETED' and placed.name = ${agents.name}
    and p.container_name = ${NAME})`;

/** The newest stack of the container's stack name, deleted or not. */
const STACK = sql`(select s.id from stacks s where s.name = ${containers.stack}
  order by s.deleted_at is null desc, s.deleted_at desc limit 1)`;

/** The task that made the container, as its label says: anybody can write a label. */
const MAKER = sql`case when ${containers.taskId} ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then ${containers.taskId}::uuid end`;

/**
 * Whether this database knows the task that made the container, and has ended its stack, or its service by a revision that
 * came up: one that failed or was cancelled has ended nothing.
 */
const REMOVABLE = sql`exists (select 1 from tasks t where t.id = ${MAKER}) and exists (
  select 1 from stacks s where s.id = ${STACK} and ${containers.revision} <= s.revision and (
    s.deleted_at is not null or s.desired = 'DELETED' or s.good_revision = s.revision and exists (
      select 1 from placements p join agents placed on placed.id = p.agent_id
      where p.stack_id = s.id and placed.name = ${agents.name}
        and p.container_name = ${NAME})))`;

export async function listOrphans(tx: Queryable): Promise<Orphan[]> {
  const rows = await tx
    .select({
      container: containers,
      isKnown: sql<boolean>`exists (select 1 from stacks s where s.name = ${containers.stack} and s.deleted_at is null)`,
      isRemovable: sql<boolean>`${REMOVABLE}`,
    })
    .from(containers)
    .innerJoin(agents, and(eq(agents.id, containers.agentId), isNull(agents.removedAt)))
    .where(sql`not ${WANTED}`)
    .orderBy(containers.stack, agents.name, containers.name);
  return rows.map(({ container, isKnown, isRemovable }) => ({
    container,
    isRemovable,
    reason: isKnown ? ('NOT_WANTED' as const) : ('UNKNOWN_STACK' as const),
  }));
}

/** Removes the orphans that are Graphium's own to remove. */
export async function removeOrphansUnasked(db: Db, log: Logger): Promise<void> {
  await each(await listStacksWithRemovable(db), log, 'orphans of a stack cannot be removed', ({ id }) =>
    transact(db, async (tx) => {
      await lockPlanning(tx);
      if (!(await listStacksWithRemovable(tx)).some((stack) => stack.id === id)) return;
      const stack = await getStack(tx, id);
      const { id: deploymentId } = await launchRemoval(tx, GRAPHIUM, stack, {
        ...(await unaskedRemoval(tx, stack)),
        orphans: await listRemovable(tx),
      });
      log.info({ stack: stack.name, deploymentId }, 'removing containers that nothing wants');
    }),
  );
}

async function unaskedRemoval(tx: Tx, stack: StackRow): Promise<Removal> {
  // Deleting again takes everything with the stack's name; where some of it is not removable, only the rest is taken.
  const own = (await listOrphans(tx)).filter(({ container }) => container.stack === stack.name);
  const kind = stack.desired === 'DELETED' && own.every(({ isRemovable }) => isRemovable) ? 'DELETE' : 'REMOVE_ORPHANS';
  // A deletion that failed still owes the volumes; one that succeeded, or kept them, does not.
  const latest = await findLatestDeployment(tx, stack.id);
  const removeVolumes = latest?.kind === 'DELETE' && latest.status !== 'SUCCEEDED' && latest.removeVolumes;
  return { kind, removeVolumes };
}

type Removal = Pick<PlanOptions, 'removeVolumes' | 'orphans' | 'onlyAgent'> & { kind: 'DELETE' | 'REMOVE_ORPHANS' };

async function launchRemoval(tx: Tx, actor: Actor, stack: StackRow, removal: Removal): Promise<DeploymentRow> {
  const target = await currentTarget(tx, stack);
  const isPart = removal.kind === 'REMOVE_ORPHANS';
  return launch(tx, actor, stack, isPart && stack.desired === 'DELETED' ? { ...target, placed: [] } : target, {
    ...removal,
    desired: stack.desired,
    options: DEFAULTS,
    idempotencyKey: null,
    inputHash: hashOf({ orphansOf: stack.id }),
    retryOf: null,
    warnings: [],
  });
}

const keyOf = ({ container: { agentId, name } }: Orphan) => orphanKey(agentId, name);

/** Lists, by `orphanKey`, the orphans that are Graphium's own to remove. */
export async function listRemovable(tx: Tx): Promise<Set<string>> {
  const removable = (await listOrphans(tx)).filter(({ isRemovable }) => isRemovable);
  return new Set(removable.map(keyOf));
}

/**
 * Lists stacks with removable orphans on hosts that are online. Leaves out a stack that a deployment is at work on, and one
 * for which the same was tried within the last minute.
 */
async function listStacksWithRemovable(tx: Queryable): Promise<{ id: string }[]> {
  return tx
    .selectDistinct({ id: sql<string>`${STACK}` })
    .from(containers)
    .innerJoin(agents, and(eq(agents.id, containers.agentId), isNull(agents.removedAt)))
    .where(
      and(
        online,
        sql`not ${WANTED}`,
        REMOVABLE,
        sql`not exists (select 1 from deployments d where d.stack_id = ${STACK} and (
          d.finished_at is null
          or (d.created_by = ${GRAPHIUM.name} and d.finished_at > now() - interval '1 minute')
          or (d.finished_at > now() - interval '5 seconds')))`,
      ),
    );
}

/**
 * Removes the orphans of a stack as a person asked for. A stack that is not known here is first made known, as deleted.
 * @throws GraphiumError NOT_FOUND, CONFLICT
 */
export function removeOrphans(db: Db, actor: Actor, name: string, onlyAgent: string | null): Promise<DeploymentRow> {
  return transact(db, async (tx) => {
    await lockPlanning(tx);
    const orphans = (await listOrphans(tx)).filter(
      ({ container }) => container.stack === name && (onlyAgent === null || container.agentId === onlyAgent),
    );
    if (orphans.length === 0) throw notFound('orphan of the stack', name);
    const known = await findStack(tx, name);
    if (known && (await findUnfinished(tx, known.id))) {
      throw new GraphiumError('CONFLICT', `A deployment of the stack "${name}" is at work; wait for its end.`);
    }
    const stack = known ?? (await insertUnknown(tx, actor, name));
    const kind = stack.desired === 'DELETED' ? 'DELETE' : 'REMOVE_ORPHANS';
    return launchRemoval(tx, actor, stack, { kind, onlyAgent, orphans: new Set(orphans.map(keyOf)) });
  });
}

async function insertUnknown(tx: Tx, actor: Actor, name: string): Promise<StackRow> {
  const stack = await insertStack(tx, name);
  const spec = { name, description: null, placement: 'manual' as const, services: [], networks: [], volumes: [] };
  const note = 'made to remove containers of a stack that was not known';
  await insertRevision(
    tx,
    { stackId: stack.id, number: 1, format: 'COMPOSE', source: '', spec, note, createdBy: actor.name },
    [],
  );
  await updateStack(tx, stack.id, { desired: 'DELETED', revision: 1 });
  return { ...stack, desired: 'DELETED', revision: 1 };
}
