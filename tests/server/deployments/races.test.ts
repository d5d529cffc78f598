import { expect, test } from 'vitest';
import { until } from '../../support/agents.ts';
import type { FakeAgent } from '../../support/fake-agent.ts';
import { container, stackFile, useSeed } from '../../support/seed.ts';

/** What happens at the same time, many times over. */
const seed = useSeed();

const range = (n: number) => Array.from({ length: n }, (_, index) => index);
async function pair(): Promise<[FakeAgent, FakeAgent]> {
  const name = crypto.randomUUID().slice(0, 8);
  return [await seed.agent(`${name}-a`), await seed.agent(`${name}-b`)];
}
const deadlocks = async () => {
  const [row] = await seed.sql`select deadlocks::int as n from pg_stat_database where datname = current_database()`;
  return row?.n;
};

test('two agents report their last tasks together: the deployment always gets its verdict', async () => {
  const [a, b] = await pair();
  const file = stackFile('last', [container('last-a', a.name), container('last-b', b.name)]);
  for (const round of range(20)) {
    const { id } = await seed.deploy(file);
    for (const kind of ['PULL', 'DEPLOY']) {
      const [mine, theirs] = await Promise.all(
        [a, b].map(async (agent) => agent.start((await agent.pending()).map((task) => task.id))),
      );
      expect([mine?.[0]?.kind, theirs?.[0]?.kind], `round ${round}`).toEqual([kind, kind]);
      const isBad = round % 5 === 4 && kind === 'DEPLOY';
      const end = isBad ? 'FAILED' : 'COMPLETED';
      const outcomes = await Promise.all([
        a.finish(mine?.[0] ?? { id: '', attempt: 0 }, end),
        b.finish(theirs?.[0] ?? { id: '', attempt: 0 }, end),
      ]);
      expect(outcomes).toEqual(['ACCEPTED', 'ACCEPTED']);
    }
    expect((await seed.deployment(id)).status, `round ${round}`).toBe(round % 5 === 4 ? 'FAILED' : 'SUCCEEDED');
  }
});

test('two agents ask for the same instant: a task is given once', async () => {
  const [a] = await pair();
  for (const round of range(10)) {
    await seed.deploy(stackFile(`once-${round}`, [container(`once-${round}`, a.name)]));
    const ids = (await a.pending()).map((task) => task.id);
    const given = await Promise.all(range(6).map(() => a.start(ids)));
    expect(given.flat()).toHaveLength(1);
    for (const task of given.flat()) await a.finish(task);
    await a.work();
  }
});

test('deployments, reports and cancellations at the same time: no deadlock, no error, everything ends', async () => {
  const [a, b] = await pair();
  const before = await deadlocks();
  let stop = false;
  const work = async (agent: FakeAgent) => {
    while (!stop) {
      for (const task of await agent.start((await agent.pending()).map(({ id }) => id))) await agent.finish(task);
      for (const task of await agent.pending()) if (task.cancelRequested) await agent.finish(task, 'CANCELLED');
    }
  };
  const file = (n: number) =>
    stackFile('storm', [
      container('storm-a', a.name, { environment: { N: String(n) } }),
      container('storm-b', b.name, { environment: { N: String(n) } }),
    ]);
  const users = range(3).map(async (user) => {
    for (const n of range(12)) {
      const { id } = await seed.deploy(file(user * 100 + n));
      if (n % 4 === user) await seed.try('mutation($id: ID!) { cancelDeployment(id: $id) { id } }', { id });
      if (n % 5 === user) await seed.try('mutation { deleteStack(name: "storm") { id } }');
    }
  });
  const working = [work(a), work(b)];
  await Promise.all(users);
  const last = await seed.deploy(file(999));
  await until(
    () => seed.deployment(last.id),
    ({ status }) => status !== 'RUNNING',
    { intervalMs: 20, what: 'the verdict of the last' },
  ).finally(() => (stop = true));
  await Promise.all(working);
  expect((await seed.deployment(last.id)).status).toBe('SUCCEEDED');
  const open = await seed.sql`select status from deployments where finished_at is null`;
  expect(open).toEqual([]);
  await seed.sql`select pg_stat_force_next_flush()`;
  expect(await deadlocks()).toBe(before);
  expect(seed.logged.filter((line) => line.level === 50)).toEqual([]);
});

test('progress on many tasks while they are cancelled, given back and adopted: no deadlock', async () => {
  const [a] = await pair();
  const before = await deadlocks();
  const parts = range(12).map((n) => container(`wide-${n}`, a.name));
  for (const round of range(6)) {
    const { id } = await seed.deploy(stackFile('wide', parts));
    for (const task of await a.start((await a.pending()).map((one) => one.id))) await a.finish(task);
    const running = await a.start((await a.pending()).map((one) => one.id));
    expect(running).toHaveLength(12);
    const reports = (n: number) =>
      (n % 2 ? running : running.toReversed()).map((task) => ({
        taskId: task.id,
        attempt: task.attempt,
        sequence: n + 1,
        status: 'RUNNING',
        phase: 'STARTING',
      }));
    const cancel = seed.try('mutation($id: ID!) { cancelDeployment(id: $id) { id } }', { id });
    const named = { running: running.slice(0, 6).map((task) => ({ taskId: task.id, attempt: task.attempt })) };
    const [cancelled] = await Promise.all([cancel, a.tryOpen(named), ...range(6).map((n) => a.tryReport(reports(n)))]);
    expect(cancelled.errors).toBeUndefined();
    await a.open();
    expect((await seed.deployment(id)).status, `round ${round}`).toBe('CANCELLED');
  }
  await seed.sql`select pg_stat_force_next_flush()`;
  expect(await deadlocks()).toBe(before);
});

test('a stack that is deployed while its deletion ends is either the old one or a new one, and always visible', async () => {
  const [a] = await pair();
  const file = stackFile('phoenix', [container('phoenix', a.name)]);
  for (const round of range(10)) {
    await seed.deploy(file);
    await a.work();
    await seed.operate('deleteStack', 'phoenix');
    const [removal] = await a.start((await a.pending()).map((task) => task.id));
    await a.finish(removal ?? { id: '', attempt: 0 });
    const [clean] = await a.start((await a.pending()).map((task) => task.id));
    const [, again] = await Promise.all([a.finish(clean ?? { id: '', attempt: 0 }), seed.deploy(file)]);
    const { stack } = await seed.ask<{ stack: { currentDeployment: { id: string } } | null }>(
      '{ stack(name: "phoenix") { currentDeployment { id } } }',
    );
    expect(stack?.currentDeployment.id, `round ${round}`).toBe(again.id);
    await a.work();
    expect((await seed.deployment(again.id)).status).toBe('SUCCEEDED');
    await seed.operate('deleteStack', 'phoenix');
    await a.work();
  }
});

test('an agent that comes back while its lease is being swept keeps what it was told it keeps', async () => {
  const [a] = await pair();
  for (const round of range(10)) {
    await seed.deploy(stackFile(`lease-${round}`, [container(`lease-${round}`, a.name)]));
    const [task] = await a.start((await a.pending()).map(({ id }) => id));
    await seed.expire(a);
    const running = [{ taskId: task?.id ?? '', attempt: task?.attempt ?? 0 }];
    const [, { adopted }] = await Promise.all([seed.sweep(), a.open({ running })]);
    const [row] = await seed.sql`select status from tasks where id = ${task?.id ?? ''}`;
    expect(row?.status, `round ${round}`).toBe(adopted.length === 1 ? 'RUNNING' : 'PENDING');
    await a.open();
    await a.work();
  }
});
