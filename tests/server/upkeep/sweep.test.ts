import { describe, expect, test } from 'vitest';
import type { Task } from '../../support/fake-agent.ts';
import { container, stackFile, useSeed } from '../../support/seed.ts';

/** What time does: leases, deadlines, holes, and containers that nothing wants. */
const seed = useSeed();

let count = 0;
async function story() {
  const name = `sweep${++count}`;
  const agent = await seed.agent(name);
  const { id } = await seed.deploy(stackFile(name, [container(`${name}-a`, name)]));
  const [pull] = (await agent.start((await agent.pending()).map((task) => task.id))) as [Task];
  return { name, agent, id, pull };
}
const taskOf = async (id: string) => (await seed.sql`select * from tasks where id = ${id}`)[0] ?? {};
const hole = (seconds: number) => seed.sql`update servers set alive_at = now() - make_interval(secs => ${seconds})`;
const latestOf = async (name: string) => {
  const [row] =
    await seed.sql`select d.kind, d.status, d.created_by, d.id from deployments d join stacks s on s.id = d.stack_id
    where s.name = ${name} order by d.created_at desc limit 1`;
  return row;
};
/** Graphium's own deployments wait a little after those of others. */
const later = () => seed.sql`update deployments set finished_at = finished_at - interval '2 minutes'
  where finished_at is not null`;

describe('a lease', () => {
  test('that ran out gives the task back: an attempt is spent, not a failure', async () => {
    const { agent, id, pull } = await story();
    await seed.sweep();
    expect(await taskOf(pull.id)).toMatchObject({ status: 'RUNNING' });
    await seed.expire(agent);
    await seed.sweep();
    expect(await taskOf(pull.id)).toMatchObject({ status: 'PENDING', attempt: 1, failures: 0, session_epoch: null });
    const { tasks } = await seed.deployment(id);
    expect(tasks.find((task) => task.id === pull.id)?.waitingOn).toMatchObject([{ reason: 'AGENT_OFFLINE' }]);
  });

  test('that ran out ends a task that was to be cancelled, and the deployment has its verdict', async () => {
    const { agent, id, pull } = await story();
    await seed.ask('mutation($id: ID!) { cancelDeployment(id: $id) { id } }', { id });
    await seed.expire(agent);
    await seed.sweep();
    expect(await taskOf(pull.id)).toMatchObject({ status: 'CANCELLED' });
    expect((await seed.deployment(id)).status).toBe('CANCELLED');
  });

  test('is renewed by asking for tasks', async () => {
    const { agent, pull } = await story();
    await seed.expire(agent);
    await agent.pending();
    await seed.sweep();
    expect(await taskOf(pull.id)).toMatchObject({ status: 'RUNNING' });
  });
});

describe('the deadline', () => {
  test('of a task without progress fails it with a code', async () => {
    const { agent, id, pull } = await story();
    await seed.sql`update tasks set deadline = now() - interval '1 second' where id = ${pull.id}`;
    await seed.sweep();
    expect(await taskOf(pull.id)).toMatchObject({ status: 'FAILED', error: { code: 'DEADLINE_EXCEEDED' } });
    expect(await seed.deployment(id)).toMatchObject({ status: 'FAILED', cause: { code: 'DEADLINE_EXCEEDED' } });
    expect(await agent.finish(pull)).toBe('STALE');
  });
});

describe('while there was no server', () => {
  test('no lease ran out: sessions live on for as long as the hole was', async () => {
    const { agent, pull } = await story();
    await seed.sweep();
    // The server died 10 minutes ago, when the lease had 20 seconds left.
    await hole(600);
    await seed.sql`update agents set session_expires_at = now() - interval '580 seconds' where id = ${agent.id}`;
    await seed.sweep();
    expect(await taskOf(pull.id)).toMatchObject({ status: 'RUNNING' });
    const [row] =
      await seed.sql`select extract(epoch from session_expires_at - now())::int as left from agents where id = ${agent.id}`;
    expect(row?.left).toBeGreaterThan(15);
    expect(row?.left).toBeLessThanOrEqual(20);
  });

  test('no deadline passed either', async () => {
    const { pull } = await story();
    await seed.sweep();
    await hole(3_600);
    await seed.sql`update tasks set deadline = now() - interval '3000 seconds' where id = ${pull.id}`;
    await seed.sql`update agents set session_expires_at = now() + interval '30 seconds'`;
    await seed.sweep();
    expect(await taskOf(pull.id)).toMatchObject({ status: 'RUNNING' });
  });

  test('what had ended before stays ended', async () => {
    const { agent, pull } = await story();
    await seed.sweep();
    await hole(600);
    await seed.sql`update agents set session_expires_at = now() - interval '601 seconds' where id = ${agent.id}`;
    await seed.sweep();
    expect(await taskOf(pull.id)).toMatchObject({ status: 'PENDING' });
  });

  test('a short silence is no hole, and a second sweep extends nothing', async () => {
    const { agent, pull } = await story();
    await seed.sweep();
    await seed.expire(agent);
    await hole(10);
    await seed.sweep();
    expect(await taskOf(pull.id)).toMatchObject({ status: 'PENDING' });
  });
});

