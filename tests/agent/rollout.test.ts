import { request } from 'node:http';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TaskUpdate } from '../../agent/base/outcome.ts';
import { abortAtStep } from '../support/agent/abort.ts';
import { createHost } from '../support/agent/host.ts';

const host = createHost();
const { engine, run, up, fail, specOf, name, inspect, names } = host;
const web = name('web');
const previous = `${web}.graphium-previous`;
const no = { name: 'no' as const, maximumRetryCount: 0 };
const sh = (script: string) => ({ command: ['sh', '-c', script] });
const untilStopped = 'trap "exit 0" TERM; while :; do sleep 1 & wait; done';

beforeAll(async () => {
  for (const image of [host.images.busybox, host.images.big]) {
    await up('PULL', { version: 1, image, policy: 'missing' });
  }
});

describe('start-first', () => {
  const startFirst = { order: 'start-first' as const, revision: 2 };
  const readyLater = `sleep 1; touch /ready; ${untilStopped}`;
  const test = ['CMD-SHELL', 'test -e /ready'];
  const healthCheck = { test, intervalMs: 200, timeoutMs: 2_000, retries: 50, startPeriodMs: 0 };
  const next = specOf({ ...sh(readyLater), healthCheck }, startFirst);
  const sick = specOf({ healthCheck: { ...healthCheck, retries: 3 } }, startFirst);

  /** What Docker tells of one container from here on. */
  function listenTo(id: string) {
    const heard: string[] = [];
    const ready = Promise.withResolvers<void>();
    const subscription = engine.events(({ containerId, action }) => {
      if (action === 'resync') ready.resolve();
      if (containerId === id) heard.push(action);
    });
    return { heard, ready: ready.promise, close: () => subscription.close() };
  }

  it('lets the previous one run until the new one is good', async () => {
    const first = await up('DEPLOY', specOf());
    const during: boolean[][] = [];
    const update = ({ phase, progress }: TaskUpdate) => {
      if (phase !== 'VERIFYING' || !progress) return;
      void Promise.all([inspect(web), inspect(previous)]).then((both) =>
        during.push(both.map(({ State }) => State.Running)),
      );
    };
    const outcome = await run('DEPLOY', next, { update });
    expect(outcome).toMatchObject({ status: 'COMPLETED', result: { action: 'replaced', left: 'NEW' } });
    expect(during[0]).toEqual([true, true]);
    expect(await names()).toEqual([web]);
    const now = await inspect(web);
    expect(now.Id).not.toBe(first);
    expect(now.State.Health?.Status).toBe('healthy');
  });

  it('is reached by its alias at any time', async () => {
    const networks = [host.network()];
    const serve = (text: string) =>
      `mkdir /www; echo ${text} > /www/index.html; httpd -p 80 -h /www; touch /ready; ${untilStopped}`;
    const served = (text: string) => ({
      ...sh(serve(text)),
      healthCheck,
      networks: [{ name: `${host.stack}_net`, aliases: ['web'] }],
    });
    await up('DEPLOY', specOf(served('one'), { networks }));
    // wget of the lab's static busybox breaks on names. What stops is asked once more, as any proxy does.
    const address = '$(nslookup web | sed -n "s/^Address: //p" | head -n 1)';
    const ask = `printf "GET / HTTP/1.0\\r\\n\\r\\n" | nc -w 2 ${address} 80 | grep -E "one|two"`;
    const asks = `while :; do ${ask} || { sleep 0.1; ${ask}; } || echo failed; sleep 0.05; done`;
    const client = specOf(
      {
        name: name('client'),
        service: 'client',
        ...sh(`trap "exit 0" TERM; ${asks}`),
        networks: [{ name: `${host.stack}_net`, aliases: [] }],
      },
      { networks },
    );
    const clientId = await up('DEPLOY', client);
    await up('DEPLOY', specOf(served('two'), { networks, ...startFirst }));
    const log = await vi.waitUntil(
      async () => {
        const lines = await engine.logs(clientId, false);
        return lines.filter((line) => line === 'two').length >= 5 && lines;
      },
      { timeout: 20_000, interval: 100 },
    );
    expect(log).not.toContain('failed');
  });

  it('never stops the previous one for a new one that does not get healthy', async () => {
    const first = await up('DEPLOY', specOf());
    const before = (await inspect(first)).State.StartedAt;
    const ear = listenTo(first);
    await ear.ready;
    const failure = await fail('DEPLOY', sick);
    ear.close();
    expect(failure).toMatchObject({ code: 'HEALTH_CHECK_FAILED', left: 'PREVIOUS', retryable: false });
    expect(ear.heard.filter((action) => action !== 'rename')).toEqual([]);
    expect(await names()).toEqual([web]);
    expect(await inspect(web)).toMatchObject({ Id: first, State: { Running: true, StartedAt: before } });
  });

  it.each([1, 2, 3, 4, 5])('cancelled in step %i, it was never stopped', async (count) => {
    const first = await up('DEPLOY', specOf());
    const before = (await inspect(first)).State.StartedAt;
    expect(await run('DEPLOY', next, abortAtStep(count, 'cancelled'))).toMatchObject({
      status: 'CANCELLED',
      result: { containerId: first, left: 'PREVIOUS' },
    });
    expect(await names()).toEqual([web]);
    expect(await inspect(web)).toMatchObject({ Id: first, State: { Running: true, StartedAt: before } });
  });

  it.each([1, 2, 3, 4, 5, 6, 7])('cut off after step %i, is finished by the next attempt', async (count) => {
    const first = await up('DEPLOY', specOf());
    await run('DEPLOY', next, { taskId: 'same', ...abortAtStep(count, 'abandoned') });
    const good = (await inspect(web).catch(() => undefined))?.State.Health?.Status === 'healthy';
    if (!good) expect((await inspect(first)).State.Running).toBe(true);
    expect(await run('DEPLOY', next, { taskId: 'same' })).toMatchObject({ status: 'COMPLETED' });
    expect(await names()).toEqual([web]);
    expect((await inspect(web)).Config.Labels?.['graphium.spec']).toBe(next.specHash);
    expect((await inspect(web)).State.Running).toBe(true);
  });

  it.each([3, 4, 5])(
    'cut off after step %i, and the new one is bad: the previous one was never stopped',
    async (count) => {
      const first = await up('DEPLOY', specOf());
      const before = (await inspect(first)).State.StartedAt;
      await run('DEPLOY', sick, { taskId: 'same', ...abortAtStep(count, 'abandoned') });
      expect(await fail('DEPLOY', sick, { taskId: 'same' })).toMatchObject({
        code: 'HEALTH_CHECK_FAILED',
        left: 'PREVIOUS',
      });
      expect(await names()).toEqual([web]);
      expect(await inspect(web)).toMatchObject({ Id: first, State: { Running: true, StartedAt: before } });
    },
  );
});

