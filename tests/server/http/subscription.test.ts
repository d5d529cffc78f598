import { describe, expect, test } from 'vitest';
import { until } from '../../support/agents.ts';
import { container, stackFile, useSeed } from '../../support/seed.ts';
import { type Operation, openEvents } from '../../support/wire.ts';

const seed = useSeed();

type Watched = { deployment: { status: string; tasks: { status: string }[]; cause: { code: string } | null } };
const WATCH = 'subscription($id: ID!) { deployment(id: $id) { status tasks { status } cause { code } } }';

/** Each stays open to the end, and listens for what becomes of its token. */
let sockets = 0;
function openSocket() {
  sockets += 1;
  return seed.wire();
}

/** The same subscription by either protocol. */
const BY = {
  WebSocket: async <T>(query: string, variables = {}): Promise<Operation<T>> =>
    (await openSocket()).subscribe<T>(query, variables),
  SSE: <T>(query: string, variables = {}): Promise<Operation<T>> =>
    openEvents<T>(seed.url, seed.admin, query, variables),
};
/** Nobody listens but the sockets themselves: what was cancelled or has ended is gone. */
const quiet = () =>
  until(
    async () => seed.bus.size(),
    (size) => size === sockets,
    { timeoutMs: 2_000, intervalMs: 20, what: `listeners of ${sockets} sockets alone` },
  );
async function rest<T>(operation: Operation<T>): Promise<T[]> {
  const all: T[] = [];
  for (let result = await operation.next(); result; result = await operation.next()) {
    if (!result.data) throw new Error(JSON.stringify(result.errors));
    all.push(result.data);
  }
  return all;
}

describe.each(Object.keys(BY) as (keyof typeof BY)[])('over %s', (protocol) => {
  const open = BY[protocol];
  const name = `by-${protocol.toLowerCase()}`;

  test('deployment(id): how it stands now, every change, and the end', async () => {
    const agent = await seed.agent(name);
    const { id } = await seed.deploy(stackFile(name, [container(`${name}-a`, name)]));
    const watch = await open<Watched>(WATCH, { id });
    expect((await watch.next())?.data?.deployment).toMatchObject({
      status: 'RUNNING',
      tasks: [{ status: 'PENDING' }, {}],
    });
    const [pull] = await agent.start((await agent.pending()).map((task) => task.id));
    expect((await watch.next())?.data?.deployment.tasks[0]?.status).toBe('RUNNING');
    await agent.finish(pull ?? { id: '', attempt: 0 });
    await agent.work();
    const last = (await rest(watch)).at(-1)?.deployment;
    expect(last).toMatchObject({ status: 'SUCCEEDED', tasks: [{ status: 'COMPLETED' }, { status: 'COMPLETED' }] });
  });

  test('deployment(id) of one that is finished: its verdict, and the end', async () => {
    const { id } = await seed.operate('stopStack', name);
    await seed.ask('mutation($id: ID!) { cancelDeployment(id: $id) { id } }', { id });
    const all = await rest(await open<Watched>(WATCH, { id }));
    expect(all).toMatchObject([{ deployment: { status: 'CANCELLED', cause: { code: 'CANCELLED' } } }]);
  });

  test('deployment(id) of none: NOT_FOUND', async () => {
    for (const id of [crypto.randomUUID(), 'x']) {
      const result = await (await open(WATCH, { id })).next();
      expect(result?.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
    }
  });

  test('stacks, agents and tasks: now, and what a user or an agent changes', async () => {
    const queries = {
      stacks: await open<{ stacks: { name: string }[] }>('subscription { stacks { name state } }'),
      agents: await open<{ agents: { name: string; containers: object[] }[] }>(
        'subscription { agents { name containers { name } } }',
      ),
      tasks: await open<{ tasks: object[] }>(
        `subscription { tasks(filter: { stack: "${name}-new" }) { kind status } }`,
      ),
      stack: await open<{ stack: { state: string } | null }>(`subscription { stack(name: "${name}-new") { state } }`),
    };
    for (const operation of Object.values(queries)) expect((await operation.next())?.data).toBeTruthy();
    const host = await seed.host(`${name}-new`);
    await seed.deploy(stackFile(`${name}-new`, [container(`${name}-new`, `${name}-new`)]));
    await host.work();
    const seen = async <T>(operation: Operation<T>, isSeen: (data: T) => boolean) => {
      for (;;) {
        const result = await operation.next();
        if (!result?.data) throw new Error(`ended: ${JSON.stringify(result)}`);
        if (isSeen(result.data)) return;
      }
    };
    await seen(queries.stacks, ({ stacks }) => stacks.some((stack) => stack.name === `${name}-new`));
    await seen(queries.agents, ({ agents }) =>
      agents.some((one) => one.containers.length === 1 && one.name === `${name}-new`),
    );
    await seen(queries.tasks, ({ tasks }) => JSON.stringify(tasks).includes('COMPLETED') && tasks.length === 2);
    await seen(queries.stack, ({ stack }) => stack?.state === 'RUNNING');
    for (const operation of Object.values(queries)) operation.cancel();
  });

  test('whoever leaves takes its listeners along', async () => {
    await quiet();
    const operations = await Promise.all(
      ['stacks { name }', 'agents { name }', 'tasks { id }'].map((field) => open(`subscription { ${field} }`)),
    );
    for (const operation of operations) await operation.next();
    expect(seed.bus.size()).toBeGreaterThan(sockets);
    for (const operation of operations) operation.cancel();
    await quiet();
  });
});

test('one that completes by itself takes its listeners along', async () => {
  const wire = await openSocket();
  const [{ id } = { id: '' }] = await seed.sql`select id from deployments where finished_at is not null limit 1`;
  for (let n = 0; n < 5; n++) await rest(wire.subscribe<Watched>(WATCH, { id }));
  await quiet();
});

test('a burst of changes is far fewer messages, and the last one is the truth', async () => {
  const agent = await seed.agent('burst');
  const { id } = await seed.deploy(stackFile('burst', [container('burst-a', 'burst')]));
  const watch = (await openSocket()).subscribe<Watched>(WATCH, { id });
  await watch.next();
  const [pull] = await agent.start((await agent.pending()).map((task) => task.id));
  for (let sequence = 1; sequence <= 40; sequence++) {
    await agent.report([
      { taskId: pull?.id ?? '', attempt: 1, sequence, status: 'RUNNING', progress: { message: String(sequence) } },
    ]);
  }
  await agent.finish(pull ?? { id: '', attempt: 0 });
  await agent.work();
  const all = await rest(watch);
  expect(all.length).toBeLessThan(40);
  expect(all.at(-1)?.deployment.status).toBe('SUCCEEDED');
});
