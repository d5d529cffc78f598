import { describe, expect, test } from 'vitest';
import type { Task } from '../../support/fake-agent.ts';
import { container, stackFile, useSeed } from '../../support/seed.ts';

/** RUNNING -> anything an agent says, and every guard that refuses it. */
const seed = useSeed();

let count = 0;
/** A PULL that runs, and a DEPLOY that waits for it. */
async function story() {
  const name = `report${++count}`;
  const agent = await seed.agent(name);
  const { id } = await seed.deploy(stackFile(name, [container(`${name}-a`, name)]));
  const [pull] = (await agent.start((await agent.pending()).map((task) => task.id))) as [Task];
  const deploy = (await seed.deployment(id)).tasks.find((task) => task.kind === 'DEPLOY')?.id ?? '';
  return { name, agent, id, pull, deploy };
}
const rowOf = async (id: string) => (await seed.sql`select * from tasks where id = ${id}`)[0] ?? {};
const codeOf = (result: { errors?: { extensions: { code: string } }[] }) => result.errors?.[0]?.extensions.code;
const running = (task: Task, sequence: number, more: object = {}) => ({
  taskId: task.id,
  attempt: task.attempt,
  sequence,
  status: 'RUNNING',
  ...more,
});

test('RUNNING: phase and progress are kept, the deadline moves on', async () => {
  const { agent, pull } = await story();
  await seed.sql`update tasks set deadline = now() + interval '1 second' where id = ${pull.id}`;
  const progress = { message: 'half', currentBytes: 5, totalBytes: 10, layers: [{ id: 'a', status: 'Downloading' }] };
  expect(await agent.report([running(pull, 1, { phase: 'PULLING', progress })])).toEqual(['ACCEPTED']);
  const row = await rowOf(pull.id);
  expect(row).toMatchObject({ status: 'RUNNING', phase: 'PULLING', report_seq: 1, progress: { message: 'half' } });
  expect(Date.parse(row.deadline)).toBeGreaterThan(Date.now() + 60_000);
  // Who was asked to stop long ago has had its time.
  await seed.sql`update tasks set cancel_requested_at = now() - interval '121 minutes' where id = ${pull.id}`;
  await agent.report([{ taskId: pull.id, attempt: pull.attempt, sequence: 100, status: 'RUNNING' }]);
  const [late] = await seed.sql`select deadline < now() as is_over from tasks where id = ${pull.id}`;
  expect(late).toEqual({ is_over: true });
  await seed.sql`update tasks set cancel_requested_at = null where id = ${pull.id}`;
});

test('COMPLETED: final, with its result; what waited for it can start', async () => {
  const { agent, pull, deploy } = await story();
  expect(await agent.finish(pull, 'COMPLETED', { result: { action: 'pulled', message: 'fresh' } })).toBe('ACCEPTED');
  const row = await rowOf(pull.id);
  expect(row).toMatchObject({ status: 'COMPLETED', result: { action: 'pulled', message: 'fresh' }, deadline: null });
  expect(row.finished_at).not.toBeNull();
  expect(await rowOf(deploy)).toMatchObject({ status: 'PENDING', open_blockers: 0 });
});

test('FAILED for good: the whole cause is kept, and what waited for it is cancelled', async () => {
  const { agent, id, pull, deploy } = await story();
  const error = { code: 'IMAGE_NOT_FOUND', message: 'no', exitCode: 3, oomKilled: true, healthLog: ['h'], logs: ['l'] };
  await agent.finish(pull, 'FAILED', { error, retryable: false });
  expect(await rowOf(pull.id)).toMatchObject({ status: 'FAILED', failures: 1, error });
  expect(await rowOf(deploy)).toMatchObject({ status: 'CANCELLED' });
  const { status, cause } = await seed.deployment(id);
  expect(status).toBe('FAILED');
  expect(cause).toMatchObject({ ...error, taskId: pull.id, agent: agent.name, containerName: null });
});

test('a failure that may pass: tried again after a back-off, up to max_failures', async () => {
  const { agent, id, pull } = await story();
  const error = { code: 'PULL_FAILED', message: 'try again' };
  for (const failures of [1, 2]) {
    expect(await agent.finish({ id: pull.id, attempt: failures }, 'FAILED', { error, retryable: true })).toBe(
      'ACCEPTED',
    );
    const row = await rowOf(pull.id);
    expect(row).toMatchObject({ status: 'PENDING', failures, attempt: failures, session_epoch: null, error });
    expect(Date.parse(row.not_before) - Date.now()).toBeLessThanOrEqual(4_000 * 2 ** (failures - 1) + 1_000);
    expect((await seed.deployment(id)).status).toBe('RUNNING');
    await seed.sql`update tasks set not_before = now() where id = ${pull.id}`;
    expect(await agent.start([pull.id])).toMatchObject([{ attempt: failures + 1 }]);
  }
  await agent.finish({ id: pull.id, attempt: 3 }, 'FAILED', { error, retryable: true });
  expect(await rowOf(pull.id)).toMatchObject({ status: 'FAILED', failures: 3 });
  expect((await seed.deployment(id)).status).toBe('FAILED');
});

