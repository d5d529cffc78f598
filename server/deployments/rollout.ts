import type { Dependency, StackSpec } from '../stacks/spec.ts';
import { type Change, containerKey, type Scene } from './changes.ts';
import type { PlanInput } from './plan.ts';
import {
  afterwards,
  type Blocker,
  bare,
  containerTask,
  type PlannedTask,
  removal,
  rolloutOf,
  stopTask,
} from './planned-task.ts';

/**
 * Pure: the order in which a stack's containers are changed. Images first, everywhere. Then the containers, each after
 * those it depends on and a few at a time as its service asks. What is not wanted any more goes last, for as long as
 * something can fail it may be needed again; only what holds a port that another takes is stopped or removed before.
 */
export function planRollout(input: PlanInput, work: readonly Change[], scene: Scene): PlannedTask[] {
  const pulls = planPulls(input, work);
  const aim = { spec: input.spec, revision: input.revision, back: input.kind === 'ROLLBACK' };
  const deploys = work.flatMap((change) => {
    if (!change.placed) return [];
    const kind = change.action === 'RESTART' ? ('RESTART' as const) : ('DEPLOY' as const);
    return [{ change, task: containerTask(aim, change, kind) }];
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
    return { ...task, barred, blockedBy: [...own, ...task.blockedBy] };
  });
}

type Work = { change: Change; task: PlannedTask };

/** What an image is needed for, on each host; a host on which another container uses it has it. */
function planPulls({ images, online }: PlanInput, work: readonly Change[]): PlannedTask[] {
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

/** Each task waits for those of the services that its own depends on, where they have any. */
export function inDependencyOrder({ spec }: Pick<PlanInput, 'spec'>, work: readonly Work[]): PlannedTask[] {
  const byService = Map.groupBy(work, ({ change }) => change.placed?.service.name ?? '');
  const services = new Map(spec.services.map((service) => [service.name, service]));
  return work.map(({ change, task }) => {
    const dependsOn = services.get(change.placed?.service.name ?? '')?.dependsOn ?? [];
    const blockedBy = dependsOn.flatMap((dependency) =>
      (byService.get(dependency.service) ?? []).map((other) => toBlocker(other.task.key, dependency)),
    );
    return { ...task, blockedBy: [...task.blockedBy, ...blockedBy] };
  });
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
export function inGroups(
  { kind }: Pick<PlanInput, 'kind'>,
  tasks: readonly PlannedTask[],
  work: readonly Work[],
): PlannedTask[] {
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

type Holder = { change: Change; ports: string[] | 'unknown' };

/** Whoever takes a port waits until the container of the stack that holds it now is stopped or gone. */
function makeRoom(deploys: readonly Work[], work: readonly Change[], scene: Scene) {
  const holders = Map.groupBy(
    work.filter(({ action }) => action === 'REPLACE' || action === 'REMOVE').map(toHolder(scene)),
    ({ change }) => change.agentId,
  );
  const stops = new Map<string, PlannedTask>();
  const removals = new Map<string, { task: PlannedTask; makesRoom: boolean }>();
  for (const change of work) {
    if (change.action === 'REMOVE') removals.set(removal(change).key, { task: removal(change), makesRoom: false });
  }
  const tasks = deploys.map(({ change, task }) => {
    const wanted = change.placed?.container.ports.flatMap((port) => toPort(port.hostPort, port.protocol)) ?? [];
    if (wanted.length === 0) return { change, task };
    const inTheWay = (holders.get(change.agentId) ?? []).filter(
      (holder) =>
        holder.change.containerName !== change.containerName &&
        (holder.ports === 'unknown' || holder.ports.some((port) => wanted.includes(port))),
    );
    const blockedBy = inTheWay.map((holder) => {
      if (holder.change.placed) {
        const stop = stopTask(holder.change);
        stops.set(stop.key, stop);
        return afterwards(stop.key);
      }
      const { task } = removals.get(removal(holder.change).key) ?? { task: removal(holder.change) };
      removals.set(task.key, { task, makesRoom: true });
      return afterwards(task.key);
    });
    return { change, task: { ...task, blockedBy: [...task.blockedBy, ...blockedBy] } };
  });
  const afterItsStop = tasks.map(({ change, task }) => {
    const stop = stops.get(stopTask(change).key);
    return stop
      ? { change, task: { ...task, blockedBy: [...task.blockedBy, afterwards(stop.key)] } }
      : { change, task };
  });
  return { stops: [...stops.values()], removals: [...removals.values()], tasks: afterItsStop };
}

/** What is being worked on may hold anything. */
const toHolder =
  (scene: Scene) =>
  (change: Change): Holder => {
    const { agentId, containerName, observed } = change;
    if (scene.inWork.has(containerKey(agentId, containerName)) || !observed) return { change, ports: 'unknown' };
    return { change, ports: observed.ports.flatMap(({ hostPort, protocol }) => toPort(hostPort, protocol)) };
  };

const toPort = (port: number | null | undefined, protocol: string): string[] =>
  port == null ? [] : [`${port}/${protocol.toLowerCase()}`];

/** Behind the ends of all chains; a host that is offline holds up its own removals only. */
function afterEverything(
  removals: readonly { task: PlannedTask; makesRoom: boolean }[],
  tasks: readonly PlannedTask[],
  online: ReadonlySet<string>,
): PlannedTask[] {
  const waitedFor = new Set(tasks.flatMap(({ blockedBy }) => blockedBy.map(({ key }) => key)));
  const ends = tasks.filter(({ key }) => !waitedFor.has(key));
  return removals.map(({ task, makesRoom }) => {
    if (makesRoom) return task;
    const before = ends.filter(({ agentId }) => online.has(agentId) || agentId === task.agentId);
    return { ...task, blockedBy: before.map(({ key }) => afterwards(key)) };
  });
}
