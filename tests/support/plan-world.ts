import type { ContainerTaskSpec } from '../../server/db/values.ts';
import type { Observed } from '../../server/deployments/changes.ts';
import { type Candidate, type Placed, place } from '../../server/deployments/placement.ts';
import { type Plan, type PlanInput, type PlanKind, plan } from '../../server/deployments/plan.ts';
import type { PlannedTask } from '../../server/deployments/planned-task.ts';
import type { ContainerSpec, StackSpec } from '../../server/stacks/spec.ts';

/** Hosts in memory: what the tasks of a plan do to them when they run in some order that the plan allows. */
export type Instance = {
  id: number;
  startedAt: number;
  spec: ContainerSpec;
  specHash: string;
  revision: number;
  state: 'RUNNING' | 'EXITED';
  health: 'HEALTHY' | 'UNHEALTHY';
};

export type Revision = { number: number; spec: StackSpec; placed: Placed[] };

export const AGENTS: Candidate[] = ['vm1', 'vm2', 'vm3'].map((name, index) => ({
  id: name,
  name,
  labels: { zone: index === 0 ? 'a' : 'b' },
  os: 'linux',
  arch: 'amd64',
  online: true,
  load: 0,
  taken: [],
}));

const keyOf = (agentId: string, name: string) => `${agentId}:${name}`;

export class PlanWorld {
  readonly containers = new Map<string, Instance>();
  /** Old ones that run beside their successor. */
  readonly #beside = new Map<string, Instance>();
  readonly images = new Set<string>();
  #clock = 0;

  /** Where the revision's containers go, given where they are. */
  place(number: number, spec: StackSpec, before?: Revision): Revision | undefined {
    const previous = new Map(before?.placed.map(({ agentId, container }) => [container.name, agentId]));
    const { placed, problems } = place(spec, AGENTS, previous);
    return problems.length > 0 ? undefined : { number, spec, placed };
  }

  plan(kind: PlanKind, revision: Revision): Plan {
    return plan(this.input(kind, revision));
  }

  input(kind: PlanKind, { number, spec, placed }: Revision): PlanInput {
    return {
      kind,
      spec,
      revision: number,
      placed,
      observed: this.observed(),
      inWork: [],
      images: [],
      involved: AGENTS.map(({ id }) => id),
      online: new Set(AGENTS.map(({ id }) => id)),
      removeVolumes: false,
      services: null,
      onlyUnwanted: false,
      onlyContainers: null,
    };
  }

  observed(): Observed[] {
    return [...this.containers].map(([key, { spec, specHash, revision, state, health }]) => ({
      agentId: key.slice(0, key.indexOf(':')),
      name: key.slice(key.indexOf(':') + 1),
      specHash,
      revision,
      image: spec.image,
      state,
      health,
      exitCode: state === 'EXITED' ? 1 : null,
      ports: state === 'RUNNING' ? spec.ports : [],
    }));
  }