test('a failure that may pass is not tried again once it is to be cancelled', async () => {
  const { agent, id, pull } = await story();
  await seed.ask('mutation($id: ID!) { cancelDeployment(id: $id) { id } }', { id });
  await agent.finish(pull, 'FAILED', { error: { code: 'X', message: 'x' }, retryable: true });
  expect(await rowOf(pull.id)).toMatchObject({ status: 'FAILED' });
});

test('CANCELLED: says where it stopped', async () => {
  const { agent, pull } = await story();
  await agent.finish(pull, 'CANCELLED', { result: { action: 'kept', message: 'the old one runs' } });
  expect(await rowOf(pull.id)).toMatchObject({ status: 'CANCELLED', result: { message: 'the old one runs' } });
});

test('events tell every move, in order', async () => {
  const { agent, pull } = await story();
  await agent.report([running(pull, 1, { phase: 'PULLING' }), running(pull, 2, { phase: 'PULLING' })]);
  await agent.finish(pull);
  const { task } = await seed.ask<{ task: { events: { status: string; phase: string | null }[] } }>(
    'query($id: ID!) { task(id: $id) { events { status phase attempt message at } } }',
    { id: pull.id },
  );
  const moves = task.events.map(({ status, phase }) => (phase ? `${status} ${phase}` : status));
  expect(moves[0]).toBe('PENDING');
  expect(moves[1]).toBe('RUNNING');
  expect(moves).toContain('RUNNING PULLING');
  expect(moves.at(-1)).toBe('COMPLETED');
});

describe('is stale and changes nothing', () => {
  test('an attempt that no longer holds the task', async () => {
    const { agent, pull } = await story();
    await seed.expire(agent);
    await seed.sweep();
    await agent.open();
    expect(await agent.start([pull.id])).toMatchObject([{ attempt: 2 }]);
    expect(await agent.finish({ id: pull.id, attempt: 1 })).toBe('STALE');
    expect(await agent.finish({ id: pull.id, attempt: 3 })).toBe('STALE');
    expect(await rowOf(pull.id)).toMatchObject({ status: 'RUNNING', attempt: 2 });
    expect(await agent.finish({ id: pull.id, attempt: 2 })).toBe('ACCEPTED');
  });

  test('a sequence that did not rise', async () => {
    const { agent, pull } = await story();
    expect(await agent.report([running(pull, 5, { phase: 'PULLING' })])).toEqual(['ACCEPTED']);
    expect(await agent.report([running(pull, 5), running(pull, 4), running(pull, 0)])).toEqual(Array(3).fill('STALE'));
    expect(await rowOf(pull.id)).toMatchObject({ phase: 'PULLING', report_seq: 5 });
    expect(await agent.report([running(pull, 6)])).toEqual(['ACCEPTED']);
  });

  test('the same final report a second time, and any other after it', async () => {
    const { agent, pull } = await story();
    expect(await agent.finish(pull)).toBe('ACCEPTED');
    const before = await rowOf(pull.id);
    expect(await agent.finish(pull)).toBe('STALE');
    expect(await agent.finish(pull, 'FAILED', { sequence: 900, error: { code: 'X', message: 'x' } })).toBe('STALE');
    expect(await rowOf(pull.id)).toEqual(before);
  });

  test('a task that was never started', async () => {
    const { agent, deploy } = await story();
    expect(await agent.finish({ id: deploy, attempt: 0 })).toBe('STALE');
    expect(await rowOf(deploy)).toMatchObject({ status: 'PENDING' });
  });

  test('of several reports of one task in a batch the newest counts', async () => {
    const { agent, pull } = await story();
    const phases = ['PREPARING', 'PULLING', 'VERIFYING'];
    const reports = [1, 3, 2].map((n) => running(pull, n, { phase: phases[n - 1] }));
    expect(await agent.report(reports)).toEqual(Array(3).fill('ACCEPTED'));
    expect(await rowOf(pull.id)).toMatchObject({ phase: 'VERIFYING', report_seq: 3 });
  });

  test('one report of a batch does not spoil the others', async () => {
    const { agent, pull } = await story();
    expect(await agent.report([running(pull, 1), { ...running(pull, 2), attempt: 7 }, running(pull, 3)])).toEqual([
      'ACCEPTED',
      'STALE',
      'ACCEPTED',
    ]);
  });
});

