import { and, eq, isNull, ne, or, sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import { listAgents, listContainersOfStacks } from '../agents/store.ts';
import { type Actor, audit, GRAPHIUM } from '../base/audit.ts';
import { each } from '../base/each.ts';
import { GraphiumError, notFound } from '../base/errors.ts';
import { transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { stacks } from '../db/tables.ts';
import type { Db, Tx } from '../db/types.ts';
import { type Draft, draftFromRevision, storeDraft } from '../deployments/draft.ts';
import { currentTarget, DEFAULTS, launch } from '../deployments/launch.ts';
import { findUnfinished, listStopped, lockPlanning } from '../deployments/store.ts';
import { orphanKey } from '../planning/changes.ts';
import { type DriftInput, driftOf } from '../planning/drift.ts';
import type { Placed } from '../planning/placed.ts';
import { hashOf } from '../spec/hash.ts';
import { findStack, getStack, hasServed, listEnrolledAgain, type StackRow, updateStack } from '../stacks/store.ts';
import { listRemovable } from './orphans.ts';

/**
 * What is done to stacks without anybody asking: drift is repaired where `auto_repair` is on, and global services follow
 * the agents. Nothing is done while a deployment is at work, and each repair waits twice as long as the last.
 */
const FIRST_WAIT_SECONDS = 10;
const LONGEST_WAIT_SECONDS = 600;
/** A stack without drift for so long after its last wait begins anew with the first wait. */
const WELL_AFTER_SECONDS = 600;

export function setAutoRepair(db: Db, actor: Actor, name: string, enabled: boolean): Promise<StackRow> {
  return transact(db, async (tx) => {
    const stack = await findStack(tx, name);
    if (!stack) throw notFound('stack', name);
    await updateStack(tx, stack.id, { autoRepair: enabled, repairs: 0, repairNotBefore: null });
    await audit(tx, actor, 'setAutoRepair', name, { enabled });
    await notify(tx, [topic.stacks]);
    return getStack(tx, stack.id);
  });
}

const isGlobal = sql`exists (select 1 from stack_revisions r where r.stack_id = ${stacks.id} and r.number = ${stacks.revision}
  and jsonb_path_exists(r.spec, '$.services[*] ? (@.global == true)'))`;
const isDue = sql`${stacks.autoRepair} and (${stacks.repairNotBefore} is null or ${stacks.repairNotBefore} <= now())`;
const isAtRest = sql`not exists (select 1 from deployments d where d.stack_id = ${stacks.id} and d.finished_at is null)`;

/** What each stack looked like, by its id, when nothing was to be done about it. */
export type Looks = Map<string, string>;

/**
 * Everything that decides whether a stack is to be repaired, in one hash: its observed containers, the agents, itself.
 * drizzle leaves the table out before the columns of a result, so that one names its table itself.
 */
const LOOK = sql<string>`md5(concat_ws('|', ${stacks.revision}, ${stacks.goodRevision}, ${stacks.desired},
  (select concat(count(*), max(c.observed_at)) from containers c where c.stack = stacks.name),
  (select string_agg(concat(a.id, a.labels, coalesce(a.session_expires_at > now(), false),
      a.engine_down_since is null), ',' order by a.id)
    from agents a where a.removed_at is null)))`;

/** Reads a whole stack only if something has changed since it was last found well: that is the costly part. */
export async function autoRepair(db: Db, log: Logger, looks: Looks): Promise<void> {
  const candidates = await db
    .select({ id: stacks.id, name: stacks.name, look: LOOK, repairNotBefore: stacks.repairNotBefore })
    .from(stacks)
    .where(and(isNull(stacks.deletedAt), ne(stacks.desired, 'DELETED'), isAtRest, or(isDue, isGlobal)));
  for (const id of looks.keys()) if (!candidates.some((one) => one.id === id)) looks.delete(id);
  const changed = candidates.filter(({ id, look }) => looks.get(id) !== look);
  await each(changed, log, 'a stack cannot be repaired', async ({ id, look, repairNotBefore }) => {
    const launched = await transact(db, async (tx) => {
      await lockPlanning(tx);
      if (await findUnfinished(tx, id)) return undefined;
      const stack = await getStack(tx, id);
      if (await isBehind(tx, stack)) return undefined;
      return (await followAgents(tx, stack)) ?? (await repair(tx, stack));
    });
    if (launched) log.info(launched, 'repairing a stack by itself');
    // While a wait runs, time itself changes what is to be done.
    else if (repairNotBefore === null) looks.set(id, look);
  });
}

/** Hosts have a newer revision than the database, as after a restored backup: only people know which one is right. */
async function isBehind(tx: Tx, stack: StackRow): Promise<boolean> {
  const observed = await listContainersOfStacks(tx, [stack.name]);
  return observed.some(({ revision }) => revision > stack.revision);
}

type Launched = { stack: string; deploymentId: string; because: string };

/** Gives a new agent that fits its container of a global service, and takes it from one that fits no more. */
async function followAgents(tx: Tx, stack: StackRow): Promise<Launched | undefined> {
  // A revision that failed, or was cancelled, is brought to no further host unasked.
  if (stack.desired !== 'RUNNING' || !(await hasServed(tx, stack, { ownCopies: true }))) return undefined;
  const { spec, placed: before } = await currentTarget(tx, stack);
  const draft = spec.services.some((service) => service.global) ? await draftGlobals(tx, stack) : undefined;
  if (!draft) return undefined;
  // All others stay where they are, and their data with them, until somebody deploys.
  const placed = [
    ...before.filter(({ service }) => !service.global),
    ...draft.placed.filter(({ service }) => service.global),
  ];
  const keys = new Set(before.map(keyOf));
  const stay = new Set(placed.map(keyOf));
  const again = await listEnrolledAgain(tx, stack);
  const come = placed
    .filter((one) => one.service.global && (!keys.has(keyOf(one)) || again.has(one.agentId)))
    .map(keyOf);
  const left = [...keys].filter((key) => !stay.has(key));
  if (come.length + left.length === 0) return undefined;
  const now = await storeDraft(tx, GRAPHIUM, { ...draft, placed });
  const deploymentId = await launchRepair(tx, now, { left, only: new Set([...come, ...left]) });
  return { stack: stack.name, deploymentId, because: 'agents came or went' };
}

const keyOf = ({ agentId, container }: Placed) => orphanKey(agentId, container.name);

/** Where another service has no place, such as on an agent that was removed, the global ones have theirs all the same. */
async function draftGlobals(tx: Tx, stack: StackRow): Promise<Draft | undefined> {
  for (const onlyGlobals of [false, true]) {
    try {
      return await draftFromRevision(tx, stack, stack.revision, { note: 'agents came or went', onlyGlobals });
    } catch (error) {
      // Such as when no agent is left: the next one that comes is tried.
      if (!(error instanceof GraphiumError)) throw error;
    }
  }
  return undefined;
}

/** Repairs only towards a revision that has been good: one that failed, or was cancelled, is not tried again unasked. */
async function repair(tx: Tx, stack: StackRow): Promise<Launched | undefined> {
  if (!(await hasServed(tx, stack, { ownCopies: true }))) return undefined;
  const [due] = await tx
    .select()
    .from(stacks)
    .where(and(eq(stacks.id, stack.id), isDue));
  if (!due) return undefined;
  const drift = (await readDrift(tx, stack)).filter(({ kind }) => kind !== 'UNKNOWN' && kind !== 'NOT_WANTED');
  const [first] = drift;
  if (!first) {
    const isWell = sql`${stacks.repairNotBefore} < now() - make_interval(secs => ${WELL_AFTER_SECONDS})`;
    await tx
      .update(stacks)
      .set({ repairs: 0, repairNotBefore: null })
      .where(and(eq(stacks.id, stack.id), isWell));
    return undefined;
  }
  const waitSeconds = Math.min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** stack.repairs);
  await tx
    .update(stacks)
    .set({ repairs: stack.repairs + 1, repairNotBefore: sql`now() + make_interval(secs => ${waitSeconds})` })
    .where(eq(stacks.id, stack.id));
  const because = `${first.containerName}: ${first.message}${drift.length > 1 ? `, and ${drift.length - 1} more` : ''}`;
  return { stack: stack.name, deploymentId: await launchRepair(tx, stack), because };
}

/** Removes removable orphans too; other containers that nothing wants are not removed unasked. */
async function launchRepair(
  tx: Tx,
  stack: StackRow,
  { left = [], only }: { left?: readonly string[]; only?: ReadonlySet<string> } = {},
): Promise<string> {
  const { id } = await launch(tx, GRAPHIUM, stack, await currentTarget(tx, stack), {
    kind: stack.desired === 'STOPPED' ? 'STOP' : 'REPAIR',
    orphans: new Set([...(await listRemovable(tx)), ...left]),
    unasked: true,
    ...(only && { only }),
    desired: stack.desired,
    options: DEFAULTS,
    idempotencyKey: null,
    inputHash: hashOf({ repairOf: stack.id, revision: stack.revision }),
    retryOf: null,
    warnings: [],
  });
  return id;
}

async function readDrift(tx: Tx, stack: StackRow): Promise<ReturnType<typeof driftOf>> {
  const { placed } = await currentTarget(tx, stack);
  const agents = await listAgents(tx);
  const input: DriftInput = {
    desired: stack.desired,
    placed,
    observed: await listContainersOfStacks(tx, [stack.name]),
    online: new Set(agents.filter(({ online }) => online).map(({ id }) => id)),
    stopped: await listStopped(tx, [stack.id]),
    inWork: [],
  };
  return driftOf(input);
}
