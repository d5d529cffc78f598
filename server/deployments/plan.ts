import type { ContainerTaskSpec, TaskSpec } from '../db/values.ts';
import { hashOf } from '../stacks/hash.ts';
import type { StackSpec } from '../stacks/spec.ts';
import type { Placed } from './placement.ts';

/** Pure: what has to be done where, and in which order, so that a stack becomes what its revision wants. */
export type PlanKind = 'DEPLOY' | 'STOP' | 'START' | 'RESTART' | 'DELETE';

export type PlannedTask = {
  /** Unique within the plan. */
  key: string;
  agentId: string;
  kind: 'PULL' | 'DEPLOY' | 'STOP' | 'START' | 'RESTART' | 'DELETE' | 'CLEAN';
  containerName: string | null;
  image: string | null;
  spec: TaskSpec;
  priority: number;
  /** Keys of tasks that must complete first. */
  blockedBy: string[];
};

export type PlanInput = {
  kind: PlanKind;
  spec: StackSpec;
  revision: number;
  placed: readonly Placed[];
  /** Containers of the stack that are or may be somewhere: observed, of earlier revisions, or being made right now. */
  present: readonly { agentId: string; name: string }[];
  /** Every agent that ever had something of the stack, and where networks and volumes may be left. */
  involved: readonly string[];
  online: ReadonlySet<string>;
  removeVolumes: boolean;
};

/** The agent keeps the old container under this name while it replaces it, and deals with it itself. */
const KEPT_SUFFIX = /\.graphium-previous$/;
/** What makes room goes before what takes it. */
const PRIORITY = { removing: 20, stopping: 10, normal: 0 };

export function plan(input: PlanInput): PlannedTask[] {
  switch (input.kind) {
    case 'DEPLOY':
      return planDeploy(input);
    case 'START':
    case 'RESTART':
      return inDependencyOrder(input, (placed) => containerTask(input, placed, input.kind as 'START' | 'RESTART'));
    case 'STOP':
      return planStop(input);
    case 'DELETE':
      return planDelete(input);
  }
}

/**
 * No container is touched before every image is on every host that can be reached now. A host that is offline gates
 * only its own containers: one dead machine must not hold up all the others.
 */
function planDeploy(input: PlanInput): PlannedTask[] {
  const pulls = planPulls(input);
  const barrier = (agentId: string) =>
    pulls.filter((pull) => input.online.has(pull.agentId) || pull.agentId === agentId).map((pull) => pull.key);
  const removals = planUnwanted(input).map((task) => ({ ...task, blockedBy: barrier(task.agentId) }));
  const deploys = inDependencyOrder(input, (placed) => containerTask(input, placed, 'DEPLOY')).map((task) => {
    // A container that goes may hold the port or the name that this one takes.
    const makesRoom = removals.filter((removal) => removal.agentId === task.agentId).map((removal) => removal.key);
    return { ...task, blockedBy: [...task.blockedBy, ...barrier(task.agentId), ...makesRoom] };
  });
  return [...pulls, ...removals, ...deploys];
}

function planPulls({ placed }: PlanInput): PlannedTask[] {
  const pulls = new Map<string, PlannedTask>();
  for (const { service, agentId } of placed) {
    const { image } = service.container;
    const key = `pull:${agentId}:${image}`;
    const spec: TaskSpec = { version: 1, image, policy: 'missing' };
    pulls.set(key, { ...bare(key, agentId), kind: 'PULL', image, spec });
  }
  return [...pulls.values()];
}

/** DELETE for the containers of the stack that its revision does not want, or not on that host. */
export function planUnwanted({ placed, present }: Pick<PlanInput, 'placed' | 'present'>): PlannedTask[] {
  const wanted = new Set(placed.map(({ service, agentId }) => containerKey(agentId, service.container.name)));
  return unique(present)
    .filter(({ agentId, name }) => !wanted.has(containerKey(agentId, name.replace(KEPT_SUFFIX, ''))))
    .map(({ agentId, name }) => removal(agentId, name));
}

