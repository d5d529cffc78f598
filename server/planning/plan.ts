import { hashOf, specHashOf } from '../spec/hash.ts';
import type { StackSpec } from '../spec/spec.ts';
import {
  type Action,
  type Change,
  changeOf,
  containerKey,
  findOrphans,
  mayEnd,
  orphanKey,
  type Scene,
  stoppedAmong,
} from './changes.ts';
import { type Downtime, downtimeOf } from './downtime.ts';
import type { PlanInput } from './plan-input.ts';
import {
  afterwards,
  awaitedIn,
  bare,
  dependantsByKey,
  type PlannedTask,
  PRIORITY,
  removal,
  stopTask,
} from './planned-task.ts';
import { inDependencyOrder, planRollout, restartDependants } from './rollout.ts';

/** Pure: what has to be done where, and in which order, so that a stack becomes what its revision wants. */
export type Plan = {
  changes: Change[];
  tasks: PlannedTask[];
  downtime: Downtime[];
  /** Equal for two plans that would do the same. */
  hash: string;
};

export function plan(input: PlanInput): Plan {
  const scene = toScene(input);
  const changes = changesOf(input, scene);
  const tasks = tasksOf(input, changes, scene).map(boundTo(newestOf(input)));
  return {
    changes,
    tasks,
    downtime: downtimeOf(input.spec, changes, input.kind === 'ROLLBACK', stoppedBy(tasks)),
    hash: hashOfPlan(input, changes, tasks),
  };
}

/**
 * A removal takes nothing newer than what is known now: it may run much later, after the database was restored from an
 * older backup and others have deployed again.
 */
const boundTo =
  (upTo: number) =>
  (task: PlannedTask): PlannedTask => {
    if (task.kind === 'DELETE') return { ...task, spec: { ...task.spec, upTo } };
    if (task.kind === 'CLEAN') return { ...task, spec: { ...task.spec, upTo } };
    return task;
  };

const newestOf = ({ revision, known }: PlanInput) =>
  known.observed.reduce((newest, row) => Math.max(newest, row.revision), revision);

const stoppedBy = (tasks: readonly PlannedTask[]): ReadonlySet<string> =>
  new Set(
    tasks.flatMap(({ kind, agentId, containerName }) =>
      kind === 'STOP' && containerName !== null ? [containerKey(agentId, containerName)] : [],
    ),
  );

function toScene({ known, kind, unasked = false, placed, spec }: PlanInput): Scene {
  // The way back and Graphium's own repair do not wait for hosts that have nothing to do with what went wrong.
  const isToBeSeen = !unasked && (kind === 'DEPLOY' || kind === 'ROLLBACK' || kind === 'REPAIR');
  const keyOf = ({ agentId, name }: { agentId: string; name: string }) => containerKey(agentId, name);
  const awaited = awaitedIn(spec);
  const begun = Map.groupBy(known.inWork, keyOf);
  return {
    observed: new Map(known.observed.map((row) => [keyOf(row), row])),
    inWork: new Map([...begun].map(([key, tasks]) => [key, tasks.map(({ specHash }) => specHash)])),
    stopped: stoppedAmong(placed, awaited, known.stopped),
    awaited,
    unseen: new Set(isToBeSeen ? placed.map(({ agentId }) => agentId).filter((id) => !known.online.has(id)) : []),
    repair: kind === 'REPAIR',
  };
}

function changesOf(input: PlanInput, scene: Scene): Change[] {
  const { only } = input;
  const changes = allChangesOf(input, scene);
  if (!only) return changes;
  const isLeft = ({ placed, agentId, containerName }: Change) => placed && !only.has(orphanKey(agentId, containerName));
  return changes.map((change) => (isLeft(change) ? { ...change, action: 'NOOP', watched: false } : change));
}

function allChangesOf(input: PlanInput, scene: Scene): Change[] {
  const { kind, spec, services } = input;
  const removals = findOrphans(input.placed, scene).filter(
    ({ agentId, containerName }) => input.orphans?.has(orphanKey(agentId, containerName)) ?? true,
  );
  const wanted = wantedChanges(input, scene);
  switch (kind) {
    case 'DEPLOY':
    case 'ROLLBACK':
    case 'REPAIR':
      return [...restartDependants(spec, wanted), ...removals];
    case 'REMOVE_ORPHANS':
      return removals;
    case 'START':
      return wanted.map((change) => (change.action === 'REPLACE' ? change : { ...change, watched: true }));
    case 'STOP': {
      // Containers that a failed deployment left behind belong to the stack, too.
      const running = removals.filter((change) => !isGone(change));
      return [...wanted, ...running].map((change) => simply(change, isGone(change) ? 'NOOP' : 'STOP'));
    }
    case 'RESTART':
      return restartDependants(
        spec,
        wanted.map((change) => restartIfChosen(change, services)),
      );
    case 'DELETE':
      return [...wanted.map((change) => simply(change, 'REMOVE')), ...removals];
  }
}

