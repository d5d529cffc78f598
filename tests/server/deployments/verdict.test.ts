import { describe, expect, test } from 'vitest';
import { container, stackFile, useSeed } from '../../support/seed.ts';

/** What becomes of a deployment, and of the stack, when its tasks end. */
const seed = useSeed();

const CANCEL = 'mutation($id: ID!) { cancelDeployment(id: $id) { id status cancelRequestedAt } }';
const stackOf = async (name: string) => {
  const query = 'query($n: String!) { stack(name: $n) { state desired waitingOn { reason agent } } }';
  return (await seed.ask<{ stack: { state: string; desired: string; waitingOn: object[] } | null }>(query, { n: name }))
    .stack;
};
const codeOf = (result: { errors?: { extensions: { code: string } }[] }) => result.errors?.[0]?.extensions.code;
const statusOf = async (id: string) =>
  Object.fromEntries(
    (await seed.deployment(id)).tasks.map((t) => [`${t.kind} ${t.containerName ?? t.agent}`, t.status]),
  );

test('SUCCEEDED when all completed, and only then', async () => {
  const [a, b] = [await seed.agent('good-a'), await seed.agent('good-b')];
  const { id, status } = await seed.deploy(stackFile('good', [container('g-a', 'good-a'), container('g-b', 'good-b')]));
  expect(status).toBe('RUNNING');
  const [pull] = await a.start((await a.pending()).map((task) => task.id));
  await a.finish(pull ?? { id: '', attempt: 0 });
  // No container is touched before every reachable host has its image.
  expect(await a.pending()).toEqual([]);
  await b.work();
  await a.work();
  expect(await seed.deployment(id)).toMatchObject({ status: 'SUCCEEDED', cause: null });
});

test('FAILED with the cause of the first task that failed; what depends on it is cancelled, the rest goes on', async () => {
  const agent = await seed.agent('chain');
  const { id } = await seed.deploy(
    stackFile('chain', [
      container('db', 'chain'),
      container('api', 'chain', { dependsOn: ['db'] }),
      container('web', 'chain', { dependsOn: ['api'] }),
      container('cache', 'chain'),
    ]),
  );
  const [pull] = await agent.start((await agent.pending()).map((task) => task.id));
  await agent.finish(pull ?? { id: '', attempt: 0 });
  const started = await agent.start((await agent.pending()).map((task) => task.id));
  expect(started.map((task) => task.containerName).toSorted()).toEqual(['cache', 'db']);
  const db = started.find((task) => task.containerName === 'db');
  const error = {
    code: 'UNHEALTHY',
    message: 'health check failed',
    exitCode: 1,
    healthLog: ['curl: 7'],
    logs: ['boom'],
  };
  await agent.finish(db ?? { id: '', attempt: 0 }, 'FAILED', { error });
  expect((await seed.deployment(id)).status).toBe('RUNNING');
  const waits = (await seed.deployment(id)).tasks.find((task) => task.containerName === 'web');
  expect(waits).toMatchObject({ status: 'CANCELLED', waitingOn: [] });
  await agent.finish(started.find((task) => task.containerName === 'cache') ?? { id: '', attempt: 0 });
  expect(await statusOf(id)).toMatchObject({ 'DEPLOY api': 'CANCELLED', 'DEPLOY cache': 'COMPLETED' });
  const { status, cause } = await seed.deployment(id);
  expect(status).toBe('FAILED');
  expect(cause).toMatchObject({ ...error, agent: 'chain', containerName: 'db', taskId: db?.id });
});

test('CANCELLED on request: what waits at once, what runs when its agent says so', async () => {
  const agent = await seed.agent('stopper');
  const { id } = await seed.deploy(stackFile('stopper', [container('s-a', 'stopper')]));
  const [pull] = await agent.start((await agent.pending()).map((task) => task.id));
  const { cancelDeployment } = await seed.ask<{ cancelDeployment: { status: string } }>(CANCEL, { id });
  expect(cancelDeployment.status).toBe('RUNNING');
  expect(await statusOf(id)).toEqual({ 'PULL stopper': 'RUNNING', 'DEPLOY s-a': 'CANCELLED' });
  const running = (await seed.deployment(id)).tasks.find((task) => task.kind === 'PULL');
  expect(running?.waitingOn).toMatchObject([{ reason: 'CANCEL_REQUESTED' }]);
  expect(await agent.pending()).toMatchObject([{ id: pull?.id, status: 'RUNNING', cancelRequested: true }]);
  // Asking again is not an error and changes nothing.
  await seed.ask(CANCEL, { id });
  await agent.finish(pull ?? { id: '', attempt: 0 }, 'CANCELLED');
  expect(await seed.deployment(id)).toMatchObject({ status: 'CANCELLED', cause: { code: 'CANCELLED' } });
  await seed.ask(CANCEL, { id });
});

