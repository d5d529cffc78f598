import { describe, expect, test } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import type { FakeHost } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';

/** Priorities, retries, deadlines and cancelling. */
const seed = useSeed();

let count = 0;
async function host(): Promise<{ name: string; host: FakeHost }> {
  const name = `op${++count}`;
  return { name, host: await seed.host(name) };
}
/** A stack of its own on a host; its images are there. */
async function prepared(on: FakeHost, name: string, options: Record<string, unknown> = {}) {
  const { id } = await seed.compose(composeFile(name, { web: service(on.agent.name) }), options);
  return { id, web: `${name}-web-1` };
}
const pendingOf = async ({ agent }: FakeHost) =>
  (await agent.pending()).map(({ kind, stack, priority }) => `${stack} ${kind} ${priority}`);
const cancel = (id: string) => seed.run('cancelDeployment', { id });
const rowOf = async (id: string) => (await seed.sql`select * from tasks where id = ${id}`)[0] ?? {};
const BAD = { code: 'REGISTRY', message: 'it did not answer' };

describe('priority', () => {
  test('the urgent first, then what came first; deletes before deploys', async () => {
    const { name, host: on } = await host();
    await prepared(on, `${name}-gone`);
    await on.work();
    await prepared(on, `${name}-low`, { priority: -1 });
    await prepared(on, `${name}-first`);
    await prepared(on, `${name}-second`);
    await seed.operate('deleteStack', `${name}-gone`);
    await prepared(on, `${name}-urgent`, { priority: 1 });
    // The image is there, as another container uses it.
    const [urgent, deletion, first, second, low] = await pendingOf(on);
    expect([urgent, deletion, first, second, low]).toEqual([
      `${name}-urgent DEPLOY 100`,
      `${name}-gone DELETE 20`,
      `${name}-first DEPLOY 0`,
      `${name}-second DEPLOY 0`,
      `${name}-low DEPLOY -100`,
    ]);
    expect((await on.agent.pending(1)).map(({ stack }) => stack)).toEqual([`${name}-urgent`]);
  });

  test.each([
    ['priority', -101],
    ['priority', 101],
    ['maxRetries', -1],
    ['maxRetries', 21],
    ['timeoutSeconds', 0],
    ['timeoutSeconds', 604_801],
    ['taskTimeoutSeconds', 0],
  ])('%s: %i is refused', async (option, value) => {
    const { name } = await host();
    const { code, message } = await seed.refused('deployStack', {
      source: { compose: composeFile(name, { web: service(name) }) },
      [option]: value,
    });
    expect({ code, message }).toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(`${option}: expected`),
    });
  });
});

describe('maxRetries', () => {
  test.each([0, 1, 3])('%i: so often it is tried again, and only what may pass', async (maxRetries) => {
    const { name, host: on } = await host();
    const { id } = await prepared(on, name, { maxRetries });
    for (let attempt = 1; attempt <= maxRetries + 1; attempt++) {
      await seed.sql`update tasks set not_before = null where status = 'PENDING' and agent_id = ${on.agent.id}`;
      const [pull] = await on.start();
      expect(pull?.attempt).toBe(attempt);
      await on.fail(pull, BAD, true);
    }
    expect(await seed.deployment(id)).toMatchObject({ status: 'FAILED', cause: BAD });
    expect(await on.agent.pending()).toEqual([]);
  });

  test('a failure that will not pass is not tried again', async () => {
    const { name, host: on } = await host();
    const { id } = await prepared(on, name, { maxRetries: 5 });
    await on.work({ PULL: BAD });
    expect((await seed.deployment(id)).tasks[0]).toMatchObject({ status: 'FAILED', attempt: 1, failures: 1 });
  });
});

