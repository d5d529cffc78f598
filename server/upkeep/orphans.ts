import { and, eq, isNull, sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import type { ContainerRow } from '../agents/store.ts';
import { type Actor, GRAPHIUM } from '../base/audit.ts';
import { GraphiumError, notFound } from '../base/errors.ts';
import { transact } from '../db/connect.ts';
import { agents, containers } from '../db/tables.ts';
import type { Db, Queryable, Tx } from '../db/types.ts';
import { currentAim, DEFAULTS, launch } from '../deployments/launch.ts';
import {
  type DeploymentRow,
  findLatestDeployment,
  findUnfinished,
  getDeployment,
  lockPlanning,
} from '../deployments/store.ts';
import { containerKey } from '../planning/changes.ts';
import { hashOf } from '../spec/hash.ts';
import { findStack, getStack, insertRevision, insertStack, type StackRow, updateStack } from '../stacks/store.ts';

/**
 * Containers that carry our labels and that nothing wants. Those whose removal was Graphium's own to do (it made them and
 * ended their stack or their service; their host came back from a snapshot, say) are removed by a deployment like any
 * other. All others are only listed: a restored backup of the database must not empty a host.
 */
export type Orphan = { container: ContainerRow; reason: 'UNKNOWN_STACK' | 'NOT_WANTED'; isOurs: boolean };

/** By name, for an agent that was removed and enrolled again finds its containers as it left them. */
const WANTED = sql`exists (
  select 1 from placements p join stacks w on w.id = p.stack_id and w.revision = p.revision
  join agents placed on placed.id = p.agent_id
  where w.name = ${containers.stack} and w.deleted_at is null and w.desired <> 'DELETED' and placed.name = ${agents.name}
    and p.container_name = regexp_replace(${containers.name}, '\\.graphium-previous$', ''))`;

/** The newest stack of its name, deleted or not. */
const STACK = sql`(select s.id from stacks s where s.name = ${containers.stack}
  order by s.deleted_at is null desc, s.deleted_at desc limit 1)`;

/** This database knows the task that made it, and has ended the stack or what the container was for. */
const OURS = sql`exists (select 1 from tasks t where t.id::text = ${containers.taskId}) and exists (
  select 1 from stacks s where s.id = ${STACK} and ${containers.revision} <= s.revision and (
    s.deleted_at is not null or s.desired = 'DELETED' or exists (
      select 1 from placements p join agents placed on placed.id = p.agent_id
      where p.stack_id = s.id and placed.name = ${agents.name}
        and p.container_name = regexp_replace(${containers.name}, '\\.graphium-previous$', ''))))`;

export async function listOrphans(tx: Queryable): Promise<Orphan[]> {
  const rows = await tx
    .select({
      container: containers,
      isKnown: sql<boolean>`exists (select 1 from stacks s where s.name = ${containers.stack} and s.deleted_at is null)`,
      isOurs: sql<boolean>`${OURS}`,
    })
    .from(containers)
    .innerJoin(agents, and(eq(agents.id, containers.agentId), isNull(agents.removedAt)))
    .where(sql`not ${WANTED}`)
    .orderBy(containers.stack, agents.name, containers.name);
  return rows.map(({ container, isKnown, isOurs }) => ({
    container,
    isOurs,
    reason: isKnown ? ('NOT_WANTED' as const) : ('UNKNOWN_STACK' as const),
  }));
}

/** Those that are Graphium's own to remove. */
export async function removeDeserted(db: Db, log: Logger): Promise<void> {
  for (const { id } of await findDeserted(db)) {
    await transact(db, async (tx) => {
      await lockPlanning(tx);
      if (!(await findDeserted(tx)).some((stack) => stack.id === id)) return;
      const stack = await getStack(tx, id);
      // Deleting again takes all that bears the stack's name; beside what is not Graphium's only its own is removed.
      const own = (await listOrphans(tx)).filter(({ container }) => container.stack === stack.name);
      const kind = stack.desired === 'DELETED' && own.every(({ isOurs }) => isOurs) ? 'DELETE' : 'REPAIR';
      // A deletion that failed still owes the volumes; one that succeeded, or kept them, does not.
      const latest = await findLatestDeployment(tx, id);
      const removeVolumes = latest?.kind === 'DELETE' && latest.status !== 'SUCCEEDED' && latest.removeVolumes;
      const deploymentId = await launchRemoval(tx, GRAPHIUM, stack, { kind, removeVolumes, onlyOurs: true });
      log.info({ stack: stack.name, deploymentId }, 'removing containers that nothing wants');
    });
  }
}

type Removal = { kind: 'DELETE' | 'REPAIR'; removeVolumes?: boolean; onlyOurs?: boolean; onlyAgent?: string | null };

async function launchRemoval(
  tx: Tx,
  actor: Actor,
  stack: StackRow,
  { onlyOurs, ...removal }: Removal,
): Promise<string> {
  const aim = await currentAim(tx, stack);
  const isPart = removal.kind === 'REPAIR';
  return launch(tx, actor, stack, isPart && stack.desired === 'DELETED' ? { ...aim, placed: [] } : aim, {
    ...removal,
    onlyUnwanted: isPart,
    services: isPart ? [] : null,
    ...(onlyOurs && { onlyContainers: await listOurs(tx) }),
    desired: stack.desired,
    options: DEFAULTS,
    idempotencyKey: null,
    inputHash: hashOf({ orphansOf: stack.id }),
    retryOf: null,
    warnings: [],
  });
}

/** Those that are Graphium's own to remove, by `containerKey`. */
export async function listOurs(tx: Tx): Promise<Set<string>> {
  const ours = (await listOrphans(tx)).filter(({ isOurs }) => isOurs);
  return new Set(ours.map(({ container }) => containerKey(container.agentId, container.name)));
}

/**
 * Their stacks, where the agent is there to do it. Not while a deployment of the stack is at work, and not again within a
 * minute of one that did not help.
 */
async function findDeserted(tx: Queryable): Promise<{ id: string }[]> {
  return tx
    .selectDistinct({ id: sql<string>`${STACK}` })
    .from(containers)
    .innerJoin(agents, and(eq(agents.id, containers.agentId), isNull(agents.removedAt)))
    .where(
      and(
        sql`${agents.sessionExpiresAt} > now()`,
        sql`not ${WANTED}`,
        sql`${OURS}`,
        sql`not exists (select 1 from deployments d where d.stack_id = ${STACK} and (
          d.finished_at is null
          or (d.created_by = ${GRAPHIUM.name} and d.finished_at > now() - interval '1 minute')
          or (d.finished_at > now() - interval '5 seconds')))`,
      ),
    );
}

/** As somebody asked for. A stack that is not known here becomes known, to be deleted. @throws GraphiumError NOT_FOUND, CONFLICT */
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
    const kind = stack.desired === 'DELETED' ? 'DELETE' : 'REPAIR';
    return getDeployment(tx, await launchRemoval(tx, actor, stack, { kind, onlyAgent }));
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