describe('awaiting its end', () => {
  const job = (script: string, restart: object = no) =>
    specOf({ ...sh(script), restart: { ...no, ...restart } }, { awaitExit: true });

  it('takes it for good when it has ended with 0, and does not run it again', async () => {
    const told: string[] = [];
    const update = ({ progress }: TaskUpdate) => progress?.message && told.push(progress.message);
    const id = await up('DEPLOY', job('sleep 2'), { update });
    expect(told).toContain('Waiting for it to finish: 0 s');
    const { State } = await inspect(id);
    expect(State).toMatchObject({ Status: 'exited', ExitCode: 0 });
    expect(await run('DEPLOY', job('sleep 2'))).toMatchObject({
      status: 'COMPLETED',
      result: { containerId: id, action: 'unchanged', left: 'NEW' },
    });
    expect((await inspect(id)).State.StartedAt).toBe(State.StartedAt);
  });

  it('waits for one that runs already, of another task', async () => {
    await run('DEPLOY', job('sleep 2'), abortAtStep(3, 'abandoned'));
    await up('DEPLOY', job('sleep 2'));
    expect((await inspect(web)).State).toMatchObject({ Status: 'exited', ExitCode: 0 });
  });

  it('fails when it ends otherwise', async () => {
    expect(await fail('DEPLOY', job('sleep 1; echo no; exit 3'))).toMatchObject({
      code: 'CONTAINER_EXITED',
      exitCode: 3,
      logs: ['no'],
      left: 'NONE',
      retryable: false,
    });
    expect(await names()).toEqual([]);
  });

  it('goes on waiting while Docker runs it again', async () => {
    const restart = { name: 'on-failure', maximumRetryCount: 3 };
    await up('DEPLOY', job('test -e /once && exit 0; touch /once; exit 1', restart));
    expect((await inspect(web)).State).toMatchObject({ Status: 'exited', ExitCode: 0 });
  });

  it('fails when Docker has tried often enough', async () => {
    const restart = { name: 'on-failure', maximumRetryCount: 1 };
    expect(await fail('DEPLOY', job('exit 4', restart))).toMatchObject({ code: 'CONTAINER_EXITED', exitCode: 4 });
  });

  it('fails when Docker runs it again and again', async () => {
    const failure = await fail('DEPLOY', job('exit 0', { name: 'always' }));
    expect(failure).toMatchObject({ code: 'CONTAINER_EXITED', message: expect.stringContaining('"always"') });
  });

  it('can be cancelled', async () => {
    const abort = new AbortController();
    const update = ({ progress }: TaskUpdate) => progress && setTimeout(() => abort.abort('cancelled'), 50);
    const outcome = await run('DEPLOY', job(untilStopped), { cancel: abort.signal, update });
    expect(outcome).toMatchObject({ status: 'CANCELLED', result: { left: 'NONE' } });
    expect(await names()).toEqual([]);
  });
});

