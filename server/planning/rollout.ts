import type { Dependency, StackSpec } from '../spec/spec.ts';
import { type Change, type Scene, withoutPrevious } from './changes.ts';
import type { PlanInput } from './plan-input.ts';
import {
  afterwards,
  awaitedIn,
  type Blocker,
  bare,
  containerTask,
  dependantsByKey,
  type PlannedTask,
  type RolloutContext,
  removal,
  rolloutOf,
  strictest,
} from './planned-task.ts';
import { handOverPorts, type PlannedChange, type Removal } from './port-handover.ts';

/**
 * Pure: the order in which a stack's containers are changed. Images come first, everywhere. Then come the containers, each
 * after those it depends on, a few at a time as its service asks. What the revision does not want goes last, since it may
 * be needed again for as long as something can fail; only what holds a port that another takes goes before.
 */
export function planRollout(input: PlanInput, work: readonly Change[], scene: Scene): PlannedTask[] {
  const pulls = planPulls(input, work);
  const context = toContext(input);
  const deploys = work.flatMap((change) => {
    if (!change.placed) return [];
    return [{ change, task: containerTask(context, change, taskKindOf(input.kind, change, context)) }];
  });
  const { stops, removals, tasks } = handOverPorts(deploys, work, scene);
  const ordered = inGroups(inDependencyOrder(input.spec, tasks), groupsOf(deploys, context));
  const last = afterEverything(removals, ordered, {
    online: input.known.online,
    successors: successorsOf(work, deploys),
  });
  return [...pulls, ...afterImages(pulls, [...stops, ...last, ...ordered])];
}

/** The image gate stands for the images of all hosts that are online; a container needs those of its own host in any case. */
function afterImages(pulls: readonly PlannedTask[], tasks: readonly PlannedTask[]): PlannedTask[] {
  const byAgent = Map.groupBy(pulls, ({ agentId }) => agentId);
  const behindImageGate = pulls.some(({ holdsImageGate }) => holdsImageGate);
  return tasks.map((task) => {
    const own = (byAgent.get(task.agentId) ?? []).map(({ key }) => afterwards(key));
    return { ...task, behindImageGate, blockedBy: strictest([...own, ...task.blockedBy]) };
  });
}

function taskKindOf(kind: PlanInput['kind'], { action, placed }: Change, { awaited }: RolloutContext) {
  if (action === 'RESTART') return action;
  // A job that was stopped may have ended with 0 as well, and DEPLOY would take it for done.
  return kind === 'START' || (action === 'START' && awaited.has(placed?.service.name ?? '')) ? 'START' : 'DEPLOY';
}

const toContext = ({ spec, revision, kind }: PlanInput): RolloutContext => ({
  spec,
  revision,
  isRollback: kind === 'ROLLBACK',
  awaited: awaitedIn(spec),
});

/** One PULL for each image and host; a host on which another container uses the image has it. */
function planPulls({ kind, known }: PlanInput, work: readonly Change[]): PlannedTask[] {
  if (kind === 'START' || kind === 'RESTART') return [];
  const there = new Set(known.images.map(({ agentId, image }) => `${agentId} ${image}`));
  const needed = work.filter((change) => needsPull(change, there));
  const pulls = new Map<string, PlannedTask>();
  for (const { placed, agentId } of needed) {
    if (!placed) continue;
    const { image, platform, pullPolicy } = placed.container;
    const always = pullPolicy === 'always';
    const key = `pull:${agentId}:${image}${platform ? ` ${platform}` : ''}`;
    if (!always && pulls.has(key)) continue;
    pulls.set(key, {
      ...bare(key, agentId),
      kind: 'PULL',
      image,
      holdsImageGate: known.online.has(agentId),
      spec: { version: 1, image, policy: always ? 'always' : 'missing', ...(platform && { platform }) },
    });
  }
  return [...pulls.values()];
}

function needsPull({ placed, action, agentId }: Change, there: ReadonlySet<string>): boolean {
  const policy = placed?.container.pullPolicy;
  if (!placed || policy === 'never') return false;
  const isMade = action === 'CREATE' || action === 'REPLACE';
  return policy === 'always' || (isMade && !there.has(`${agentId} ${placed.container.image}`));
}

/**
 * Makes each task wait for those of the services that its own depends on. A dependency that needs no task is skipped over:
 * what it depends on itself still comes first.
 */
