import type { FakeAgent, Observed, Report, Task } from './fake-agent.ts';

/** The Docker engine of a fake agent: it makes its containers what the tasks say, and reports them as an agent does. */
export type FakeHost = ReturnType<typeof createFakeHost>;
export type FakeContainer = Observed & {
  id: string;
  specHash: string;
  revision: number;
  state: string;
  health: string;
};

type Wanted = {
  service: string;
  replica: number;
  image: string;
  ports: { containerPort: number; hostPort: number | null; hostIp: string | null; protocol: string }[];
};
type Failure = { code: string; message: string } & Record<string, unknown>;
/** By the container's name or, for a task without a container, by its kind. */
export type Failures = Record<string, Failure & { retryable?: boolean }>;

let madeSoFar = 0;

export function createFakeHost(agent: FakeAgent) {
  const containers = new Map<string, FakeContainer>();

  function make(task: Task): void {
    const { container, specHash, revision } = task.spec as { container: Wanted; specHash: string; revision: number };
    const { service, replica, image, ports } = container;
    const name = task.containerName ?? '';
    containers.set(name, {
      id: `${String(++madeSoFar).padStart(6, '0')}-${name}`,
      name,
      stack: task.stack,
      taskId: task.id,
      service,
      replica,
      image,
      specHash,
      revision,
      state: 'RUNNING',
      health: 'NONE',
      ports: ports.map((port) => ({ ...port, protocol: port.protocol.toUpperCase() })),
      startedAt: new Date(1_700_000_000_000 + madeSoFar * 1_000).toISOString(),
    });
  }

  /** Does as the agent does: a container that is as it should be is kept, with its id. */
  function apply(task: Task): void {
    const name = task.containerName ?? '';
    const there = containers.get(name);
    if (task.kind === 'DELETE') {
      containers.delete(name);
      containers.delete(`${name}.graphium-previous`);
    }
    if (task.kind === 'CLEAN') {
      for (const [key, { stack }] of containers) if (stack === task.stack) containers.delete(key);
    }
    if (task.kind === 'STOP' && there) containers.set(name, { ...there, state: 'EXITED', exitCode: 0 });
    if (!['DEPLOY', 'START', 'RESTART'].includes(task.kind)) return;
    if (!there || there.specHash !== task.spec.specHash) make(task);
    else {
      const isFresh = task.kind === 'RESTART' || there.state !== 'RUNNING';
      const startedAt = isFresh ? new Date().toISOString() : there.startedAt;
      containers.set(name, { ...there, startedAt, state: 'RUNNING', health: 'NONE', exitCode: null });
    }
  }

  const host = {
    agent,
    containers,
    names: () => [...containers.keys()].toSorted(),
    get(name: string): FakeContainer {
      const found = containers.get(name);
      if (!found) throw new Error(`${agent.name} has no container ${name}; it has ${host.names().join(', ')}`);
      return found;
    },
    observe: () => agent.observe([...containers.values()]),
    /** Changes a container as if somebody had done so by hand; null removes it. */
    async change(name: string, change: Partial<FakeContainer> | null): Promise<void> {
      if (change === null) containers.delete(name);
      else containers.set(name, { ...host.get(name), ...change });
      await host.observe();
    },
    /** Adds a container that has our labels although no task made it. */
    async add(container: Partial<FakeContainer> & { name: string; stack: string }): Promise<void> {
      const rest = { specHash: 'hash', revision: 1, state: 'RUNNING', health: 'NONE' };
      containers.set(container.name, { id: `foreign-${container.name}`, ...rest, ...container });
      await host.observe();
    },
    /** Starts the tasks that can be started, or only those that are named. */
    async start(...names: string[]): Promise<Task[]> {
      const pending = (await agent.pending()).filter(({ status }) => status === 'PENDING');
      const chosen = pending.filter((task) => names.length === 0 || names.includes(task.containerName ?? task.kind));
      return agent.start(chosen.map(({ id }) => id));
    },
    async complete(task: Task | undefined, more: Partial<Report> = {}): Promise<string | undefined> {
      if (!task) throw new Error(`${agent.name} has no task to complete`);
      apply(task);
      await host.observe();
      return agent.finish(task, 'COMPLETED', more);
    },
    async fail(task: Task | undefined, error: Partial<Failure> = {}, retryable = false): Promise<string | undefined> {
      if (!task) throw new Error(`${agent.name} has no task to fail`);
      return agent.finish(task, 'FAILED', { error: { code: 'UNHEALTHY', message: 'it is bad', ...error }, retryable });
    },
    /** Stops at a safe point and leaves the previous container in place. */
    cancel: (task: Pick<Task, 'id' | 'attempt'>) =>
      agent.finish(task, 'CANCELLED', {
        result: { action: 'restored', left: 'PREVIOUS', message: 'the old one is there' },
      }),
    /** Works until there is nothing left to do. @returns kinds and containers in the order they ran */
    async work(failures: Failures = {}): Promise<string[]> {
      const done: string[] = [];
      for (;;) {
        for (const task of await agent.pending()) if (task.cancelRequested) await host.cancel(task);
        const started = await host.start();
        if (started.length === 0) return done;
        for (const task of started) {
          const failure = failures[task.containerName ?? task.kind];
          const { retryable, ...error } = failure ?? {};
          await (failure ? host.fail(task, error, retryable) : host.complete(task));
          done.push(`${task.kind} ${task.containerName ?? ''}`.trim());
        }
      }
    },
  };
  return host;
}

/** Lets several hosts work in turn until none of them has anything left to do. @returns what each did */
export async function workAll(hosts: readonly FakeHost[], failures: Failures = {}): Promise<string[]> {
  const done: string[] = [];
  for (;;) {
    const before = done.length;
    for (const host of hosts) {
      done.push(...(await host.work(failures)).map((what) => `${host.agent.name}: ${what}`));
    }
    if (done.length === before) return done;
  }
}
