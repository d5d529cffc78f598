import { describe, expect, test } from 'vitest';
import type { FakeAgent, Task } from '../../support/fake-agent.ts';
import { container, stackFile, useSeed } from '../../support/seed.ts';

/** PENDING -> RUNNING, and every guard that refuses it. */
const seed = useSeed();

let count = 0;
/** An agent of its own with a stack of its own, of which one PULL and one DEPLOY wait. */
async function story() {
  const name = `start${++count}`;
  const agent = await seed.agent(name);
  const { id } = await seed.deploy(stackFile(name, [container(`${name}-a`, name)]));
  const { tasks } = await seed.deployment(id);
  const pull = tasks.find((task) => task.kind === 'PULL')?.id ?? '';
  const deploy = tasks.find((task) => task.kind === 'DEPLOY')?.id ?? '';
  return { name, agent, id, pull, deploy };
}
const rowOf = async (id: string) => (await seed.sql`select * from tasks where id = ${id}`)[0] ?? {};
const startOf = async (agent: FakeAgent, id: string) => (await agent.start([id])).map((task) => task.id);
const codeOf = (result: { errors?: { extensions: { code: string } }[] }) => result.errors?.[0]?.extensions.code;

test('leases a task: RUNNING, attempt 1, under the epoch of the session', async () => {
  const { agent, pull } = await story();
  const [task] = await agent.start([pull]);
  expect(task).toMatchObject({ id: pull, kind: 'PULL', status: 'RUNNING', attempt: 1, cancelRequested: false });
  expect(await rowOf(pull)).toMatchObject({ status: 'RUNNING', attempt: 1, session_epoch: agent.epoch() });
});

test('pendingTasks has what can start and nothing else', async () => {
  const { agent, pull, deploy } = await story();
  expect((await agent.pending()).map((task) => task.id)).toEqual([pull]);
  const [task] = await agent.start([pull]);
  expect(await agent.pending()).toEqual([]);
  await agent.finish(task as Task);
  expect((await agent.pending()).map((one) => one.id)).toEqual([deploy]);
});

test('pendingTasks: by priority, then age, up to the limit', async () => {
  const { agent, name, pull } = await story();
  await seed.deploy(stackFile(`${name}-b`, [container(`${name}-b`, name)]));
  await seed.deploy(stackFile(`${name}-c`, [container(`${name}-c`, name)]));
  const byAge = (await agent.pending()).map((task) => task.stack);
  expect(byAge).toEqual([name, `${name}-b`, `${name}-c`]);
  await seed.sql`update tasks set priority = 5 where kind = 'PULL'
    and stack_id = (select id from stacks where name = ${`${name}-c`})`;
  expect((await agent.pending(2)).map((task) => task.stack)).toEqual([`${name}-c`, name]);
  expect((await agent.pending(2))[1]?.id).toBe(pull);
  for (const limit of [0, 257, -1]) await expect(agent.pending(limit)).rejects.toThrow('BAD_INPUT');
});