export function inDependencyOrder({ services }: StackSpec, work: readonly PlannedChange[]): PlannedTask[] {
  const serviceOf = ({ change }: PlannedChange) => change.placed?.service.name ?? '';
  const tasksOf = Map.groupBy(work, serviceOf);
  const dependenciesOf = new Map(services.map(({ name, dependsOn }) => [name, dependsOn]));
  const found = new Map<string, Blocker[]>();

  function blockersOf(service: string): Blocker[] {
    const blockers = found.get(service) ?? strictest((dependenciesOf.get(service) ?? []).flatMap(blockersFor));
    found.set(service, blockers);
    return blockers;
  }
  function blockersFor(dependency: Dependency): Blocker[] {
    const own = tasksOf.get(dependency.service);
    if (own) return own.map(({ task }) => toBlocker(task.key, dependency));
    const optional = !dependency.required;
    return blockersOf(dependency.service).map((one) => ({ ...one, optional: one.optional || optional }));
  }
  return work.map((one) => ({ ...one.task, blockedBy: [...one.task.blockedBy, ...blockersOf(serviceOf(one))] }));
}

const toBlocker = (key: string, { condition, required }: Dependency): Blocker => ({
  key,
  condition: condition === 'STARTED' ? 'STARTED' : 'COMPLETED',
  optional: !required,
});

/** Restarts services that ask for it when what they depend on is replaced or restarted, and so on from there. */
export function restartDependants(spec: StackSpec, changes: readonly Change[]): Change[] {
  const touched = new Set<string>();
  for (const { placed, action } of changes) {
    if (placed && ['CREATE', 'REPLACE', 'RESTART'].includes(action)) touched.add(placed.service.name);
  }
  const because = spreadRestarts(spec, touched);
  return changes.map((change) => {
    const cause = because.get(change.placed?.service.name ?? '');
    if (cause === undefined || change.action !== 'NOOP' || change.observed?.state !== 'RUNNING') return change;
    return { ...change, action: 'RESTART', watched: false, reason: `"${cause}", which it depends on, changes` };
  });
}

/** Returns, for each service to restart, the changed one that it depends on. Adds them to `touched`. */
function spreadRestarts({ services }: StackSpec, touched: Set<string>): Map<string, string> {
  const because = new Map<string, string>();
  for (let grew = true; grew; ) {
    grew = false;
    for (const { name, dependsOn } of services) {
      const cause = dependsOn.find(({ service, restart }) => restart && touched.has(service));
      if (!cause || touched.has(name)) continue;
      touched.add(name);
      because.set(name, cause.service);
      grew = true;
    }
  }
  return because;
}

/** What the tasks of a group wait for, by the key of each task: the group before, and then the pause. */
type Groups = ReadonlyMap<string, { blockedBy: Blocker[]; delayMs: number }>;

/** `update_config`: a service's running containers are changed in groups. */
function groupsOf(work: readonly PlannedChange[], { isRollback }: RolloutContext): Groups {
  const replaced = work.filter(({ change }) => change.action === 'REPLACE' || change.action === 'RESTART');
  const byService = Map.groupBy(replaced, ({ change }) => change.placed?.service);
  const waits = new Map<string, { blockedBy: Blocker[]; delayMs: number }>();
  for (const [service, own] of byService) {
    const rollout = service && rolloutOf(service, isRollback);
    if (!rollout || rollout.parallelism === 0) continue;
    const optional = rollout.failureAction === 'continue';
    for (let start = rollout.parallelism; start < own.length; start += rollout.parallelism) {
      const before = own.slice(start - rollout.parallelism, start);
      const blockedBy = before.map(({ task }) => ({ ...afterwards(task.key), optional }));
      for (const { task } of own.slice(start, start + rollout.parallelism)) {
        waits.set(task.key, { blockedBy, delayMs: rollout.delayMs });
      }
    }
  }
  return waits;
}

const inGroups = (tasks: readonly PlannedTask[], groups: Groups): PlannedTask[] =>
  tasks.map((task) => {
    const wait = groups.get(task.key);
    return wait ? { ...task, delayMs: wait.delayMs, blockedBy: [...task.blockedBy, ...wait.blockedBy] } : task;
  });

/** Above so many pairs of a removal and what it waits for, all removals but one wait for that one instead. */
const MANY_PAIRS = 10_000;

/** What takes the place of a container that is removed: `named` has its name elsewhere, `others` are new ones of its service. */
type Successors = { named: readonly Blocker[]; others: readonly Blocker[]; turn: number };

/** By the key of a removal. */
function successorsOf(work: readonly Change[], deploys: readonly PlannedChange[]): ReadonlyMap<string, Successors> {
  const toBlockers = (found: readonly PlannedChange[] = []) => found.map(({ task }) => afterwards(task.key));
  const made = deploys.filter(({ change }) => change.action === 'CREATE');
  const byName = Map.groupBy(deploys, ({ change }) => change.containerName);
  const byService = Map.groupBy(made, ({ change }) => change.placed?.service.name);
  const others = new Map([...byService].map(([service, found]) => [service, toBlockers(found)]));
  const removed = work.filter(({ action }) => action === 'REMOVE');
  return new Map(
    removed.map((change, turn) => [
      removal(change).key,
      {
        named: toBlockers(byName.get(withoutPrevious(change.containerName))),
        others: others.get(change.observed?.service) ?? [],
        turn,
      },
    ]),
  );
}

