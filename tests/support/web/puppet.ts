import { createFakeAgent, type Observed, type Task } from '../fake-agent.ts';
import { ask } from '../server.ts';

/** An agent that speaks the real protocol and keeps its host's containers in a map instead of on an engine. */
export type Puppet = {
  containers: Map<string, Observed>;
  /** Maps a container's name to the error with which its DEPLOY fails. */
  failures: Map<string, Record<string, unknown>>;
  /** Tasks of these containers start, but end only when they are cancelled or their container leaves this set. */
  held: Set<string>;
  /** Reports the containers after a test has changed them. */
  observe(): Promise<void>;
  /** Says what is wrong with the engine, or with null that it answers. */
  reportEngine(problem: string | null): Promise<unknown>;
  close(): Promise<void>;
};

const TICK_MS = 60;

export async function createPuppet(server: { url: string }, admin: string, name: string): Promise<Puppet> {
  const { createJoinToken } = await ask<{ createJoinToken: { secret: string } }>(
    server,
    admin,
    'mutation ($name: String) { createJoinToken(name: $name) { secret } }',
    { name },
  );
  const { enrollAgent } = await ask<{ enrollAgent: { agentId: string; secret: string } }>(
    server,
    createJoinToken.secret,
    'mutation ($name: String!) { enrollAgent(name: $name) { agentId secret } }',
    { name },
  );
  const agent = createFakeAgent(server, { id: enrollAgent.agentId, name, secret: enrollAgent.secret });
  await agent.open();
  const containers: Puppet['containers'] = new Map();
  const failures: Puppet['failures'] = new Map();
  const held = new Set<string>();
  const begun = new Map<string, Task>();
  const observe = async () => void (await agent.observe([...containers.values()]));

  async function obeyCancels(pending: readonly Task[]): Promise<void> {
    for (const task of pending.filter((each) => each.cancelRequested)) {
      begun.delete(task.id);
      await agent.finish(task, 'CANCELLED', { result: { action: 'cancelled', left: leftOf(task, containers) } });
    }
  }

  async function begin(pending: readonly Task[]): Promise<void> {
    const ready = pending.filter((each) => each.status === 'PENDING').map((each) => each.id);
    if (ready.length === 0) return;
    for (const task of await agent.start(ready)) begun.set(task.id, task);
  }

  async function end(task: Task): Promise<void> {
    begun.delete(task.id);
    const error = task.kind === 'DEPLOY' ? failures.get(task.containerName ?? '') : undefined;
    if (error) return void (await agent.finish(task, 'FAILED', { error, retryable: false }));
    apply(task, containers);
    await agent.finish(task);
  }

  async function work(): Promise<void> {
    const pending = await agent.pending();
    await obeyCancels(pending);
    await begin(pending);
    const free = [...begun.values()].filter((task) => !held.has(task.containerName ?? ''));
    for (const task of free) await end(task);
    if (free.length > 0) await observe();
  }

  let open = true;
  const running = (async () => {
    await observe();
    while (open) {
      await work();
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
  })();
  return {
    containers,
    failures,
    held,
    observe,
    reportEngine: agent.reportEngine,
    async close() {
      open = false;
      await running;
      await agent.close();
    },
  };
}

const leftOf = ({ containerName }: Task, containers: Puppet['containers']) =>
  containers.has(containerName ?? '') ? 'PREVIOUS' : 'NONE';

type Wanted = { revision: number; specHash: string; container: { service: string; replica: number; image: string } };

function apply(task: Task, containers: Puppet['containers']): void {
  const name = task.containerName;
  if (name === null) return;
  const found = containers.get(name);
  if (task.kind === 'DELETE') containers.delete(name);
  else if (task.kind === 'STOP')
    containers.set(name, { ...found, name, stack: task.stack, state: 'EXITED', exitCode: 0 });
  else if ('container' in task.spec) {
    const { revision, specHash, container } = task.spec as Wanted;
    const { service, replica, image } = container;
    containers.set(name, { name, stack: task.stack, service, replica, image, revision, specHash });
  }
}