describe('how long it is watched', () => {
  it('is what the task says', async () => {
    const spec = sh('sleep 1; exit 5');
    await up('DEPLOY', specOf(spec));
    expect(await fail('DEPLOY', specOf(spec, { specHash: 'other', monitorMs: 3_000 }))).toMatchObject({
      code: 'CONTAINER_EXITED',
      exitCode: 5,
    });
  });
});

describe('the image', () => {
  const moving = `graphium-test/${host.stack}:1`;
  afterEach(() => host.removeImage(moving));

  it('is followed when it is always to be pulled, and only then', async () => {
    const spec = specOf({ image: moving, pullPolicy: 'always' });
    const settled = specOf({ name: name('settled'), image: moving });
    await tag(host.images.busybox, moving);
    const first = await up('DEPLOY', spec);
    const kept = await up('DEPLOY', settled);
    expect(await up('DEPLOY', spec)).toBe(first);
    await tag(host.images.big, moving);
    const outcome = await run('DEPLOY', spec);
    expect(outcome).toMatchObject({ status: 'COMPLETED', result: { action: 'replaced', left: 'NEW' } });
    const now = await inspect(web);
    expect(now.Id).not.toBe(first);
    expect(now.Image).toBe(await engine.imageId(moving));
    expect(await up('DEPLOY', spec)).toBe(now.Id);
    expect(await up('RESTART', spec)).toBe(now.Id);
    expect(await up('DEPLOY', settled)).toBe(kept);
  });

  it.each([2, 3, 4, 5, 6])('is followed by the next attempt when cut off after step %i', async (count) => {
    const spec = specOf({ image: moving, pullPolicy: 'always' });
    await tag(host.images.busybox, moving);
    const first = await up('DEPLOY', spec);
    await tag(host.images.big, moving);
    await run('DEPLOY', spec, { taskId: 'same', ...abortAtStep(count, 'abandoned') });
    expect(await up('DEPLOY', spec, { taskId: 'same' })).not.toBe(first);
    expect(await names()).toEqual([web]);
    expect((await inspect(web)).Image).toBe(await engine.imageId(moving));
  });

  it('is never pulled when that is asked', async () => {
    const failure = await fail('DEPLOY', specOf({ image: moving, pullPolicy: 'never' }));
    expect(failure).toMatchObject({ code: 'IMAGE_MISSING', retryable: false, left: 'NONE' });
    await tag(host.images.busybox, moving);
    await up('DEPLOY', specOf({ image: moving, pullPolicy: 'never' }));
  });
});

function tag(image: string, as: string): Promise<void> {
  const [repo, tag] = as.split(':');
  const path = `/images/${image}/tag?repo=${repo}&tag=${tag}`;
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: host.at.socketPath, method: 'POST', path }, (response) =>
      response.resume().on('end', () => (response.statusCode === 201 ? resolve() : reject(new Error(`tag ${image}`)))),
    );
    sent.on('error', reject).end();
  });
}