function planStop(input: PlanInput): PlannedTask[] {
  const tasks = inDependencyOrder(input, ({ service, agentId }) => ({
    ...bare(`stop:${containerKey(agentId, service.container.name)}`, agentId),
    kind: 'STOP',
    containerName: service.container.name,
    image: service.container.image,
    spec: { version: 1 },
    priority: PRIORITY.stopping,
  }));
  return reversed(tasks);
}

function planDelete(input: PlanInput): PlannedTask[] {
  const ordered = reversed(
    inDependencyOrder(input, ({ service, agentId }) => ({
      ...removal(agentId, service.container.name),
      image: service.container.image,
    })),
  );
  const removals = [...ordered, ...planUnwanted(input)];
  const agentIds = [...new Set([...input.involved, ...removals.map((task) => task.agentId)])];
  const cleans = agentIds.map((agentId): PlannedTask => {
    const volumes = input.removeVolumes ? input.spec.volumes.map((volume) => volume.name) : [];
    const networks = input.spec.networks.map((network) => network.name);
    return {
      ...bare(`clean:${agentId}`, agentId),
      kind: 'CLEAN',
      spec: { version: 1, networks, volumes },
      priority: PRIORITY.removing,
      blockedBy: removals.filter((task) => task.agentId === agentId).map((task) => task.key),
    };
  });
  return [...removals, ...cleans];
}

function containerTask(
  { spec, revision }: PlanInput,
  { service, agentId }: Placed,
  kind: 'DEPLOY' | 'START' | 'RESTART',
): PlannedTask {
  const { container } = service;
  const networkNames = new Set(container.networks.map((network) => network.name));
  const volumeNames = new Set(container.mounts.map((mount) => mount.source));
  const taskSpec: ContainerTaskSpec = {
    version: 1,
    revision,
    specHash: hashOf(container),
    container,
    networks: spec.networks.filter((network) => networkNames.has(network.name)),
    volumes: spec.volumes.filter((volume) => volumeNames.has(volume.name)),
  };
  const key = `${kind.toLowerCase()}:${containerKey(agentId, container.name)}`;
  return { ...bare(key, agentId), kind, containerName: container.name, image: container.image, spec: taskSpec };
}

function removal(agentId: string, name: string): PlannedTask {
  return {
    ...bare(`delete:${containerKey(agentId, name)}`, agentId),
    kind: 'DELETE',
    containerName: name,
    spec: { version: 1 },
    priority: PRIORITY.removing,
  };
}

/** One task a service, each blocked by those of the services that it depends on. */
function inDependencyOrder({ placed }: PlanInput, toTask: (placed: Placed) => PlannedTask): PlannedTask[] {
  const tasks = placed.map((one) => ({ service: one.service, task: toTask(one) }));
  const keysOf = Map.groupBy(tasks, ({ service }) => service.name);
  return tasks.map(({ service, task }) => {
    const dependencies = service.dependsOn.flatMap((name) => keysOf.get(name) ?? []);
    return { ...task, blockedBy: dependencies.map((dependency) => dependency.task.key) };
  });
}

/** Stopping goes the other way: who depends on a service stops before it. */
function reversed(tasks: readonly PlannedTask[]): PlannedTask[] {
  const dependants = new Map<string, string[]>();
  for (const task of tasks) {
    for (const key of task.blockedBy) dependants.set(key, [...(dependants.get(key) ?? []), task.key]);
  }
  return tasks.map((task) => ({ ...task, blockedBy: dependants.get(task.key) ?? [] }));
}

const containerKey = (agentId: string, name: string) => `${agentId}:${name}`;

const unique = (containers: PlanInput['present']) => [
  ...new Map(containers.map((container) => [containerKey(container.agentId, container.name), container])).values(),
];

const bare = (key: string, agentId: string) => ({
  key,
  agentId,
  containerName: null,
  image: null,
  priority: PRIORITY.normal,
  blockedBy: [],
});
