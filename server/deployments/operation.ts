import { listAgentsById, listContainersOfStacks } from '../agents/store.ts';
import { GraphiumError, notFound } from '../base/errors.ts';
import type { Tx } from '../db/types.ts';
import { containerKey } from '../planning/changes.ts';
import type { PlanKind } from '../planning/plan-input.ts';
import { specHashOf } from '../spec/hash.ts';
import { MAX_REPLICAS } from '../spec/limits.ts';
import type { StackSpec } from '../spec/spec.ts';
import { hasServed, type StackRow } from '../stacks/store.ts';
import { type Draft, draftFromFile, draftFromRevision, type StackFile } from './draft.ts';
import { currentTarget } from './launch.ts';
import type { Target } from './plan-input.ts';
import { findGoodRevisionBefore, findLockedStack, findUnfinished, lockUnfinished } from './store.ts';

/** What a person may ask for. */
export type Operation =
  | { kind: 'DEPLOY'; file: StackFile }
  | { kind: 'SCALE'; stack: string; service: string; replicas: number }
  /** `toRevision` null: the last good one before the current. */
  | { kind: 'ROLLBACK'; stack: string; toRevision: number | null }
  | { kind: 'STOP' | 'START' | 'REPAIR'; stack: string }
  /** `services` null: all. */
  | { kind: 'RESTART'; stack: string; services: readonly string[] | null }
  | { kind: 'DELETE'; stack: string; removeVolumes: boolean };

/** What an operation amounts to, before anything is written. */
export type Resolved = {
  kind: PlanKind;
  desired: StackRow['desired'];
  /** null: the stack keeps its revision. */
  draft: Draft | null;
  stack: StackRow | undefined;
  target: Target;
  removeVolumes: boolean;
  services: readonly string[] | null;
};

/**
 * Works out what an operation amounts to. The caller holds the planning lock.
 * @throws GraphiumError NOT_FOUND, CONFLICT, BAD_INPUT and what drafting throws
 */
export async function resolve(tx: Tx, operation: Operation): Promise<Resolved> {
  const running = { desired: 'RUNNING' as const, removeVolumes: false, services: null };
  if (operation.kind === 'DEPLOY') {
    return { ...running, ...fromDraft(await draftFromFile(tx, operation.file)), kind: 'DEPLOY' };
  }
  const stack = await findSubject(tx, operation);
  switch (operation.kind) {
    case 'SCALE': {
      await checkServes(tx, stack);
      const draft = await scaled(tx, stack, operation.service, operation.replicas);
      return { ...running, ...fromDraft(draft), kind: 'DEPLOY' };
    }
    case 'ROLLBACK': {
      const to = operation.toRevision ?? (await findGoodRevisionBefore(tx, stack));
      const draft = await draftFromRevision(tx, stack, to, { note: `as revision ${to}` });
      return { ...running, ...fromDraft(draft), kind: 'ROLLBACK' };
    }
    case 'REPAIR': {
      const desired = stack.desired;
      if (desired !== 'RUNNING') return { ...running, ...(await unchanged(tx, stack)), kind: 'STOP', desired };
      await checkServes(tx, stack);
      const draft = await draftFromRevision(tx, stack, stack.revision, {
        note: placedAgainNote(stack),
      });
      return { ...running, ...fromDraft(draft), kind: 'REPAIR' };
    }
    case 'RESTART': {
      const { services } = operation;
      if (services?.length === 0)
        throw new GraphiumError('BAD_INPUT', 'services: expected at least one, or null for all.');
      await checkServes(tx, stack);
      const current = await unchanged(tx, stack);
      for (const service of services ?? []) checkService(current.target.spec, service);
      await checkPlaced(tx, current.target, services);
      return { ...running, ...current, kind: 'RESTART', services };
    }
    case 'START':
      await checkServes(tx, stack);
      return { ...running, ...(await placedAgain(tx, stack)), kind: 'START' };
    case 'STOP':
      return { ...running, ...(await unchanged(tx, stack)), kind: 'STOP', desired: 'STOPPED' };
    case 'DELETE': {
      const removeVolumes = operation.removeVolumes || (await owesVolumes(tx, stack.id));
      return { ...running, ...(await unchanged(tx, stack)), kind: 'DELETE', desired: 'DELETED', removeVolumes };
    }
  }
}

async function findSubject(tx: Tx, operation: Exclude<Operation, { kind: 'DEPLOY' }>): Promise<StackRow> {
  const { stack } = (await findLockedStack(tx, operation.stack)) ?? {};
  if (!stack) throw notFound('stack', operation.stack);
  if (stack.desired === 'DELETED' && operation.kind !== 'DELETE') {
    throw new GraphiumError('CONFLICT', `The stack "${stack.name}" is being deleted; deploy it again to keep it.`);
  }
  return stack;
}

