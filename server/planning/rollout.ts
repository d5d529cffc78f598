import type { Dependency, StackSpec } from '../spec/spec.ts';
import type { Change, Scene } from './changes.ts';
import type { PlanInput } from './plan-input.ts';
import {
  type Aim,
  afterwards,
  awaitedIn,
  type Blocker,
  bare,
  containerTask,
  type PlannedTask,
  rolloutOf,
  strictest,
} from './planned-task.ts';
import { makeRoom, type Removal, type Work } from './port-handover.ts';

/**
 * Pure: the order in which a stack's containers are changed. Images first, everywhere. Then the containers, each after
 * those it depends on and a few at a time as its service asks. What is not wanted any more goes last, for as long as
 * something can fail it may be needed again; only what holds a port that another takes is stopped or removed before.
 */
export function planRollout(input: PlanInput, work: readonly Change[], scene: Scene): PlannedTask[] {
  const pulls = planPulls(input, work);
  const aim = toAim(input);
  const deploys = work.flatMap((change) => {
    if (!change.placed) return [];
    return [{ change, task: containerTask(aim, change, kindOf(input.kind, change, aim)) }];
  });
  const { stops, removals, tasks } = makeRoom(deploys, work, scene);
  const ordered = inGroups(input, inDependencyOrder(input, tasks), deploys);
  const last = afterEverything(removals, ordered, input.online);
  return [...pulls, ...afterImages(pulls, [...stops, ...last, ...ordered])];
}

/** `barred` stands for the images of all hosts that can be reached; those of its own host a container needs in any case. */
function afterImages(pulls: readonly PlannedTask[], tasks: readonly PlannedTask[]): PlannedTask[] {
  const byAgent = Map.groupBy(pulls, ({ agentId }) => agentId);
  const barred = pulls.some(({ gates }) => gates);
  return tasks.map((task) => {
    const own = (byAgent.get(task.agentId) ?? []).map(({ key }) => afterwards(key));
    return { ...task, barred, blockedBy: strictest([...own, ...task.blockedBy]) };
  });
}

function kindOf(kind: PlanInput['kind'], { action, placed }: Change, { awaited }: Aim) {
  if (action === 'RESTART') return action;
  // A job that was stopped may have ended with 0 as well, and DEPLOY would take it for done.
  return kind === 'START' || (action === 'START' && awaited.has(placed?.service.name ?? '')) ? 'START' : 'DEPLOY';
}

const toAim = ({ spec, revision, kind }: PlanInput): Aim => ({
  spec,
  revision,
  back: kind === 'ROLLBACK',
  awaited: awaitedIn(spec),
});

/** What an image is needed for, on each host; a host on which another container uses it has it. */
function planPulls({ kind, images, online }: PlanInput, work: readonly Change[]): PlannedTask[] {
  if (kind === 'START' || kind === 'RESTART') return [];
  const there = new Set(images.map(({ agentId, image }) => `${agentId} ${image}`));
  const pulls = new Map<string, PlannedTask>();
  for (const { placed, action, agentId } of work) {
    const always = placed?.container.pullPolicy === 'always';
    if (!placed || placed.container.pullPolicy === 'never') continue;
    const { image, platform } = placed.container;
    const needed = always || ((action === 'CREATE' || action === 'REPLACE') && !there.has(`${agentId} ${image}`));
    if (!needed) continue;
    const key = `pull:${agentId}:${image}${platform ? ` ${platform}` : ''}`;
    const spec = { version: 1 as const, image, policy: always ? ('always' as const) : ('missing' as const) };
    const task = { ...bare(key, agentId), kind: 'PULL' as const, image, gates: online.has(agentId) };
    if (always || !pulls.has(key)) pulls.set(key, { ...task, spec: { ...spec, ...(platform && { platform }) } });
  }
  return [...pulls.values()];
}

/**
 * Each task waits for those of the services that its own depends on. Where such a service has none, being as it should,
 * what it depends on itself comes first all the same.
 */
export function inDependencyOrder({ spec }: Pick<PlanInput, 'spec'>, work: readonly Work[]): PlannedTask[] {
  const byService = Map.groupBy(work, ({ change }) => change.placed?.service.name ?? '');
  const services = new Map(spec.services.map((service) => [service.name, service]));
  const known = new Map<string, Blocker[]>();
  const before = (name: string): Blocker[] => {
    const found = known.get(name) ?? strictest((services.get(name)?.dependsOn ?? []).flatMap(across));
    known.set(name, found);
    return found;
  };
  const across = (dependency: Dependency): Blocker[] => {
    const own = byService.get(dependency.service);
    if (own) return own.map(({ task }) => toBlocker(task.key, dependency));
    return before(dependency.service).map((blocker) => ({
      ...blocker,
      required: blocker.required && dependency.required,
    }));
  };
  return work.map(({ change, task }) => ({
    ...task,
    blockedBy: [...task.blockedBy, ...before(change.placed?.service.name ?? '')],
  }));
}