test('a deployment that has its verdict cannot be cancelled, and only the newest that failed be retried', async () => {
  const agent = await seed.agent('late');
  const file = stackFile('late', [container('l-a', 'late')]);
  const first = await seed.deploy(file);
  await agent.work();
  expect(codeOf(await seed.try(CANCEL, { id: first.id }))).toBe('CONFLICT');
  const retry = 'mutation($id: ID!) { retryDeployment(id: $id) { id kind retryOf } }';
  expect(codeOf(await seed.try(retry, { id: first.id }))).toBe('CONFLICT');
  const second = await seed.operate('stopStack', 'late');
  await seed.ask(CANCEL, { id: second.id });
  expect((await seed.ask<{ retryDeployment: object }>(retry, { id: second.id })).retryDeployment).toMatchObject({
    kind: 'STOP',
    retryOf: second.id,
  });
  expect(codeOf(await seed.try(retry, { id: second.id }))).toBe('CONFLICT');
  for (const query of [CANCEL, retry]) {
    expect(codeOf(await seed.try(query, { id: crypto.randomUUID() }))).toBe('NOT_FOUND');
    expect(codeOf(await seed.try(query, { id: 'x' }))).toBe('NOT_FOUND');
  }
});

test('SUPERSEDED by a newer one: three deployments to a host that is away become one action', async () => {
  const agent = await seed.agent('away', { online: false });
  const file = (n: number) => stackFile('away', [container('a-a', 'away', { environment: { N: String(n) } })]);
  const all = [await seed.deploy(file(1)), await seed.deploy(file(2)), await seed.deploy(file(3))];
  const waiting = (await seed.deployment(all[2]?.id ?? '')).tasks.flatMap((task) => task.waitingOn);
  expect(waiting[0]).toMatchObject({ reason: 'AGENT_OFFLINE', agent: 'away' });
  expect(await stackOf('away')).toMatchObject({
    state: 'DEPLOYING',
    waitingOn: [{ reason: 'AGENT_OFFLINE', agent: 'away' }],
  });
  await agent.open();
  expect(await agent.work()).toEqual(['PULL', 'DEPLOY a-a']);
  const statuses = await Promise.all(all.map(async ({ id }) => (await seed.deployment(id)).status));
  expect(statuses).toEqual(['SUPERSEDED', 'SUPERSEDED', 'SUCCEEDED']);
});

describe('a deleted stack', () => {
  test('goes when every host confirmed, and stays visible while one is away', async () => {
    const [near, far] = [await seed.agent('near'), await seed.agent('far')];
    await seed.deploy(stackFile('gone', [container('n-a', 'near'), container('f-a', 'far')]));
    await near.work();
    await far.work();
    await near.work();
    await far.work();
    await seed.expire(far);
    const { id } = await seed.operate('deleteStack', 'gone');
    expect(await near.work()).toEqual(['DELETE n-a', 'CLEAN']);
    expect(await stackOf('gone')).toMatchObject({
      state: 'DELETING',
      waitingOn: [{ reason: 'AGENT_OFFLINE', agent: 'far' }],
    });
    await far.open();
    expect(await far.work()).toEqual(['DELETE f-a', 'CLEAN']);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
    expect(await stackOf('gone')).toBeNull();
    const { stacks } = await seed.ask<{ stacks: { name: string; state: string }[] }>(
      '{ stacks(includeDeleted: true) { name state } }',
    );
    expect(stacks).toContainEqual({ name: 'gone', state: 'DELETED' });
    for (const field of ['stopStack', 'deleteStack']) {
      expect(codeOf(await seed.try(`mutation { ${field}(name: "gone") { id } }`))).toBe('NOT_FOUND');
    }
  });

  test('takes no other operation but deploy and delete', async () => {
    const agent = await seed.agent('strict');
    await seed.deploy(stackFile('strict', [container('st-a', 'strict')]));
    await agent.work();
    await seed.operate('deleteStack', 'strict');
    for (const field of ['stopStack', 'startStack', 'restartStack']) {
      expect(codeOf(await seed.try(`mutation { ${field}(name: "strict") { id } }`))).toBe('CONFLICT');
    }
    await seed.operate('deleteStack', 'strict');
    await seed.deploy(stackFile('strict', [container('st-a', 'strict')]));
    await agent.work();
    expect(await stackOf('strict')).toMatchObject({ desired: 'RUNNING' });
  });

  test('still owes its volumes when it is deleted again without a word about them', async () => {
    const agent = await seed.agent('owes');
    await seed.deploy(
      stackFile('owes', [container('o-a', 'owes', { volumes: [{ name: 'data', mountPath: '/data' }] })]),
    );
    await agent.work();
    await seed.ask('mutation { deleteStack(name: "owes", removeVolumes: true) { id } }');
    await seed.operate('deleteStack', 'owes');
    const started = [];
    for (let round = 0; round < 2; round++) {
      const tasks = await agent.start((await agent.pending()).map((task) => task.id));
      started.push(...tasks);
      for (const task of tasks) await agent.finish(task);
    }
    expect(started.find((task) => task.kind === 'CLEAN')?.spec).toMatchObject({ volumes: ['owes_data'] });
  });
});

test('removing an agent ends its tasks and lets the deployment have its verdict', async () => {
  const [stays, goes] = [await seed.agent('stays'), await seed.agent('goes')];
  const { id } = await seed.deploy(stackFile('half', [container('h-a', 'stays'), container('h-b', 'goes')]));
  const remove = 'mutation($force: Boolean!) { removeAgent(name: "goes", force: $force) { name state } }';
  expect(codeOf(await seed.try(remove, { force: false }))).toBe('CONFLICT');
  await seed.ask(remove, { force: true });
  expect(codeOf(await goes.tryOpen())).toBe('UNAUTHENTICATED');
  await stays.work();
  expect((await seed.deployment(id)).status).toBe('CANCELLED');
});
