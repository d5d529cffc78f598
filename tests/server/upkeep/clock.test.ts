import { expect, test, vi } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import { useSeed } from '../../support/seed.ts';
import { imagesOf, startTwoHosts } from '../../support/two-hosts.ts';

/** What a living server does at its time, without waiting for the sweep that comes every 5 s. */
const seed = useSeed({ sweeper: true });

test('a pause between two groups ends on time', async () => {
  const host = await seed.host('pause');
  const file = (image: string) => {
    const deploy = { ...service('pause').deploy, replicas: 4, update_config: { parallelism: 1, delay: '400ms' } };
    return composeFile('pause', { web: service('pause', { image, deploy }) });
  };
  await seed.compose(file('app:1'));
  await host.work();
  const wire = await host.agent.connect();
  const stream = host.agent.stream(wire);
  await stream.next();
  await seed.compose(file('app:2'));
  const times: number[] = [];
  for (let done = 0; done < 5; ) {
    const tasks = (await stream.next())?.data?.pendingTasks ?? [];
    const started = await host.agent.start(tasks.map(({ id }) => id));
    for (const task of started) await host.complete(task);
    if (started.length > 0) times.push(performance.now());
    done += started.length;
  }
  const pauses = times.slice(2).map((time, index) => time - (times[index + 1] ?? 0));
  expect(pauses).toHaveLength(3);
  // One of them may coincide with a sweep, but not all of them.
  for (const pause of pauses) expect(pause).toBeGreaterThan(350);
  expect(Math.max(...pauses)).toBeLessThan(2_500);
});

test('a retry is given out when its time has come', async () => {
  const host = await seed.host('retry');
  await seed.compose(composeFile('retry', { web: service('retry') }));
  const wire = await host.agent.connect();
  const stream = host.agent.stream(wire);
  const next = async () => {
    for (;;) {
      const tasks = (await stream.next())?.data?.pendingTasks ?? [];
      const [task] = await host.agent.start(tasks.map(({ id }) => id));
      if (task) return task;
    }
  };
  const first = await next();
  const failedAt = performance.now();
  await host.fail(first, { code: 'REGISTRY', message: 'try again' }, true);
  expect(await next()).toMatchObject({ id: first.id, attempt: 2 });
  // At most 4 s of back-off.
  expect(performance.now() - failedAt).toBeLessThan(6_000);
});

test('the rollback begins at once', async () => {
  const { hosts, file, names } = await startTwoHosts(seed, 'clock');
  const { id } = await seed.compose(file('app:2'));
  const failedAt = performance.now();
  const bad = { [names.b]: { code: 'UNHEALTHY', message: 'bad' } };
  await vi.waitFor(
    async () => {
      for (const host of hosts) await host.work((await seed.deployment(id)).rollbackRevision === null ? bad : {});
      expect((await seed.deployment(id)).status).toBe('ROLLED_BACK');
    },
    { timeout: 10_000, interval: 20 },
  );
  expect(performance.now() - failedAt).toBeLessThan(4_000);
  expect(imagesOf(hosts)).toEqual(['app:1', 'app:1']);
});