describe('a container that nothing wants', () => {
  test('of a deleted stack is removed by a DELETE deployment', async () => {
    const { name, agent } = await story();
    await agent.open();
    await agent.work();
    await seed.operate('deleteStack', name);
    await agent.work();
    await agent.observe([{ name: `${name}-a`, stack: name }]);
    await later();
    await seed.sweep();
    expect(await latestOf(name)).toMatchObject({ kind: 'DELETE', status: 'RUNNING', created_by: 'graphium' });
    expect(await agent.work()).toEqual([`DELETE ${name}-a`, 'CLEAN']);
    expect(await latestOf(name)).toMatchObject({ status: 'SUCCEEDED' });
    // If it is still there, removing it is not tried again every five seconds.
    await seed.sweep();
    expect(await agent.pending()).toEqual([]);
    await agent.observe([]);
  });

  test('of a deletion that failed is tried again, with the volumes it owes', async () => {
    const agent = await seed.agent('owing');
    const data = { volumes: [{ name: 'data', mountPath: '/data' }] };
    await seed.deploy(stackFile('owing', [container('owing-a', 'owing', data)]));
    await agent.work();
    await seed.ask('mutation { deleteStack(name: "owing", removeVolumes: true) { id } }');
    const [removal] = await agent.start((await agent.pending()).map((task) => task.id));
    await agent.finish(removal as Task, 'FAILED', { error: { code: 'ENGINE', message: 'no' } });
    expect(await latestOf('owing')).toMatchObject({ kind: 'DELETE', status: 'FAILED' });
    await agent.observe([{ name: 'owing-a', stack: 'owing' }]);
    await later();
    await seed.sweep();
    const [again] = await seed.sql`select t.spec from tasks t join deployments d on d.id = t.deployment_id
      where d.created_by = 'graphium' and t.kind = 'CLEAN' and t.agent_id = ${agent.id}`;
    expect(again?.spec).toMatchObject({ volumes: ['owing_data'] });
    await agent.work();
    await agent.observe([]);
  });

  test('of a service that left the stack while its host was away is removed; the others are not touched', async () => {
    const { name, agent } = await story();
    await agent.open();
    await seed.deploy(stackFile(name, [container(`${name}-a`, name), container(`${name}-old`, name)]));
    await agent.work();
    await seed.deploy(stackFile(name, [container(`${name}-a`, name)]));
    await agent.work();
    await agent.observe([
      { name: `${name}-a`, stack: name },
      { name: `${name}-old`, stack: name },
      { name: `${name}-stranger`, stack: name },
    ]);
    await later();
    await seed.sweep();
    expect(await latestOf(name)).toMatchObject({ kind: 'REPAIR', created_by: 'graphium' });
    expect(await agent.work()).toEqual([`DELETE ${name}-old`]);
    await agent.observe([{ name: `${name}-a`, stack: name }]);
    await later();
    await seed.sweep();
    expect(await agent.pending()).toEqual([]);
  });

  test('is not one that an agent keeps while it replaces another', async () => {
    const { name, agent } = await story();
    await agent.open();
    await agent.work();
    await agent.observe([
      { name: `${name}-a`, stack: name },
      { name: `${name}-a.graphium-previous`, stack: name },
    ]);
    await later();
    await seed.sweep();
    expect(await agent.pending()).toEqual([]);
  });

  test('is not one of a stack that this database never knew', async () => {
    const { agent } = await story();
    await agent.open();
    await agent.work();
    await agent.observe([{ name: 'foreign-a', stack: 'never-heard-of' }]);
    await later();
    await seed.sweep();
    expect(await agent.pending()).toEqual([]);
  });

  test('is not one of an agent that was removed and enrolled again under its name', async () => {
    const { name, agent } = await story();
    await agent.open();
    await agent.work();
    await seed.ask('mutation($n: String!) { removeAgent(name: $n, force: true) { name } }', { n: name });
    const again = await seed.agent(name);
    expect(again.id).not.toBe(agent.id);
    await again.observe([{ name: `${name}-a`, stack: name }]);
    await later();
    await seed.sweep();
    expect(await again.pending()).toEqual([]);
    // Deploying the same file again makes it part of the stack on the new agent, and deleting removes it there.
    await seed.deploy(stackFile(name, [container(`${name}-a`, name)]));
    expect(await again.work()).toEqual([`DEPLOY ${name}-a`]);
    await seed.operate('deleteStack', name);
    expect(await again.work()).toEqual([`DELETE ${name}-a`, 'CLEAN']);
  });
});