const fromDraft = (draft: Draft) => ({
  draft,
  stack: draft.stack,
  target: { name: draft.spec.name, spec: draft.spec, revision: draft.number, placed: draft.placed, seen: draft.seen },
});

const unchanged = async (tx: Tx, stack: StackRow) => ({ draft: null, stack, target: await currentTarget(tx, stack) });

/** A stack as it is, or with another place for what was on an agent that was removed. */
async function placedAgain(tx: Tx, stack: StackRow) {
  const current = await unchanged(tx, stack);
  if (!(await findLost(tx, current.target, null))) return current;
  return fromDraft(await draftFromRevision(tx, stack, stack.revision, { note: placedAgainNote(stack) }));
}

const placedAgainNote = ({ revision }: StackRow) => `revision ${revision}, placed again`;

/** @throws GraphiumError CONFLICT if one of the services has a container on an agent that was removed */
export async function checkPlaced(tx: Tx, target: Target, services: readonly string[] | null): Promise<void> {
  const lost = await findLost(tx, target, services);
  if (!lost) return;
  throw new GraphiumError(
    'CONFLICT',
    `"${lost.container}" was on ${lost.agent}, whose agent was removed. Deploy again, or use repairStack (startStack, if the stack is stopped), which gives it another place.`,
  );
}

async function findLost(tx: Tx, { placed }: Target, services: readonly string[] | null) {
  const chosen = placed.filter(({ service }) => services === null || services.includes(service.name));
  const agents = await listAgentsById(tx, [...new Set(chosen.map(({ agentId }) => agentId))]);
  const gone = new Map(agents.flatMap(({ id, name, removedAt }) => (removedAt === null ? [] : [[id, name] as const])));
  const lost = chosen.find(({ agentId }) => gone.has(agentId));
  return lost && { container: lost.container.name, agent: gone.get(lost.agentId) ?? '' };
}

/** An unfinished operation of these kinds brings its revision, and another may take it over. */
const BRINGING: ReadonlySet<PlanKind> = new Set(['DEPLOY', 'ROLLBACK', 'REPAIR', 'START', 'RESTART']);

/**
 * What is there may be of an earlier revision, and would be replaced by one that somebody cancelled or that failed.
 * @throws GraphiumError CONFLICT
 */
export async function checkServes(tx: Tx, stack: StackRow): Promise<void> {
  const { name, revision, goodRevision } = stack;
  if (goodRevision === null || (await hasServed(tx, stack))) return;
  const unfinished = await findUnfinished(tx, stack.id);
  if (unfinished?.revision === revision && BRINGING.has(unfinished.kind) && !unfinished.cancelRequestedAt) return;
  const { placed } = await currentTarget(tx, stack);
  const wanted = new Map(placed.map((one) => [containerKey(one.agentId, one.container.name), one.container]));
  const earlier = (await listContainersOfStacks(tx, [name])).find((row) => {
    const container = wanted.get(containerKey(row.agentId, row.name));
    return !container || specHashOf(container) !== row.specHash;
  });
  if (!earlier) return;
  throw new GraphiumError(
    'CONFLICT',
    `Revision ${revision} of "${name}" did not come up, and ${earlier.name} is of revision ${earlier.revision}. Before this, go on with rollbackStack(toRevision: ${revision}), or back with rollbackStack(toRevision: ${goodRevision}).`,
  );
}

function scaled(tx: Tx, stack: StackRow, name: string, replicas: number): Promise<Draft> {
  if (!Number.isInteger(replicas) || replicas < 0 || replicas > MAX_REPLICAS) {
    throw new GraphiumError('BAD_INPUT', `replicas: expected 0 to ${MAX_REPLICAS}, got ${replicas}.`);
  }
  const scale = (spec: StackSpec): StackSpec => {
    const service = checkService(spec, name);
    if (service.global)
      throw new GraphiumError('BAD_INPUT', `"${name}" is global: it has one container on every agent that fits.`);
    if (service.nameBase === undefined && replicas > 1) {
      throw new GraphiumError('BAD_INPUT', `"${name}" has a container name of its own, so that there can be only one.`);
    }
    const services = spec.services.map((one) => (one.name === name ? { ...one, replicas } : one));
    return { ...spec, services };
  };
  return draftFromRevision(tx, stack, stack.revision, { note: `${name} scaled to ${replicas}`, spec: scale });
}

/** A deletion that has not finished still owes the volumes that it was asked to remove. */
async function owesVolumes(tx: Tx, stackId: string): Promise<boolean> {
  const unfinished = await lockUnfinished(tx, stackId);
  return unfinished.some((row) => row.kind === 'DELETE' && row.removeVolumes);
}

function checkService({ name: stack, services }: StackSpec, name: string) {
  const service = services.find((one) => one.name === name);
  if (service) return service;
  const known = services.map((one) => one.name).join(', ');
  throw new GraphiumError('NOT_FOUND', `The stack "${stack}" has no service "${name}"; it has ${known}.`);
}
