import type { FakeAgent, Observed, Report, Task } from './fake-agent.ts';

/** A fake agent with the containers of its Docker engine: it changes and reports them as a real agent would. */
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
/** The key is the container's name or, for a task without a container, its kind. */
export type Failures = Record<string, Failure & { retryable?: boolean }>;

let madeSoFar = 0;

/** The containers of a host, and what tasks do to them. */
function createFakeEngine() {
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

  function remove({ containerName }: Task): void {
    const name = containerName ?? '';
    containers.delete(name);
    containers.delete(`${name}.graphium-previous`);
  }

  function clean(task: Task): void {
    for (const [key, { stack }] of containers) if (stack === task.stack) containers.delete(key);
  }

  function stop({ containerName }: Task): void {
    const name = containerName ?? '';
    const there = containers.get(name);
    if (there) containers.set(name, { ...there, state: 'EXITED', exitCode: 0 });
  }

  /** Keeps a container that is as it should be, with its id, as the agent does. */
  function ensure(task: Task): void {
    const name = task.containerName ?? '';
    const there = containers.get(name);
    if (there && there.specHash === task.spec.specHash) keep(name, there, task.kind === 'RESTART');
    else make(task);
  }

  function keep(name: string, there: FakeContainer, restarts: boolean): void {
    const startedAt = restarts || there.state !== 'RUNNING' ? new Date().toISOString() : there.startedAt;
    containers.set(name, { ...there, startedAt, state: 'RUNNING', health: 'NONE', exitCode: null });
  }

  /** Tasks of other kinds change no container. */
  const effects: Record<string, (task: Task) => void> = {
    DELETE: remove,
    CLEAN: clean,
    STOP: stop,
    DEPLOY: ensure,
    START: ensure,
    RESTART: ensure,
  };
  return { containers, apply: (task: Task) => effects[task.kind]?.(task) };
}

export function createFakeHost(agent: FakeAgent) {
  const { containers, apply } = createFakeEngine();

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
      const stops = task.kind === 'STOP' && containers.get(task.containerName ?? '')?.state === 'RUNNING';
      apply(task);
      await host.observe();
      return agent.finish(task, 'COMPLETED', { ...(stops && { result: { action: 'stopped' } }), ...more });
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
    /** Cancels the tasks that the server wants cancelled. */
    async obeyCancels(): Promise<void> {
      for (const task of await agent.pending()) if (task.cancelRequested) await host.cancel(task);
    },
    /** Completes a started task, or fails it if there is a failure for it. */
    async end(task: Task, failures: Failures): Promise<string | undefined> {
      const failure = failures[task.containerName ?? task.kind];
      if (!failure) return host.complete(task);
      const { retryable, ...error } = failure;
      return host.fail(task, error, retryable);
    },
    /** Works until there is nothing left to do. @returns kinds and containers in the order they ran */
    async work(failures: Failures = {}): Promise<string[]> {
      const done: string[] = [];
      for (;;) {
        await host.obeyCancels();
        const started = await host.start();
        if (started.length === 0) return done;
        for (const task of started) {
          await host.end(task, failures);
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