describe('taskTimeoutSeconds', () => {
  /** A task past its limit that is running, or that waits for `before`. */
  async function late(before: (on: FakeHost, task: { id: string; attempt: number }) => unknown = () => {}) {
    const { name, host: on } = await host();
    const { id } = await prepared(on, name, { taskTimeoutSeconds: 60 });
    const [pull] = await on.start();
    if (!pull) throw new Error('nothing to start');
    await before(on, pull);
    await seed.sweep();
    expect((await seed.deployment(id)).status).toBe('RUNNING');
    await seed.sql`update tasks set started_at = now() - interval '61 seconds' where id = ${pull.id}`;
    await seed.sweep();
    return { id, on, pull };
  }
  const TIMED_OUT = { status: 'FAILED', cause: { code: 'DEADLINE_EXCEEDED' } };

  test('one that runs is asked to stop; that it did is a failure, and says what was left', async () => {
    const { id, on, pull } = await late();
    expect(await on.agent.pending()).toMatchObject([{ id: pull.id, cancelRequested: true }]);
    expect((await seed.deployment(id)).status).toBe('RUNNING');
    await on.cancel(pull);
    const deployment = await seed.deployment(id);
    expect(deployment).toMatchObject(TIMED_OUT);
    expect(deployment.tasks[0]).toMatchObject({
      status: 'FAILED',
      error: { code: 'DEADLINE_EXCEEDED', left: 'PREVIOUS' },
    });
  });

  test('one that was through after all is through', async () => {
    const { id, on, pull } = await late();
    await on.complete(pull);
    await on.work();
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
  });

  test('one whose agent is gone fails with its lease', async () => {
    const { id, on } = await late();
    await seed.expire(on.agent);
    await seed.sweep();
    expect(await seed.deployment(id)).toMatchObject(TIMED_OUT);
  });

  test('one whose agent comes back without it fails then', async () => {
    const { id, on } = await late();
    await on.agent.open();
    expect(await seed.deployment(id)).toMatchObject(TIMED_OUT);
  });

  test('one that waits to be tried again fails at once', async () => {
    const { id, on } = await late((on, task) => on.agent.finish(task, 'FAILED', { error: BAD, retryable: true }));
    expect(await seed.deployment(id)).toMatchObject(TIMED_OUT);
    expect(await on.agent.pending()).toEqual([]);
  });

  test('one that was to be cancelled anyway ends as cancelled', async () => {
    const { name, host: on } = await host();
    const { id } = await prepared(on, name, { taskTimeoutSeconds: 60 });
    const [pull] = await on.start();
    await cancel(id);
    await seed.sql`update tasks set started_at = now() - interval '61 seconds' where id = ${pull?.id ?? ''}`;
    await seed.sweep();
    await on.cancel(pull ?? { id: '', attempt: 0 });
    expect((await seed.deployment(id)).status).toBe('CANCELLED');
  });
});

describe('timeoutSeconds', () => {
  const overdue = (id: string) =>
    seed.sql`update deployments set deadline = now() - interval '1 second' where id = ${id}`;

  test('ends a first deployment as FAILED once what runs has stopped', async () => {
    const { name, host: on } = await host();
    const { id } = await prepared(on, name, { timeoutSeconds: 60 });
    expect((await seed.deployment(id)).deadline).not.toBeNull();
    const [pull] = await on.start();
    await seed.sweep();
    expect((await seed.deployment(id)).status).toBe('RUNNING');
    await overdue(id);
    await seed.sweep();
    expect(await on.agent.pending()).toMatchObject([{ id: pull?.id, cancelRequested: true }]);
    await on.cancel(pull ?? { id: '', attempt: 0 });
    expect(await seed.deployment(id)).toMatchObject({ status: 'FAILED', cause: { code: 'DEADLINE_EXCEEDED' } });
    await seed.sweep();
  });

  test.each(['ROLLBACK', 'KEEP'])('with %s, also for a host that is away', async (onFailure) => {
    const { name, host: on } = await host();
    const away = await seed.host(`${name}-away`);
    const file = (image: string) =>
      composeFile(name, { web: service(name, { image }), far: service(`${name}-away`, { image }) });
    await seed.compose(file('app:1'));
    for (const one of [on, away, on]) await one.work();
    await away.work();
    await seed.expire(away.agent);
    const { id } = await seed.compose(file('app:2'), { timeoutSeconds: 60, onFailure });
    await on.work();
    await overdue(id);
    await seed.sweep();
    await on.work();
    const deployment = await seed.deployment(id);
    const status = onFailure === 'KEEP' ? 'FAILED' : 'ROLLED_BACK';
    expect(deployment).toMatchObject({ status, cause: { code: 'DEADLINE_EXCEEDED' } });
    expect(on.get(`${name}-web-1`).image).toBe(onFailure === 'KEEP' ? 'app:2' : 'app:1');
    expect(away.get(`${name}-far-1`).image).toBe('app:1');
  });
});

describe('cancelDeployment', () => {
  test('says whether the container was left old or new', async () => {
    const { name, host: on } = await host();
    const file = (image: string) => composeFile(name, { a: service(name, { image }), b: service(name, { image }) });
    await seed.compose(file('app:1'));
    await on.work();
    const { id } = await seed.compose(file('app:2'));
    for (const pull of await on.start()) await on.complete(pull);
    const [a, b] = await on.start();
    await cancel(id);
    await on.agent.finish(a ?? { id: '', attempt: 0 }, 'CANCELLED', {
      result: { action: 'restored', left: 'PREVIOUS' },
    });
    await on.agent.finish(b ?? { id: '', attempt: 0 }, 'CANCELLED', { result: { action: 'replaced', left: 'NEW' } });
    const { status, tasks } = await seed.deployment(id);
    expect(status).toBe('CANCELLED');
    expect(tasks.filter(({ kind }) => kind === 'DEPLOY').map(({ result }) => result?.left)).toEqual([
      'PREVIOUS',
      'NEW',
    ]);
    expect((await rowOf(a?.id ?? '')).status).toBe('CANCELLED');
  });
});
