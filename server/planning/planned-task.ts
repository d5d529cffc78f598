import type { ContainerTaskSpec, TaskWork } from '../db/values.ts';
import type { ContainerSpec, RolloutSpec, ServiceSpec, StackSpec } from '../spec/spec.ts';
import { type Change, containerKey, withoutPrevious } from './changes.ts';

/** Pure: the tasks that a plan is made of. */

/** A task that must have come so far first. */
export type Blocker = {
  key: string;
  /** STARTED: the process of its container runs. */
  condition: 'STARTED' | 'COMPLETED';
  /** If true, the task may also go on when the other one fails. */
  optional: boolean;
};

type Common = {
  /** Unique within the plan. */
  key: string;
  agentId: string;
  containerName: string | null;
  image: string | null;
  priority: number;
  blockedBy: Blocker[];
  /** Waits for every PULL of the plan that holds the image gate. */
  behindImageGate: boolean;
  /** PULL: the containers of every host wait for it, not only those of its own. */
  holdsImageGate: boolean;
  /** Pause after the last of `blockedBy`. */
  delayMs: number;
  /** Its failure fails neither the deployment nor what waits for it. */
  optional: boolean;
};

export type PlannedTask = Common & TaskWork;

/** What frees names and ports goes before what takes them. */
export const PRIORITY = { removing: 20, stopping: 10, normal: 0 };

export type RolloutContext = {
  spec: StackSpec;
  revision: number;
  isRollback: boolean;
  /** Services whose end others wait for. */
  awaited: ReadonlySet<string>;
};

export function containerTask(
  { spec, revision, isRollback, awaited }: RolloutContext,
  { placed, agentId, specHash }: Change,
  kind: 'DEPLOY' | 'START' | 'RESTART',
): PlannedTask {
  if (!placed || specHash === null) throw new Error('a container that nothing wants has no spec');
  const { container, service } = placed;
  const networks = new Set(container.networks.map((network) => network.name));
  const volumes = new Set(container.mounts.map((mount) => mount.source));
  const rollout = rolloutOf(service, isRollback);
  const variables = variablesIn(container, spec.variables);
  const taskSpec: ContainerTaskSpec = {
    version: 1,
    revision,
    specHash,
    container,
    networks: spec.networks.filter((network) => networks.has(network.name)),
    volumes: spec.volumes.filter((volume) => volumes.has(volume.name)),
    ...(rollout?.order === 'start-first' && { order: rollout.order }),
    ...(rollout && rollout.monitorMs !== null && { monitorMs: rollout.monitorMs }),
    ...(awaited.has(service.name) && { awaitExit: true as const }),
    ...(variables && { variables }),
  };
  return {
    ...bare(`${kind.toLowerCase()}:${containerKey(agentId, container.name)}`, agentId),
    kind,
    containerName: container.name,
    image: container.image,
    spec: taskSpec,
    optional: rollout?.failureAction === 'continue',
  };
}

/** Those that its spec shows anyway: a value that only a secret file has goes nowhere else. */
function variablesIn({ files, ...rest }: ContainerSpec, all: StackSpec['variables']): StackSpec['variables'] {
  if (!all) return undefined;
  const text = JSON.stringify(rest) + textOf(files);
  const found = Object.entries(all).filter(([, value]) => text.includes(JSON.stringify(value).slice(1, -1)));
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}

/** All replicas have the same files, which may be large. */
const TEXTS = new WeakMap<object, string>();

function textOf(files: ContainerSpec['files']): string {
  if (!files) return '';
  const text = TEXTS.get(files) ?? JSON.stringify(files.filter(({ kind }) => kind !== 'secret'));
  TEXTS.set(files, text);
  return text;
}

export const rolloutOf = ({ update, rollback }: ServiceSpec, isRollback: boolean): RolloutSpec | undefined =>
  isRollback ? (rollback ?? update) : update;

export const awaitedIn = ({ services }: Pick<StackSpec, 'services'>): ReadonlySet<string> =>
  new Set(
    services.flatMap(({ dependsOn }) =>
      dependsOn.filter(({ condition }) => condition === 'COMPLETED').map(({ service }) => service),
    ),
  );

/** One task for a container and the previous one it replaces: the agent stops both. */
export function stopTask({ agentId, containerName, placed, observed }: Change): PlannedTask {
  const name = withoutPrevious(containerName);
  return {
    ...bare(`stop:${containerKey(agentId, name)}`, agentId),
    kind: 'STOP',
    containerName: name,
    image: placed?.container.image ?? observed?.image ?? null,
    spec: { version: 1 },
    priority: PRIORITY.stopping,
  };
}

/** One task for a container and the previous one it replaces: the agent removes both. */
export function removal({ agentId, containerName, placed, observed }: Change): PlannedTask {
  const name = withoutPrevious(containerName);
  return {
    ...bare(`delete:${containerKey(agentId, name)}`, agentId),
    kind: 'DELETE',
    containerName: name,
    image: placed?.container.image ?? observed?.image ?? null,
    spec: { version: 1 },
    priority: PRIORITY.removing,
  };
}

export const afterwards = (key: string): Blocker => ({ key, condition: 'COMPLETED', optional: false });

/** Names each task once: one that is waited for in two ways is waited for in the stricter. */
export function strictest(blockers: readonly Blocker[]): Blocker[] {
  const byKey = new Map<string, Blocker>();
  for (const { key, condition, optional } of blockers) {
    const other = byKey.get(key);
    byKey.set(key, {
      key,
      condition: other?.condition === 'COMPLETED' ? 'COMPLETED' : condition,
      optional: optional && other?.optional !== false,
    });
  }
  return [...byKey.values()];
}

/** The tasks that wait for a task, by its key. */
export function dependantsByKey(tasks: readonly PlannedTask[]): Map<string, PlannedTask[]> {
  const pairs = tasks.flatMap((task) => task.blockedBy.map(({ key }) => ({ key, task })));
  const byKey = Map.groupBy(pairs, ({ key }) => key);
  return new Map([...byKey].map(([key, same]) => [key, same.map(({ task }) => task)]));
}

export const bare = (key: string, agentId: string): Common => ({
  key,
  agentId,
  containerName: null,
  image: null,
  priority: PRIORITY.normal,
  blockedBy: [],
  behindImageGate: false,
  holdsImageGate: false,
  delayMs: 0,
  optional: false,
});
