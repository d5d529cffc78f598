import type { ContainerTaskSpec } from '../../../server/db/values.ts';
import type { Observed } from '../../../server/planning/changes.ts';
import type { PlannedTask } from '../../../server/planning/planned-task.ts';
import { PREVIOUS_SUFFIX } from '../../../server/spec/names.ts';
import type { ContainerSpec } from '../../../server/spec/spec.ts';

/**
 * Hosts in memory, and what the agents' tasks do to them. A container task has three moments: it begins, its container
 * changes, its container is found to be good or not; other tasks may run between any two of them.
 */
export type Instance = {
  id: number;
  startedAt: number;
  spec: ContainerSpec;
  specHash: string;
  revision: number;
  state: 'RUNNING' | 'EXITED' | 'RESTARTING' | 'PAUSED' | 'CREATED';
  health: 'HEALTHY' | 'UNHEALTHY' | 'STARTING';
  exitCode: number;
  /** It did not end by itself: a task stopped it. */
  isHalted?: boolean;
};

/** What one run of a task did, so that it can be taken back. */
export type Trace = { madeId: number | null; oldRan: boolean };

export const keyOf = (agentId: string, name: string | null) => `${agentId}:${name}`;
const runs = (instance: Instance | undefined) => ['RUNNING', 'PAUSED', 'RESTARTING'].includes(instance?.state ?? '');
export const mayEnd = ({ restart }: ContainerSpec) => restart.name === 'no' || restart.name === 'on-failure';

export class PlanWorld {
  readonly containers = new Map<string, Instance>();
  readonly images = new Set<string>();
  /** Containers whose last task stopped them (true) or did not end well. */
  readonly #stopped = new Map<string, boolean>();
  #clock = 0;

  /** As the agents report it. */
  observed(containers: ReadonlyMap<string, Instance> = this.containers): Observed[] {
    return [...containers].map(([key, { spec, specHash, revision, state, health, exitCode }]) => ({
      agentId: key.slice(0, key.indexOf(':')),
      name: key.slice(key.indexOf(':') + 1),
      service: spec.service,
      specHash,
      revision,
      image: spec.image,
      state,
      health: spec.healthCheck ? health : 'NONE',
      exitCode: state === 'EXITED' ? exitCode : null,
      // Docker lists no ports of a container that is about to start once more.
      ports: state === 'RUNNING' || state === 'PAUSED' ? spec.ports : [],
    }));
  }