const toBlocker = (key: string, { condition, required }: Dependency): Blocker => ({
  key,
  condition: condition === 'STARTED' ? 'STARTED' : 'COMPLETED',
  required,
});

/** Services that are restarted because what they depend on was replaced or restarted, and so on from there. */
export function restartDependants(spec: StackSpec, changes: readonly Change[]): Change[] {
  const touched = new Set<string>();
  for (const { placed, action } of changes) {
    if (placed && ['CREATE', 'REPLACE', 'RESTART'].includes(action)) touched.add(placed.service.name);
  }
  const because = new Map<string, string>();
  for (let grew = true; grew; ) {
    grew = false;
    for (const { name, dependsOn } of spec.services) {
      const cause = dependsOn.find(({ service, restart }) => restart && touched.has(service));
      if (!cause || touched.has(name)) continue;
      touched.add(name);
      because.set(name, cause.service);
      grew = true;
    }
  }
  return changes.map((change) => {
    const cause = because.get(change.placed?.service.name ?? '');
    if (cause === undefined || change.action !== 'NOOP' || change.observed?.state !== 'RUNNING') return change;
    return { ...change, action: 'RESTART', watched: false, reason: `"${cause}", which it depends on, changes` };
  });
}

/** `update_config`: a group of a service's running containers at a time, and a pause before the next. */
function inGroups({ kind }: PlanInput, tasks: readonly PlannedTask[], work: readonly Work[]): PlannedTask[] {
  const byService = Map.groupBy(
    work.filter(({ change }) => change.action === 'REPLACE' || change.action === 'RESTART'),
    ({ change }) => change.placed?.service,
  );
  const waits = new Map<string, { blockedBy: Blocker[]; delayMs: number }>();
  for (const [service, own] of byService) {
    const rollout = service && rolloutOf(service, kind === 'ROLLBACK');
    if (!rollout || rollout.parallelism === 0) continue;
    for (let start = rollout.parallelism; start < own.length; start += rollout.parallelism) {
      const before = own.slice(start - rollout.parallelism, start);
      const required = rollout.failureAction !== 'continue';
      const blockedBy = before.map(({ task }) => ({ ...afterwards(task.key), required }));
      for (const { task } of own.slice(start, start + rollout.parallelism)) {
        waits.set(task.key, { blockedBy, delayMs: rollout.delayMs });
      }
    }
  }
  return tasks.map((task) => {
    const wait = waits.get(task.key);
    return wait ? { ...task, delayMs: wait.delayMs, blockedBy: [...task.blockedBy, ...wait.blockedBy] } : task;
  });
}

/** Pairs of removals and what they wait for, beyond which all but one of them wait for that one instead. */
const MANY_PAIRS = 10_000;

/** A host that is offline holds up its own removals only. */
function afterEverything(
  removals: readonly Removal[],
  tasks: readonly PlannedTask[],
  online: ReadonlySet<string>,
): PlannedTask[] {
  const atOnce = removals.filter(({ makesRoom }) => makesRoom).map(({ task }) => task);
  const later = Map.groupBy(
    removals.filter(({ makesRoom }) => !makesRoom).map(({ task }) => task),
    ({ agentId }) => (online.has(agentId) ? '' : agentId),
  );
  const last = [...later].flatMap(([own, group]) => {
    const ends = endsOf(tasks, (agentId) => agentId === own || online.has(agentId));
    const [first] = group;
    const behind = first && group.length * ends.length > MANY_PAIRS ? [afterwards(first.key)] : ends;
    return group.map((task) => ({ ...task, blockedBy: task === first ? ends : behind }));
  });
  return [...atOnce, ...last];
}

/** The ends of all chains that no host holds up but those that are there: when they are done, all before them is. */
function endsOf(tasks: readonly PlannedTask[], isThere: (agentId: string) => boolean): Blocker[] {
  const dependants = new Map<string, PlannedTask[]>();
  for (const task of tasks) {
    for (const { key } of task.blockedBy) {
      const others = dependants.get(key);
      if (others) others.push(task);
      else dependants.set(key, [task]);
    }
  }
  const heldUp = new Set(tasks.filter(({ agentId }) => !isThere(agentId)));
  for (const task of heldUp) for (const next of dependants.get(task.key) ?? []) heldUp.add(next);
  const reached = tasks.filter((task) => !heldUp.has(task));
  // Who waits for less than the whole of another, or may fail himself, says nothing of it.
  const implied = new Set(
    reached.flatMap(({ mayFail, blockedBy }) =>
      mayFail
        ? []
        : blockedBy.filter(({ condition, required }) => required && condition === 'COMPLETED').map(({ key }) => key),
    ),
  );
  return reached
    .filter(({ key }) => !implied.has(key))
    .map(({ key, mayFail }) => ({ ...afterwards(key), required: !mayFail }));
}