describe('is refused', () => {
  test("for another agent's task: NOT_FOUND, and nothing of the batch counts", async () => {
    const { agent, pull } = await story();
    const other = await story();
    const result = await agent.tryReport([running(pull, 1, { phase: 'PULLING' }), running(other.pull, 1)]);
    expect(codeOf(result)).toBe('NOT_FOUND');
    expect(await rowOf(pull.id)).toMatchObject({ phase: null, report_seq: 0 });
    expect(await rowOf(other.pull.id)).toMatchObject({ report_seq: 0 });
    const missing = await agent.tryReport([{ ...running(pull, 1), taskId: crypto.randomUUID() }]);
    const foreign = await agent.tryReport([running(other.pull, 1)]);
    // Nothing tells a foreign id from one that does not exist.
    expect(codeOf(missing)).toBe(codeOf(foreign));
  });

  test('under an old epoch, or when the session has expired', async () => {
    const { agent, pull } = await story();
    const old = agent.epoch();
    await seed.expire(agent);
    expect(codeOf(await agent.tryReport([running(pull, 1)]))).toBe('SESSION_LOST');
    await agent.open({ running: [{ taskId: pull.id, attempt: 1 }] });
    expect(codeOf(await agent.tryReport([running(pull, 1)], old))).toBe('SESSION_LOST');
    expect(await rowOf(pull.id)).toMatchObject({ report_seq: 0 });
  });

  test('as PENDING', async () => {
    const { agent, pull } = await story();
    expect(codeOf(await agent.tryReport([{ ...running(pull, 1), status: 'PENDING' }]))).toBe('BAD_INPUT');
  });
});

test('log lines of any bytes are accepted: a report must never be refused for what a container printed', async () => {
  const { agent, pull } = await story();
  const odd = 'a\u0000b\ud800c';
  const error = { code: 'EXITED', message: odd, logs: [odd], healthLog: [odd] };
  expect(await agent.report([running(pull, 1, { progress: { message: odd } })])).toEqual(['ACCEPTED']);
  expect(await agent.finish(pull, 'FAILED', { error })).toBe('ACCEPTED');
  const { error: kept } = await rowOf(pull.id);
  expect(kept.logs[0]).toMatch(/^a.?b.c$/);
});

test('ends of one deployment that come at the same moment: what is wrong with one fails that one alone', async () => {
  const names = Array.from({ length: 6 }, (_, n) => `crowd${n}`);
  const agents = await Promise.all(names.map((name) => seed.agent(name)));
  const file = stackFile(
    'crowd',
    names.map((name) => container(`${name}-a`, name)),
  );
  const { id } = await seed.deploy(file);
  const pulls = await Promise.all(
    agents.map(async (agent) => (await agent.start((await agent.pending()).map((task) => task.id)))[0] as Task),
  );
  const ends = (pull: Task | undefined) => [
    { taskId: pull?.id ?? '', attempt: 1, sequence: 9, status: 'COMPLETED', result: { action: 'pulled' } },
  ];
  const answers = await Promise.all([
    ...agents.slice(0, 4).map((agent, n) => agent.tryReport(ends(pulls[n]))),
    agents[4]?.tryReport(ends(pulls[4]), 99),
    // The task of another agent.
    agents[5]?.tryReport(ends(pulls[0])),
    // The same a second time: one of them counts.
    agents[0]?.tryReport(ends(pulls[0])),
  ]);
  const outcomes = answers.map((answer) => answer?.errors?.[0]?.extensions.code ?? answer?.data?.reportTasks);
  const accepted = (n: number, outcome = 'ACCEPTED') => [{ taskId: pulls[n]?.id, outcome }];
  expect(outcomes.slice(1, 6)).toEqual([accepted(1), accepted(2), accepted(3), 'SESSION_LOST', 'NOT_FOUND']);
  expect([outcomes[0], outcomes[6]]).toEqual(expect.arrayContaining([accepted(0), accepted(0, 'STALE')]));
  const { tasks } = await seed.deployment(id);
  const statuses = tasks.filter(({ kind }) => kind === 'PULL').map(({ status }) => status);
  expect(statuses.toSorted()).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED', 'COMPLETED', 'RUNNING', 'RUNNING']);
  const events = await seed.sql`
    select e.task_id from task_events e join tasks t on t.id = e.task_id
    where t.deployment_id = ${id} and e.status = 'COMPLETED'`;
  expect(events).toHaveLength(4);
});

test('what no honest agent would say is cut, and says so', async () => {
  const { agent, id, pull } = await story();
  const long = 'x'.repeat(200_000);
  const error = { code: 'IMAGE_NOT_FOUND', message: long, logs: Array.from({ length: 5_000 }, (_, n) => `line ${n}`) };
  expect(await agent.finish(pull, 'FAILED', { error, retryable: false })).toBe('ACCEPTED');
  const { cause } = await seed.deployment(id);
  expect(cause?.message.length).toBeLessThan(8_100);
  expect(cause?.message).toMatch(/^x+… \(cut: it has 200000 characters\)$/);
  expect(cause?.logs).toHaveLength(500);
  expect(cause?.logs).toEqual(expect.arrayContaining(['line 4500', 'line 4999']));
});
