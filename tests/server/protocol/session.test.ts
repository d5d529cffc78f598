import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { until } from '../../support/agents.ts';
import type { Task } from '../../support/fake-agent.ts';
import { container, stackFile, useSeed } from '../../support/seed.ts';

const seed = useSeed();

let count = 0;
async function story() {
  const name = `session${++count}`;
  const agent = await seed.agent(name);
  const { id } = await seed.deploy(stackFile(name, [container(`${name}-a`, name)]));
  const [pull] = (await agent.start((await agent.pending()).map((task) => task.id))) as [Task];
  return { name, agent, id, pull };
}
const taskOf = async (id: string) => (await seed.sql`select * from tasks where id = ${id}`)[0] ?? {};
const codeOf = (result: { errors?: { extensions: { code: string } }[] } | undefined) =>
  result?.errors?.[0]?.extensions.code;
const stateOf = async (name: string) => {
  const query = 'query($n: String!) { agent(name: $n) { state transport quarantineReason offlineSince } }';
  return (await seed.ask<{ agent: Record<string, unknown> }>(query, { n: name })).agent;
};

describe('a new session', () => {
  test('keeps the running tasks that the agent names, attempt unchanged', async () => {
    const { agent, pull } = await story();
    const { adopted } = await agent.open({ running: [{ taskId: pull.id, attempt: 1 }] });
    expect(adopted).toEqual([pull.id]);
    expect(await taskOf(pull.id)).toMatchObject({ status: 'RUNNING', attempt: 1, session_epoch: agent.epoch() });
    expect(await agent.finish(pull)).toBe('ACCEPTED');
  });

  test('gives out again the ones it does not name, at once and without counting a failure', async () => {
    const { agent, pull } = await story();
    expect((await agent.open()).adopted).toEqual([]);
    expect(await taskOf(pull.id)).toMatchObject({ status: 'PENDING', attempt: 1, failures: 0, session_epoch: null });
    expect(await agent.start([pull.id])).toMatchObject([{ attempt: 2 }]);
  });

  test('ends the ones it does not name that were to be cancelled, and settles', async () => {
    const { agent, id, pull } = await story();
    await seed.ask('mutation($id: ID!) { cancelDeployment(id: $id) { id } }', { id });
    await agent.open();
    expect(await taskOf(pull.id)).toMatchObject({ status: 'CANCELLED' });
    expect((await seed.deployment(id)).status).toBe('CANCELLED');
  });

  test('adopts nothing that is not its own, not running or of another attempt', async () => {
    const { agent, pull } = await story();
    const other = await story();
    const done = await story();
    await done.agent.finish(done.pull);
    const running = [
      { taskId: pull.id, attempt: 2 },
      { taskId: other.pull.id, attempt: 1 },
      { taskId: done.pull.id, attempt: 1 },
      { taskId: randomUUID(), attempt: 1 },
    ];
    expect((await agent.open({ running })).adopted).toEqual([]);
    expect(await taskOf(other.pull.id)).toMatchObject({ status: 'RUNNING', session_epoch: other.agent.epoch() });
    expect(await taskOf(pull.id)).toMatchObject({ status: 'PENDING' });
  });

  test('refuses ids that are none', async () => {
    const { agent } = await story();
    expect(codeOf(await agent.tryOpen({ instanceId: 'x' }))).toBe('NOT_FOUND');
    expect(codeOf(await agent.tryOpen({ running: [{ taskId: 'x', attempt: 1 }] }))).toBe('NOT_FOUND');
  });
});

test('a session may be described in the operation itself, without variables', async () => {
  const agent = await seed.agent('inline');
  const engine = '{ version: "28", apiVersion: "1.44", os: "linux", arch: "x86_64", cpus: 2, memoryBytes: 1e9 }';
  const input = `{ instanceId: "${randomUUID()}", version: "1", transport: POLL, engine: ${engine},
    policy: { allowBindMounts: ["/srv"] }, running: [] }`;
  const result = await seed.try(`mutation { openSession(input: ${input}) { epoch } }`, {}, agent.secret);
  expect(result).toMatchObject({ data: { openSession: { epoch: expect.any(Number) } } });
  const query = '{ agent(name: "inline") { engine { arch } policy } }';
  expect(await seed.ask(query)).toEqual({
    agent: { engine: { arch: 'x86_64' }, policy: { allowBindMounts: ['/srv'] } },
  });
});

