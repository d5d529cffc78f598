import type { ContainerTaskSpec, TaskSpec } from '../db/values.ts';
import type { RolloutSpec, ServiceSpec, StackSpec } from '../spec/spec.ts';
import { type Change, containerKey, withoutKept } from './changes.ts';

/** Pure: the tasks that a plan is made of. */
/** A task that must be so far first. */
export type Blocker = {
  key: string;
  /** STARTED: the process of its container runs. */
  condition: 'STARTED' | 'COMPLETED';
  /** false: its failure does not matter either. */
  required: boolean;
};

export type PlannedTask = {
  /** Unique within the plan. */
  key: string;
  agentId: string;
  kind: 'PULL' | 'DEPLOY' | 'STOP' | 'START' | 'RESTART' | 'DELETE' | 'CLEAN';
  containerName: string | null;
  image: string | null;
  spec: TaskSpec;
  priority: number;
  blockedBy: Blocker[];
  /** Waits for every PULL of the plan that gates. */
  barred: boolean;
  /** PULL: those of other hosts wait for it as well. */
  gates: boolean;
  /** Pause after the last of `blockedBy`. */
  delayMs: number;
  mayFail: boolean;
};

/** What makes room goes before what takes it. */
export const PRIORITY = { removing: 20, stopping: 10, normal: 0 };

export type Aim = {
  spec: StackSpec;
  revision: number;
  /** On the way back to an earlier revision. */
  back: boolean;
  /** Services whose end others wait for. */
  awaited: ReadonlySet<string>;
};

export function containerTask(
  { spec, revision, back, awaited }: Aim,
  { placed, agentId, specHash }: Change,
  kind: 'DEPLOY' | 'START' | 'RESTART',
): PlannedTask {
  if (!placed || specHash === null) throw new Error('a container that nothing wants has no spec');
  const { container, service } = placed;
  const networks = new Set(container.networks.map((network) => network.name));
  const volumes = new Set(container.mounts.map((mount) => mount.source));
  const rollout = rolloutOf(service, back);
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
  };
  return {
    ...bare(`${kind.toLowerCase()}:${containerKey(agentId, container.name)}`, agentId),
    kind,
    containerName: container.name,
    image: container.image,
    spec: taskSpec,
    mayFail: rollout?.failureAction === 'continue',
  };
}

export const rolloutOf = ({ update, rollback }: ServiceSpec, back: boolean): RolloutSpec | undefined =>
  back ? (rollback ?? update) : update;

export const awaitedIn = ({ services }: StackSpec): ReadonlySet<string> =>
  new Set(
    services.flatMap(({ dependsOn }) =>
      dependsOn.filter(({ condition }) => condition === 'COMPLETED').map(({ service }) => service),
    ),
  );

/** One task for a container and the one it replaces: the agent stops both. */
export function stopTask({ agentId, containerName, placed, observed }: Change): PlannedTask {
  const name = withoutKept(containerName);
  return {
    ...bare(`stop:${containerKey(agentId, name)}`, agentId),
    kind: 'STOP',
    containerName: name,
    image: placed?.container.image ?? observed?.image ?? null,
    spec: { version: 1 },
    priority: PRIORITY.stopping,
  };
}

/** One task for a container and the one it replaces: the agent removes both. */
export function removal({ agentId, containerName, placed, observed }: Change): PlannedTask {
  const name = withoutKept(containerName);
  return {
    ...bare(`delete:${containerKey(agentId, name)}`, agentId),
    kind: 'DELETE',
    containerName: name,
    image: placed?.container.image ?? observed?.image ?? null,
    spec: { version: 1 },
    priority: PRIORITY.removing,
  };
}

export const afterwards = (key: string): Blocker => ({ key, condition: 'COMPLETED', required: true });

/** Once each: what is waited for in two ways is waited for in the stricter. */
export function strictest(blockers: readonly Blocker[]): Blocker[] {
  const byKey = new Map<string, Blocker>();
  for (const { key, condition, required } of blockers) {
    const other = byKey.get(key);
    byKey.set(key, {
      key,
      condition: other?.condition === 'COMPLETED' ? 'COMPLETED' : condition,
      required: required || other?.required === true,
    });
  }
  return [...byKey.values()];
}

export const bare = (key: string, agentId: string) => ({
  key,
  agentId,
  containerName: null,
  image: null,
  priority: PRIORITY.normal,
  blockedBy: [],
  barred: false,
  gates: false,
  delayMs: 0,
  mayFail: false,
});