describe('is refused', () => {
  test("for another agent's task, which it never sees either", async () => {
    const { agent, pull } = await story();
    const other = await story();
    expect(await startOf(other.agent, pull)).toEqual([]);
    expect((await other.agent.pending()).map((task) => task.id)).not.toContain(pull);
    expect(await rowOf(pull)).toMatchObject({ status: 'PENDING', attempt: 0 });
    expect(await startOf(agent, pull)).toEqual([pull]);
  });

  test('with the epoch of a session that was replaced, or of one that never was', async () => {
    const { agent, pull } = await story();
    const old = agent.epoch();
    await agent.open();
    expect(codeOf(await agent.tryStart([pull], old))).toBe('SESSION_LOST');
    expect(codeOf(await agent.tryStart([pull], agent.epoch() + 1))).toBe('SESSION_LOST');
    expect(await rowOf(pull)).toMatchObject({ status: 'PENDING', attempt: 0 });
  });

  test('when the session has expired', async () => {
    const { agent, pull } = await story();
    await seed.expire(agent);
    expect(codeOf(await agent.tryStart([pull]))).toBe('SESSION_LOST');
    expect(await rowOf(pull)).toMatchObject({ status: 'PENDING', attempt: 0 });
  });

  test('with open blockers', async () => {
    const { agent, deploy } = await story();
    expect(await startOf(agent, deploy)).toEqual([]);
  });

  test('before not_before', async () => {
    const { agent, pull } = await story();
    await seed.sql`update tasks set not_before = now() + interval '1 hour' where id = ${pull}`;
    expect(await startOf(agent, pull)).toEqual([]);
    expect(await agent.pending()).toEqual([]);
    await seed.sql`update tasks set not_before = now() - interval '1 second' where id = ${pull}`;
    expect(await startOf(agent, pull)).toEqual([pull]);
  });

  test('with a cancel request', async () => {
    const { agent, pull } = await story();
    await seed.sql`update tasks set cancel_requested_at = now() where id = ${pull}`;
    expect(await startOf(agent, pull)).toEqual([]);
    expect(await agent.pending()).toEqual([]);
  });

  test.each(['RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'])('when it is %s already', async (status) => {
    const { agent, pull } = await story();
    await agent.start([pull]);
    if (status !== 'RUNNING') await agent.finish({ id: pull, attempt: 1 }, status);
    expect(await startOf(agent, pull)).toEqual([]);
    expect(await rowOf(pull)).toMatchObject({ status, attempt: 1 });
  });

  test('while another task works on the same container', async () => {
    const { agent, name, id, pull } = await story();
    const [task] = await agent.start([pull]);
    await agent.finish(task as Task);
    const [deploy] = await agent.start((await agent.pending()).map((one) => one.id));
    expect(deploy).toMatchObject({ kind: 'DEPLOY', containerName: `${name}-a` });
    const restart = await seed.operate('restartStack', name);
    const [next] = (await seed.deployment(restart.id)).tasks;
    expect(await startOf(agent, next?.id ?? '')).toEqual([]);
    // In the meantime it sees the previous one, which is to be cancelled.
    expect(await agent.pending()).toMatchObject([{ id: deploy?.id, status: 'RUNNING', cancelRequested: true }]);
    await agent.finish(deploy as Task, 'CANCELLED');
    expect((await seed.deployment(id)).status).toBe('SUPERSEDED');
    expect(await startOf(agent, next?.id ?? '')).toEqual([next?.id]);
  });

  test('for all but one of several for one container in one call', async () => {
    const { agent, pull, deploy } = await story();
    await seed.sql`update tasks set open_blockers = 0, container_name = 'same' where id in ${seed.sql([pull, deploy])}`;
    expect(await agent.start([pull, deploy])).toHaveLength(1);
  });

  test('of a CLEAN while anything of its stack runs on its host, and of anything while a CLEAN runs', async () => {
    const { agent, name, pull, deploy } = await story();
    await agent.work();
    const cleanOf = async () => {
      const { id } = await seed.operate('deleteStack', name);
      return (await seed.deployment(id)).tasks.find((task) => task.kind === 'CLEAN')?.id ?? '';
    };
    const clean = await cleanOf();
    await seed.sql`update tasks set open_blockers = 0 where id = ${clean}`;
    const [removal] = await agent.start((await agent.pending()).filter((t) => t.kind === 'DELETE').map((t) => t.id));
    expect(removal?.kind).toBe('DELETE');
    expect(await startOf(agent, clean)).toEqual([]);
    // In the opposite order, and both at once.
    await seed.sql`update tasks set status = 'PENDING' where id = ${removal?.id ?? ''}`;
    expect((await agent.start([clean, removal?.id ?? ''])).map((task) => task.kind)).toEqual(['DELETE']);
    await seed.sql`update tasks set status = 'PENDING' where id = ${removal?.id ?? ''}`;
    expect(await startOf(agent, clean)).toEqual([clean]);
    expect(await startOf(agent, removal?.id ?? '')).toEqual([]);
    expect([pull, deploy]).toHaveLength(2);
  });
});

describe('ids that name nothing', () => {
  test('are not given', async () => {
    const { agent } = await story();
    expect(await agent.start([])).toEqual([]);
    expect(await agent.start([crypto.randomUUID()])).toEqual([]);
  });
  test('are NOT_FOUND when they are no ids', async () => {
    const { agent } = await story();
    for (const id of ['', '1', "'; drop table tasks; --", `${crypto.randomUUID()}x`]) {
      expect(codeOf(await agent.tryStart([id]))).toBe('NOT_FOUND');
    }
  });
});

describe('the database itself', () => {
  test('allows one RUNNING task per agent and container', async () => {
    const { pull, deploy } = await story();
    const twice = seed.sql`update tasks set status = 'RUNNING', container_name = 'x' where id in ${seed.sql([pull, deploy])}`;
    await expect(twice).rejects.toMatchObject({ constraint_name: 'tasks_one_running_per_container' });
  });

  test.each(['COMPLETED', 'FAILED', 'CANCELLED'])('lets nothing change a %s task', async (status) => {
    const { pull } = await story();
    for (const next of ['RUNNING', status]) await seed.sql`update tasks set status = ${next} where id = ${pull}`;
    await expect(seed.sql`update tasks set status = 'PENDING' where id = ${pull}`).rejects.toThrow('cannot become');
    await expect(seed.sql`update tasks set phase = 'PULLING' where id = ${pull}`).rejects.toThrow('cannot become');
  });

  test('lets no attempt and no epoch decrease', async () => {
    const { agent, pull } = await story();
    await agent.start([pull]);
    await expect(seed.sql`update tasks set attempt = 0 where id = ${pull}`).rejects.toThrow('cannot decrease');
    const less = seed.sql`update agents set session_epoch = session_epoch - 1 where id = ${agent.id}`;
    await expect(less).rejects.toThrow('cannot decrease');
  });

  test('lets nobody rewrite history', async () => {
    await story();
    await expect(seed.sql`update task_events set message = 'x'`).rejects.toThrow('append-only');
    await expect(seed.sql`delete from task_events`).rejects.toThrow('append-only');
    await expect(seed.sql`delete from audit_log`).rejects.toThrow('append-only');
    await expect(seed.sql`truncate audit_log cascade`).rejects.toThrow('append-only');
    await expect(seed.sql`truncate task_events`).rejects.toThrow('append-only');
  });
});