  stopped = () =>
    [...this.#stopped].map(([key, onPurpose]) => ({
      agentId: key.slice(0, key.indexOf(':')),
      name: key.slice(key.indexOf(':') + 1),
      onPurpose,
    }));

  /** @throws Error when two containers would hold one port, or an image is not there */
  act(task: PlannedTask, trace: Trace): void {
    const key = keyOf(task.agentId, task.containerName);
    if (task.kind === 'PULL') this.images.add(`${task.agentId} ${task.image}`);
    const keep = task.kind === 'STOP' && 'keep' in task.spec ? task.spec.keep : undefined;
    const isIdle = [key, key + PREVIOUS_SUFFIX].every((name) => !this.#isToStop(name, keep));
    if (task.containerName !== null && (task.kind !== 'STOP' || !isIdle)) this.#stopped.set(key, task.kind === 'STOP');
    if (task.kind === 'STOP') this.#stop(key, keep);
    if (task.kind === 'DELETE') for (const name of [key, key + PREVIOUS_SUFFIX]) this.containers.delete(name);
    if ('container' in task.spec) this.#deploy(task, task.spec, key, trace);
  }

  #isToStop(key: string, keep: string | undefined): boolean {
    const instance = this.containers.get(key);
    return runs(instance) && (keep === undefined || instance?.specHash !== keep);
  }

  #stop(key: string, keep: string | undefined): void {
    for (const name of [key, key + PREVIOUS_SUFFIX]) if (this.#isToStop(name, keep)) this.#halt(name);
    const previous = this.containers.get(key + PREVIOUS_SUFFIX);
    if (previous && !this.containers.has(key)) this.#rename(key + PREVIOUS_SUFFIX, key);
  }

  #deploy(task: PlannedTask, spec: ContainerTaskSpec, key: string, trace: Trace): void {
    const named = this.containers.get(key);
    const previous = this.containers.get(key + PREVIOUS_SUFFIX);
    if ((named ?? previous)?.specHash === spec.specHash) {
      if (!named) this.#rename(key + PREVIOUS_SUFFIX, key);
      this.#keep(task, spec, key);
      return;
    }
    if (named && previous) this.containers.delete(key);
    else if (named) {
      trace.oldRan = runs(named);
      this.#rename(key, key + PREVIOUS_SUFFIX);
    }
    if (spec.order !== 'start-first') this.#halt(key + PREVIOUS_SUFFIX);
    const isPulled = task.kind !== 'DEPLOY' || this.images.has(`${task.agentId} ${spec.container.image}`);
    if (!isPulled && spec.container.pullPolicy !== 'never') throw new Error(`${key} has no image`);
    const { container, specHash, revision } = spec;
    const id = ++this.#clock;
    this.containers.set(key, {
      ...{ id, startedAt: id, spec: container, specHash, revision },
      ...{ state: 'CREATED', health: 'STARTING', exitCode: 0 },
    });
    trace.madeId = id;
    this.#start(key);
  }

  /** The container is the one that is wanted. */
  #keep({ kind }: PlannedTask, { order, awaitExit }: ContainerTaskSpec, key: string): void {
    const instance = this.#get(key);
    if (order !== 'start-first') this.#halt(key + PREVIOUS_SUFFIX);
    const { state, exitCode, spec } = instance;
    const hasEnded = kind === 'DEPLOY' && awaitExit && state === 'EXITED' && exitCode === 0 && mayEnd(spec);
    if (state === 'PAUSED') instance.state = 'RUNNING';
    else if (!hasEnded && (!runs(instance) || kind === 'RESTART')) this.#start(key);
  }

  /** The container is good. */
  finish(task: PlannedTask): void {
    const key = keyOf(task.agentId, task.containerName);
    if (!('container' in task.spec)) return;
    this.#stopped.delete(key);
    const instance = this.#get(key);
    if (task.spec.awaitExit) Object.assign(instance, { state: 'EXITED', exitCode: 0 });
    else if (instance.state === 'RESTARTING') this.#start(key);
    instance.health = 'HEALTHY';
    this.containers.delete(key + PREVIOUS_SUFFIX);
  }

  /** It is not good: the previous container is restored, and runs if it ran before. */
  undo(task: PlannedTask, { madeId, oldRan }: Trace): void {
    const key = keyOf(task.agentId, task.containerName);
    if (madeId === null || this.containers.get(key)?.id !== madeId) return;
    this.containers.delete(key);
    const old = this.containers.get(key + PREVIOUS_SUFFIX);
    if (!old) return;
    this.#rename(key + PREVIOUS_SUFFIX, key);
    if (oldRan && !runs(old)) this.#start(key);
  }

  #get(key: string): Instance {
    const instance = this.containers.get(key);
    if (!instance) throw new Error(`there is no ${key}`);
    return instance;
  }

  #rename(from: string, to: string): void {
    this.containers.set(to, this.#get(from));
    this.containers.delete(from);
  }

  #halt(key: string): void {
    const instance = this.containers.get(key);
    if (instance && runs(instance)) Object.assign(instance, { state: 'EXITED', exitCode: 0, isHalted: true });
  }

  #start(key: string): void {
    const other = this.#conflict(key);
    if (other) throw new PortTaken(`${key} is to have a port that ${other} has`);
    const instance = this.#get(key);
    const health = instance.spec.healthCheck ? 'STARTING' : 'HEALTHY';
    Object.assign(instance, { startedAt: ++this.#clock, state: 'RUNNING', health, isHalted: false });
  }

  #conflict(key: string): string | undefined {
    const wanted = new Set(this.#get(key).spec.ports.map(({ hostPort }) => hostPort));
    const host = key.slice(0, key.indexOf(':') + 1);
    for (const [other, instance] of this.containers) {
      if (other === key || !other.startsWith(host) || !runs(instance)) continue;
      if (instance.spec.ports.some(({ hostPort }) => hostPort !== null && wanted.has(hostPort))) return other;
    }
    return undefined;
  }

  /** Adds a container that no plan made. */
  add(key: string, spec: ContainerSpec): void {
    const id = ++this.#clock;
    const rest = { state: 'CREATED', health: 'HEALTHY', exitCode: 0 } as const;
    this.containers.set(key, { id, startedAt: id, spec, specHash: `of ${key}`, revision: 1, ...rest });
    if (!this.#conflict(key)) this.#start(key);
  }
}

export class PortTaken extends Error {}
