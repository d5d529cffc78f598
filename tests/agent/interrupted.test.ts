import { beforeAll, describe, expect, it } from 'vitest';
import { abortAtStep } from '../support/agent/abort.ts';
import { createHost } from '../support/agent/host.ts';

const host = createHost();
const { engine, run, up, specOf, name, inspect, names } = host;
const web = name('web');
const next = specOf({ environment: { NEXT: '1' } }, { revision: 2 });
const unhealthy = { test: ['CMD', 'false'], intervalMs: 60_000, timeoutMs: 1_000, retries: 3, startPeriodMs: 0 };

beforeAll(async () => {
  await up('PULL', { version: 1, image: host.images.busybox, policy: 'missing' });
});

describe('a replacement that is cut off', () => {
  it.each([1, 2, 3, 4, 5, 6, 7])('after step %i is finished by the next attempt', async (count) => {
    const first = await up('DEPLOY', specOf());
    await run('DEPLOY', next, { taskId: 'same', ...abortAtStep(count, 'abandoned') });
    expect(await run('DEPLOY', next, { taskId: 'same' })).toMatchObject({ status: 'COMPLETED' });
    expect(await names()).toEqual([web]);
    const now = await inspect(web);
    expect(now.Id).not.toBe(first);
    expect(now.State.Running).toBe(true);
    expect(now.Config.Labels?.['graphium.spec']).toBe(next.specHash);
  });

  it.each([2, 3, 4, 5])('after step %i, and whose successor is bad, leaves the previous one running', async (count) => {
    const first = await up('DEPLOY', specOf());
    const bad = specOf({ command: ['sh', '-c', 'exit 3'] }, { revision: 2 });
    await run('DEPLOY', bad, { taskId: 'same', ...abortAtStep(count, 'abandoned') });
    expect(await run('DEPLOY', bad, { taskId: 'same' })).toMatchObject({
      status: 'FAILED',
      error: { code: 'CONTAINER_EXITED' },
    });
    expect(await names()).toEqual([web]);
    expect(await inspect(web)).toMatchObject({ Id: first, State: { Running: true } });
  });

  it('with both running, as after a restart of Docker', async () => {
    const first = await up('DEPLOY', specOf());
    await engine.renameContainer(first, `${web}.graphium-previous`);
    await run('DEPLOY', next, abortAtStep(4, 'abandoned'));
    await engine.startContainer(first);
    await up('DEPLOY', next);
    expect(await names()).toEqual([web]);
    expect((await inspect(web)).Id).not.toBe(first);
  });
});

describe('a task that is cancelled', () => {
  it.each([1, 2, 3, 4, 5])('in step %i of a replacement leaves the previous one running', async (count) => {
    const first = await up('DEPLOY', specOf());
    const outcome = await run('DEPLOY', next, abortAtStep(count, 'cancelled'));
    expect(outcome).toMatchObject({ status: 'CANCELLED', result: { containerId: first } });
    expect(await names()).toEqual([web]);
    expect(await inspect(web)).toMatchObject({ Id: first, State: { Running: true } });
  });

  it('while it waits for health, at once, brings the previous one back', async () => {
    const first = await up('DEPLOY', specOf());
    const abort = new AbortController();
    const waiting = run('DEPLOY', specOf({ healthCheck: unhealthy }, { revision: 2 }), {
      cancel: abort.signal,
      update: ({ phase, progress }) =>
        phase === 'VERIFYING' && progress && setTimeout(() => abort.abort('cancelled'), 50),
    });
    expect(await waiting).toMatchObject({ status: 'CANCELLED', result: { action: 'restored', containerId: first } });
    expect(await inspect(web)).toMatchObject({ Id: first, State: { Running: true } });
  });

  it('leaves nothing of what was new', async () => {
    expect(await run('DEPLOY', specOf(), abortAtStep(4, 'cancelled'))).toMatchObject({
      status: 'CANCELLED',
      result: { action: 'absent' },
    });
    expect(await names()).toEqual([]);
  });

  it('in the middle of a restart leaves it running', async () => {
    const id = await up('DEPLOY', specOf());
    expect(await run('RESTART', specOf(), abortAtStep(1, 'cancelled'))).toMatchObject({ status: 'CANCELLED' });
    expect(await inspect(web)).toMatchObject({ Id: id, State: { Running: true } });
  });

  it('before it began changes nothing', async () => {
    const id = await up('DEPLOY', specOf());
    const cancel = AbortSignal.abort('cancelled');
    for (const kind of ['STOP', 'DELETE'] as const) {
      expect(await run(kind, { version: 1 }, { cancel })).toMatchObject({ status: 'CANCELLED' });
    }
    expect(await run('DEPLOY', next, { cancel })).toMatchObject({
      status: 'CANCELLED',
      result: { action: 'unchanged', containerId: id },
    });
    expect(await inspect(web)).toMatchObject({ Id: id, State: { Running: true } });
  });
});