const NOBODY: ReadonlySet<string> = new Set();

/** The one of its name, or one of the others, a different one for each removal. @param behind those that cannot go before */
function chosenOf(successors: Successors | undefined, behind = NOBODY): Blocker[] {
  const { named = [], others = [], turn = 0 } = successors ?? {};
  const isFree = ({ key }: Blocker) => !behind.has(key);
  if (named.length > 0) return named.filter(isFree);
  const from = behind.size > 0 ? others.filter(isFree) : others;
  const one = from[turn % (from.length || 1)];
  return one ? [one] : [];
}

/** A host that is offline holds up its own removals, and those of containers that are to move to it. */
function afterEverything(
  removals: readonly Removal[],
  tasks: readonly PlannedTask[],
  { online, successors }: { online: ReadonlySet<string>; successors: ReadonlyMap<string, Successors> },
): PlannedTask[] {
  const successorsOfTask = ({ key }: PlannedTask) => chosenOf(successors.get(key));
  const atOnce = removals.filter(({ freesPort }) => freesPort).map(({ task }) => task);
  const later = Map.groupBy(
    removals.filter(({ freesPort }) => !freesPort).map(({ task }) => task),
    ({ agentId }) => (online.has(agentId) ? '' : agentId),
  );
  const last = [...later].flatMap(([own, group]) => {
    const ends = endsOf(withoutHeldUp(tasks, (agentId) => agentId === own || online.has(agentId)));
    const first = group.find((task) => successorsOfTask(task).length === 0);
    const behind = first && group.length * ends.length > MANY_PAIRS ? [afterwards(first.key)] : ends;
    return group.map((task) => ({
      ...task,
      blockedBy: strictest([...(task === first ? ends : behind), ...successorsOfTask(task)]),
    }));
  });
  return [...holdBack(atOnce, tasks, successors), ...last];
}

/**
 * What frees a port goes first, and yet not before its successor elsewhere has come up, unless that waits for this very
 * port, as where two change places.
 */
function holdBack(
  removals: readonly PlannedTask[],
  tasks: readonly PlannedTask[],
  successors: ReadonlyMap<string, Successors>,
): PlannedTask[] {
  const held = new Map(removals.map((task) => [task.key, task]));
  const dependants = new Map(
    [...dependantsByKey([...removals, ...tasks])].map(([key, waiting]) => [key, waiting.map((task) => task.key)]),
  );
  for (const { key } of removals) {
    const task = held.get(key);
    if (!task || chosenOf(successors.get(key)).length === 0) continue;
    const blockers = chosenOf(successors.get(key), allBehind(key, dependants));
    for (const one of blockers) dependants.set(one.key, [...(dependants.get(one.key) ?? []), key]);
    held.set(key, { ...task, blockedBy: [...task.blockedBy, ...blockers] });
  }
  return [...held.values()];
}

/** The keys of a task and of all that wait for it, directly or not. */
function allBehind(key: string, dependants: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const behind = new Set([key]);
  for (const one of behind) for (const next of dependants.get(one) ?? []) behind.add(next);
  return behind;
}

/** Leaves out the tasks of hosts that cannot be reached, and all that wait for them. */
function withoutHeldUp(tasks: readonly PlannedTask[], isReachable: (agentId: string) => boolean): PlannedTask[] {
  const dependants = dependantsByKey(tasks);
  const heldUp = new Set(tasks.filter(({ agentId }) => !isReachable(agentId)));
  // A set that grows while it is walked is walked to its end.
  for (const task of heldUp) for (const next of dependants.get(task.key) ?? []) heldUp.add(next);
  return tasks.filter((task) => !heldUp.has(task));
}

/** The ends of all chains of tasks: once they have completed, all others have, those that may fail included. */
function endsOf(tasks: readonly PlannedTask[]): Blocker[] {
  const implied = new Set(tasks.filter(({ optional }) => !optional).flatMap(provenBy));
  return tasks.filter(({ key }) => !implied.has(key)).map(({ key }) => afterwards(key));
}

/** A task that waits only for a start, or that may go on after a failure, does not prove that the other completed. */
const provenBy = ({ blockedBy }: PlannedTask): string[] =>
  blockedBy.filter(({ condition, optional }) => !optional && condition === 'COMPLETED').map(({ key }) => key);