describe('over a socket', () => {
  test('shows the transport; a normal close ends the session at once, a lost connection with its lease', async () => {
    const agent = await seed.agent('closer', { online: false });
    expect(await stateOf('closer')).toMatchObject({ state: 'OFFLINE', transport: null });
    const lost = await agent.connect();
    expect(await stateOf('closer')).toMatchObject({ state: 'ONLINE', transport: 'STREAM' });
    lost.socket.terminate();
    await lost.closed;
    expect(await stateOf('closer')).toMatchObject({ state: 'ONLINE' });
    const wire = await agent.connect();
    await wire.close(1000);
    await until(
      () => stateOf('closer'),
      (agent) => agent.state === 'OFFLINE',
      { timeoutMs: 2_000, intervalMs: 20 },
    );
  });

  test('the newer of two closes the older with 4410, and its subscription ends', async () => {
    const agent = await seed.agent('twice', { online: false });
    const first = await agent.connect();
    const stream = agent.stream(first);
    expect((await stream.next())?.data).toEqual({ pendingTasks: [] });
    const second = await agent.connect();
    expect((await first.closed).code).toBe(4410);
    expect(second.isOpen()).toBe(true);
  });

  test('a socket that is gone before its session was opened does not keep it alive', async () => {
    const agent = await seed.agent('ghost', { online: false });
    seed.sockets.attach({ close: () => {}, heardAt: 0, closed: true }, { agentId: agent.id, epoch: 1 });
    expect(seed.sockets.agentIds()).not.toContain(agent.id);
  });

  test('renewing closes the socket of a session that is no longer the newest, should the notification be lost', async () => {
    const agent = await seed.agent('renewed', { online: false });
    const wire = await agent.connect();
    await seed.sql`update agents set session_epoch = session_epoch + 1 where id = ${agent.id}`;
    await seed.sockets.renew();
    expect((await wire.closed).code).toBe(4410);
  });

  test('renewing keeps the lease of every open socket', async () => {
    const agent = await seed.agent('renews', { online: false });
    await agent.connect();
    await seed.sql`update agents set session_expires_at = now() + interval '1 second' where id = ${agent.id}`;
    await seed.sockets.renew();
    const [row] =
      await seed.sql`select session_expires_at > now() + interval '25 seconds' as renewed from agents where id = ${agent.id}`;
    expect(row?.renewed).toBe(true);
  });

  test('a complete set arrives for every change, and a burst is one', async () => {
    const agent = await seed.agent('streams', { online: false });
    const stream = agent.stream(await agent.connect());
    expect((await stream.next())?.data).toEqual({ pendingTasks: [] });
    await seed.deploy(stackFile('streams', [container('streams-a', 'streams')]));
    const tasks = (await stream.next())?.data?.pendingTasks ?? [];
    expect(tasks).toMatchObject([{ kind: 'PULL', attempt: 0 }]);
    await agent.start(tasks.map((task) => task.id));
    await agent.finish({ id: tasks[0]?.id ?? '', attempt: 1 });
    const sets = [await stream.next()];
    while (!sets.at(-1)?.data?.pendingTasks.some((task) => task.kind === 'DEPLOY')) sets.push(await stream.next());
    expect(sets.length).toBeLessThanOrEqual(2);
  });
});

describe('two processes with one credential', () => {
  test('that keep replacing each other are quarantined; a join token for the name ends it', async () => {
    const agent = await seed.agent('twins', { online: false });
    const [one, two] = [randomUUID(), randomUUID()];
    const wire = await agent.connect({ instanceId: one });
    const codes = [];
    for (const instanceId of [two, one, two, one, two]) codes.push(codeOf(await agent.tryOpen({ instanceId })));
    expect(codes.slice(0, 3)).toEqual([undefined, undefined, undefined]);
    expect(codes.at(-1)).toBe('AGENT_QUARANTINED');
    expect((await wire.closed).code).toBe(4410);
    expect(await stateOf('twins')).toMatchObject({
      state: 'QUARANTINED',
      quarantineReason: expect.stringContaining('join token'),
    });
    expect(codeOf(await agent.tryOpen())).toBe('AGENT_QUARANTINED');
    // Neither of them may continue with its tasks.
    expect(codeOf(await agent.tryStart([], 1))).toBe('SESSION_LOST');

    const again = await seed.enroll('twins', await seed.joinToken('twins'));
    expect(again.id).toBe(agent.id);
    expect(codeOf(await agent.tryOpen())).toBe('UNAUTHENTICATED');
    expect(await stateOf('twins')).toMatchObject({ quarantineReason: null });
    const fresh = await seed.sql`select quarantined_at, takeovers from agents where id = ${agent.id}`;
    expect(fresh[0]).toMatchObject({ quarantined_at: null, takeovers: 0 });
  });

  test('one that restarts again and again is not', async () => {
    const agent = await seed.agent('loop', { online: false });
    for (let n = 0; n < 12; n++) expect(codeOf(await agent.tryOpen({ instanceId: randomUUID() }))).toBeUndefined();
  });

  test('one process that reconnects again and again is not', async () => {
    const agent = await seed.agent('flaky', { online: false });
    const instanceId = randomUUID();
    for (let n = 0; n < 12; n++) expect(codeOf(await agent.tryOpen({ instanceId }))).toBeUndefined();
  });
});

test('what an agent observes is replaced as a whole, and only by its live session', async () => {
  const { agent, name } = await story();
  await agent.observe([
    { name: `${name}-a`, stack: name },
    { name: `${name}-b`, stack: name },
  ]);
  await agent.observe([{ name: `${name}-b`, stack: name, state: 'EXITED', exitCode: 3 }]);
  const query = 'query($n: String!) { agent(name: $n) { containers { name state exitCode } } }';
  const { agent: seen } = await seed.ask<{ agent: { containers: object[] } }>(query, { n: name });
  expect(seen.containers).toEqual([{ name: `${name}-b`, state: 'EXITED', exitCode: 3 }]);
  await seed.expire(agent);
  await expect(agent.observe([])).rejects.toThrow('SESSION_LOST');
});
