import type { TaskSpec } from '../db/values.ts';
import { hashOf, specHashOf } from '../spec/hash.ts';
import { type Action, type Change, changeOf, containerKey, mayEnd, type Scene, unwanted } from './changes.ts';
import { type Downtime, downtimeOf } from './downtime.ts';
import type { PlanInput } from './plan-input.ts';
import {
  afterwards,
  awaitedIn,
  type Blocker,
  bare,
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
  /** The same for two plans that would do the same. */
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

/** A removal takes nothing that is newer than what is known now: it may be done long after, by a database of another day. */
const boundTo =
  (upTo: number) =>
  (task: PlannedTask): PlannedTask =>
    task.kind === 'DELETE' || task.kind === 'CLEAN' ? { ...task, spec: { ...task.spec, upTo } as TaskSpec } : task;

const newestOf = ({ revision, observed }: PlanInput) =>
  observed.reduce((newest, row) => Math.max(newest, row.revision), revision);

const stoppedBy = (tasks: readonly PlannedTask[]): ReadonlySet<string> =>
  new Set(
    tasks.flatMap(({ kind, agentId, containerName }) =>
      kind === 'STOP' && containerName !== null ? [containerKey(agentId, containerName)] : [],
    ),
  );

function toScene({ observed, inWork, stopped = [], kind, placed, spec }: PlanInput): Scene {
  // A job that others wait for is not run again for a newer one that failed: the migration before was done.
  const awaited = awaitedIn(spec);
  const jobs = new Set(
    placed
      .filter(({ service }) => awaited.has(service.name))
      .map(({ agentId, container }) => containerKey(agentId, container.name)),
  );
  const begun = Map.groupBy(inWork, ({ agentId, name }) => containerKey(agentId, name));
  return {
    observed: new Map(observed.map((row) => [containerKey(row.agentId, row.name), row])),
    inWork: new Map([...begun].map(([key, tasks]) => [key, tasks.map(({ specHash }) => specHash)])),
    stopped: new Set(
      stopped
        .filter(({ agentId, name, onPurpose }) => onPurpose || !jobs.has(containerKey(agentId, name)))
        .map(({ agentId, name }) => containerKey(agentId, name)),
    ),
    repair: kind === 'REPAIR',
  };
}

function changesOf(input: PlanInput, scene: Scene): Change[] {
  const { kind, placed, spec, services } = input;
  const removals = unwanted(placed, scene).filter(
    ({ agentId, containerName }) => input.onlyContainers?.has(containerKey(agentId, containerName)) ?? true,
  );
  const awaited = awaitedIn(spec);
  const wanted = placed.map((one) => {
    const change = changeOf(one, specHashOf(one.container), scene);
    return awaited.has(one.service.name) ? awaitEnd(change) : change;
  });
  switch (kind) {
    case 'DEPLOY':
    case 'ROLLBACK':
    case 'REPAIR':
      return input.onlyUnwanted ? removals : [...restartDependants(spec, wanted), ...removals];
    case 'START':
      return wanted.map((change) => (change.action === 'REPLACE' ? change : { ...change, watched: true }));
    case 'STOP': {
      // What a failed deployment left behind is part of the stack, too.
      const left = removals.filter((change) => !isGone(change));
      return [...wanted, ...left].map((change) => simply(change, isGone(change) ? 'NOOP' : 'STOP'));
    }
    case 'RESTART': {
      const chosen = wanted.map((change) => {
        const isChosen = services === null || services.includes(change.placed?.service.name ?? '');
        return isChosen ? simply(change, 'RESTART') : { ...change, action: 'NOOP' as const, watched: false };
      });
      return restartDependants(spec, chosen);
    }
    case 'DELETE':
      return [...wanted.map((change) => simply(change, 'REMOVE')), ...removals];
  }
}

/** A job that runs already is left alone, and yet what depends on it waits for its end. */
function awaitEnd(change: Change): Change {
  const { action, observed, placed } = change;
  if (action !== 'NOOP' || observed?.state !== 'RUNNING' || !placed || !mayEnd(placed.container)) return change;
  return { ...change, watched: true, reason: 'it runs; others wait for its end' };
}

const isGone = ({ observed }: Change) => observed !== null && ['EXITED', 'CREATED', 'DEAD'].includes(observed.state);

/** A task is made in any case: the agent knows best what is there. */
function simply(change: Change, action: Action): Change {
  const reason = action === 'NOOP' ? 'it does not run' : 'as asked';
  return { ...change, action, reason, watched: true };
}

function tasksOf(input: PlanInput, changes: readonly Change[], scene: Scene): PlannedTask[] {
  const work = changes.filter(({ action, watched }) => action !== 'NOOP' || watched);
  switch (input.kind) {
    case 'DEPLOY':
    case 'ROLLBACK':
    case 'REPAIR':
      return planRollout(input, work, scene);
    case 'START':
    case 'RESTART':
      return planRollout(input, work, scene);
    case 'STOP':
      return planStop(input, work);
    case 'DELETE':
      return planDelete(input, work);
  }
}

/** Who depends on a service stops before it. */
function planStop(input: PlanInput, work: readonly Change[]): PlannedTask[] {
  const tasks = reversed(
    inDependencyOrder(
      input,
      work.map((change) => ({ change, task: stopTask(change) })),
    ),
  );
  return [...new Map(tasks.map((task) => [task.key, task])).values()];
}

function planDelete(input: PlanInput, work: readonly Change[]): PlannedTask[] {
  const ordered = inDependencyOrder(
    input,
    work.flatMap((change) => (change.placed ? [{ change, task: removal(change) }] : [])),
  );
  const others = new Map(
    work.filter(({ placed }) => placed === null).map((change) => [removal(change).key, removal(change)]),
  );
  const removals = [...reversed(ordered), ...others.values()];
  const byAgent = Map.groupBy(removals, ({ agentId }) => agentId);
  const agentIds = [...new Set([...input.involved, ...byAgent.keys()])];
  const volumes = input.removeVolumes ? input.spec.volumes.filter(isOwn).map(({ name }) => name) : [];
  const networks = input.spec.networks.filter(isOwn).map(({ name }) => name);
  const cleans = agentIds.map(
    (agentId): PlannedTask => ({
      ...bare(`clean:${agentId}`, agentId),
      kind: 'CLEAN',
      spec: { version: 1, networks, volumes },
      priority: PRIORITY.removing,
      blockedBy: (byAgent.get(agentId) ?? []).map(({ key }) => afterwards(key)),
    }),
  );
  return [...removals, ...cleans];
}

const isOwn = ({ external }: { external?: boolean }) => !external;

function reversed(tasks: readonly PlannedTask[]): PlannedTask[] {
  const dependants = new Map<string, Blocker[]>();
  for (const task of tasks) {
    for (const { key } of task.blockedBy) {
      const others = dependants.get(key);
      if (others) others.push(afterwards(task.key));
      else dependants.set(key, [afterwards(task.key)]);
    }
  }
  return tasks.map((task) => ({ ...task, blockedBy: dependants.get(task.key) ?? [] }));
}

function hashOfPlan({ kind, spec }: PlanInput, changes: readonly Change[], tasks: readonly PlannedTask[]): string {
  const { services: _services, ...rest } = spec;
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
      // The container itself is in its hash already.
      'specHash' in what ? [what.specHash, what.order, what.monitorMs, what.awaitExit] : what,
    ]),
  });
}