  /** The process of the task's container starts, or the task does all it does. @throws Error when two hold one port */
  begin(task: PlannedTask): void {
    const key = keyOf(task.agentId, task.containerName ?? '');
    const old = this.containers.get(key);
    switch (task.kind) {
      case 'PULL':
        this.images.add(`${task.agentId} ${task.image}`);
        return;
      case 'STOP':
        if (old) old.state = 'EXITED';
        return;
      case 'DELETE':
        this.containers.delete(key);
        return;
      case 'RESTART':
        if (old) Object.assign(old, { startedAt: ++this.#clock, state: 'RUNNING', health: 'HEALTHY' });
        break;
      case 'DEPLOY':
        this.#deploy(task, key, old);
        break;
      default:
        throw new Error(`no plan of a deployment has ${task.kind}`);
    }
    this.#checkPorts(task.agentId);
  }

  #deploy(task: PlannedTask, key: string, old: Instance | undefined): void {
    const { container, specHash, revision, order } = task.spec as ContainerTaskSpec;
    if (old?.specHash === specHash) {
      if (old.state === 'EXITED') Object.assign(old, { startedAt: ++this.#clock, state: 'RUNNING' });
      return;
    }
    if (!old && !this.images.has(`${task.agentId} ${container.image}`)) throw new Error(`${key} has no image`);
    if (old) this.#beside.set(key, { ...old, state: order === 'start-first' ? old.state : 'EXITED' });
    const id = ++this.#clock;
    const fresh = { id, startedAt: id, spec: container, specHash, revision };
    this.containers.set(key, { ...fresh, state: 'RUNNING', health: 'HEALTHY' });
  }

  /** The container is good. */
  finish(task: PlannedTask): void {
    const key = keyOf(task.agentId, task.containerName ?? '');
    this.#beside.delete(key);
    const instance = this.containers.get(key);
    if (instance && task.kind === 'DEPLOY') instance.health = 'HEALTHY';
  }

  /** It is not: the one from before comes back, running if it ran. */
  fail(task: PlannedTask, before: Instance | undefined): void {
    const key = keyOf(task.agentId, task.containerName ?? '');
    this.#beside.delete(key);
    if (task.kind !== 'DEPLOY') return;
    if (before) this.containers.set(key, before);
    else this.containers.delete(key);
    this.#checkPorts(task.agentId);
  }

  #checkPorts(agentId: string): void {
    const running = [...this.containers, ...this.#beside].filter(
      ([key, { state }]) => key.startsWith(`${agentId}:`) && state === 'RUNNING',
    );
    const taken = new Map<number, string>();
    for (const [key, { spec }] of running) {
      for (const { hostPort } of spec.ports) {
        if (hostPort === null) continue;
        const other = taken.get(hostPort);
        if (other !== undefined) throw new Error(`${key} and ${other} both hold port ${hostPort}`);
        taken.set(hostPort, key);
      }
    }
  }
}

export type Run = {
  /** Picks one of so many. */
  pick(count: number): number;
  /** Whether a task of this index fails. */
  fails?: (index: number) => boolean;
};

/**
 * Runs the tasks in an order of `pick`'s choosing. After a failure nothing more begins, as when a deployment is rolled back.
 * @throws Error when tasks are left that nothing can start any more, or when a container is touched before its images
 */
export function execute(world: PlanWorld, { tasks }: Plan, { pick, fails = () => false }: Run): { failed: boolean } {
  const byKey = new Map(tasks.map((task) => [task.key, task]));
  if (byKey.size !== tasks.length) throw new Error('two tasks have one key');
  const begun = new Map<PlannedTask, Instance | undefined>();
  const done = new Set<PlannedTask>();
  let failed = false;
  const isFree = (task: PlannedTask) =>
    !begun.has(task) &&
    (!task.barred || tasks.every((pull) => !pull.gates || done.has(pull))) &&
    task.blockedBy.every(({ key, condition }) => {
      const other = byKey.get(key);
      if (!other) throw new Error(`${task.key} waits for ${key}, which does not exist`);
      return done.has(other) || (condition === 'STARTED' && begun.has(other));
    });
  for (;;) {
    const free = failed ? [] : tasks.filter(isFree);
    const running = [...begun.keys()].filter((task) => !done.has(task));
    const choice = pick(free.length + running.length);
    const start = free[choice];
    const end = running[choice - free.length];
    if (start) {
      if (start.kind !== 'PULL' && tasks.some((pull) => pull.gates && !done.has(pull))) {
        throw new Error(`${start.key} begins before every image is there`);
      }
      const before = world.containers.get(`${start.agentId}:${start.containerName}`);
      begun.set(start, before && { ...before });
      world.begin(start);
    } else if (end) {
      if (fails(tasks.indexOf(end)) && !failed) {
        failed = true;
        world.fail(end, begun.get(end));
      } else world.finish(end);
      done.add(end);
    } else if (failed || done.size === tasks.length) return { failed };
    else
      throw new Error(
        `stuck: ${tasks
          .filter((task) => !done.has(task))
          .map(({ key }) => key)
          .join(', ')}`,
      );
  }
}