function wantedChanges({ placed, spec }: PlanInput, scene: Scene): Change[] {
  const awaited = awaitedIn(spec);
  return placed.map((one) => {
    const change = changeOf(one, specHashOf(one.container), scene);
    return awaited.has(one.service.name) ? awaitEnd(change) : change;
  });
}

function restartIfChosen(change: Change, services: readonly string[] | null): Change {
  const isChosen = services === null || services.includes(change.placed?.service.name ?? '');
  return isChosen ? simply(change, 'RESTART') : { ...change, action: 'NOOP', watched: false };
}

/** A job that already runs is left alone, and yet what depends on it waits for its end. */
function awaitEnd(change: Change): Change {
  const { action, observed, placed } = change;
  if (action !== 'NOOP' || observed?.state !== 'RUNNING' || !placed || !mayEnd(placed.container)) return change;
  return { ...change, watched: true, reason: 'it runs; others wait for its end' };
}

const isGone = ({ observed }: Change) => observed !== null && ['EXITED', 'CREATED', 'DEAD'].includes(observed.state);

/** The container gets a task in any case: its agent knows best what is there. */
function simply(change: Change, action: Action): Change {
  const reason = action === 'NOOP' ? 'it does not run' : 'as asked';
  return { ...change, action, reason, watched: true };
}

function tasksOf(input: PlanInput, changes: readonly Change[], scene: Scene): PlannedTask[] {
  const work = changes.filter(({ action, watched }) => action !== 'NOOP' || watched);
  switch (input.kind) {
    case 'STOP':
      return planStop(input, work);
    case 'DELETE':
      return planDelete(input, work);
    default:
      return planRollout(input, work, scene);
  }
}

/** A service stops before what it depends on. */
function planStop(input: PlanInput, work: readonly Change[]): PlannedTask[] {
  const planned = work.map((change) => ({ change, task: stopTask(change) }));
  const tasks = reversed(inDependencyOrder(input.spec, planned));
  return [...new Map(tasks.map((task) => [task.key, task])).values()];
}

function planDelete(input: PlanInput, work: readonly Change[]): PlannedTask[] {
  const planned = work.flatMap((change) => (change.placed ? [{ change, task: removal(change) }] : []));
  const orphans = work.filter(({ placed }) => placed === null).map(removal);
  const others = new Map(orphans.map((task) => [task.key, task]));
  const removals = [...reversed(inDependencyOrder(input.spec, planned)), ...others.values()];
  return [...removals, ...planCleans(input, removals)];
}

function planCleans({ spec, known, removeVolumes }: PlanInput, removals: readonly PlannedTask[]): PlannedTask[] {
  const byAgent = Map.groupBy(removals, ({ agentId }) => agentId);
  const agentIds = [...new Set([...known.involved, ...byAgent.keys()])];
  const volumes = removeVolumes ? spec.volumes.filter(isOwn).map(({ name }) => name) : [];
  const networks = spec.networks.filter(isOwn).map(({ name }) => name);
  return agentIds.map((agentId) => ({
    ...bare(`clean:${agentId}`, agentId),
    kind: 'CLEAN',
    spec: { version: 1, networks, volumes },
    priority: PRIORITY.removing,
    blockedBy: (byAgent.get(agentId) ?? []).map(({ key }) => afterwards(key)),
  }));
}

const isOwn = ({ external }: { external?: boolean }) => !external;

function reversed(tasks: readonly PlannedTask[]): PlannedTask[] {
  const dependants = dependantsByKey(tasks);
  return tasks.map((task) => ({
    ...task,
    blockedBy: (dependants.get(task.key) ?? []).map(({ key }) => afterwards(key)),
  }));
}

function hashOfPlan({ kind, spec }: PlanInput, changes: readonly Change[], tasks: readonly PlannedTask[]): string {
  // What the variables changed is in the specs, and a plan that is made again from its input knows them no more.
  const { services: _services, variables: _variables, ...rest }: StackSpec = spec;
  return hashOf({
    kind,
    rest,
    changes: changes.map(({ agentId, containerName, action, specHash, observed }) => [
      agentId,
      containerName,
      action,
      specHash,
      observed?.specHash ?? null,
    ]),
    tasks: tasks.map(({ spec: what, agentId: _agentId, containerName: _name, ...task }) => [
      task,
      // The container is part of its own hash already.
      'specHash' in what ? [what.specHash, what.order, what.monitorMs, what.awaitExit] : what,
    ]),
  });
}
