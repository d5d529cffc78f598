import { expect, test, vi } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import type { FakeHost } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';

/** Failures, ways back and what people do meanwhile, all at the same time. */
const seed = useSeed({ sweeper: true });

const range = (n: number) => Array.from({ length: n }, (_, index) => index);
/** The same numbers in every run. */
function random(seedNumber: number) {
  let state = seedNumber;
  return (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

/** That deployment, or all of them. */
const ended = (id: string | null = null) =>
  vi.waitFor(
    async () =>
      expect(
        await seed.sql`select id from deployments where finished_at is null and (${id}::uuid is null or id = ${id})`,
      ).toEqual([]),
    { timeout: 20_000, interval: 30 },
  );

test('everything ends with a verdict, no deadlock, no error, and hosts have what was wanted last', async () => {
  const hosts = [await seed.host('race-a'), await seed.host('race-b')] as const;
  const file = (stack: string, n: number) =>
    composeFile(stack, {
      a: service('race-a', { image: `app:${n}` }),
      b: service('race-b', { image: `app:${n}`, depends_on: { a: { condition: 'service_started' } } }),
      c: service('race-b', { environment: { N: `${n}` } }),
    });
  let stop = false;
  async function work(host: FakeHost, dice: (below: number) => number) {
    while (!stop) {
      for (const task of await host.agent.pending()) if (task.cancelRequested) await host.cancel(task);
      for (const task of await host.start()) {
        if (dice(3) === 0) {
          await host.agent.report([
            { taskId: task.id, attempt: task.attempt, sequence: 1, status: 'RUNNING', phase: 'VERIFYING' },
          ]);
        }
        await (dice(5) === 0 ? host.fail(task, {}, dice(2) === 0) : host.complete(task));
      }
    }
  }
  const stacks = ['race-one', 'race-two', 'race-quiet'];
  for (const stack of stacks) {
    await seed.compose(file(stack, 1));
    for (const _ of range(3)) for (const host of hosts) await host.work();
  }
  const working = hosts.map((host, index) => work(host, random(index + 1)));
  const users = range(3).map(async (user) => {
    const dice = random(100 + user);
    for (const n of range(10)) {
      const name = stacks[dice(2)] ?? '';
      const act = dice(8);
      if (act < 3) {
        const { id } = await seed.compose(file(name, 10 + dice(4)), { maxRetries: 1 });
        if (act < 2) await ended(id);
      } else if (act === 3) await seed.try(`mutation { rollbackStack(name: "${name}") { id } }`);
      else if (act === 4)
        await seed.try(`mutation { scaleStack(name: "${name}", service: "c", replicas: ${n % 3}) { id } }`);
      else if (act === 5) await seed.try(`mutation { repairStack(name: "${name}") { id } }`);
      else if (act === 6) await seed.try(`mutation { stopStack(name: "${name}") { id } }`);
      else {
        const latest = await seed.sql`select id from deployments where finished_at is null order by random() limit 1`;
        if (latest[0]) await seed.try(`mutation { cancelDeployment(id: "${latest[0].id}") { id } }`);
      }
    }
  });
  // Nobody else deploys this one, so that its failures are rolled back.
  const quiet = async () => {
    for (const n of range(10)) await ended((await seed.compose(file('race-quiet', 20 + n), { maxRetries: 0 })).id);
  };
  await Promise.all([...users, quiet()]);
  await ended();
  stop = true;
  await Promise.all(working);
  expect(await seed.sql`select id from tasks where status in ('PENDING', 'RUNNING')`).toEqual([]);
  for (const stack of stacks) {
    const last = await seed.compose(file(stack, 99));
    for (const _ of range(4)) for (const host of hosts) await host.work();
    expect((await seed.deployment(last.id)).status).toBe('SUCCEEDED');
    for (const name of [`${stack}-a-1`, `${stack}-b-1`]) {
      const image = hosts.map((host) => host.containers.get(name)?.image).find((found) => found !== undefined);
      expect(image).toBe('app:99');
    }
    const { stack: seen } = await seed.ask<{ stack: { state: string; drift: object[] } }>(
      `{ stack(name: "${stack}") { state drift { kind containerName } } }`,
    );
    expect(seen).toEqual({ state: 'RUNNING', drift: [] });
  }
  const verdicts = await seed.sql<{ status: string }[]>`select distinct status from deployments order by 1`;
  expect(verdicts.map(({ status }) => status)).toEqual(
    expect.arrayContaining(['ROLLED_BACK', 'SUCCEEDED', 'SUPERSEDED']),
  );
  await seed.sql`select pg_stat_force_next_flush()`;
  const [row] = await seed.sql`select deadlocks::int as n from pg_stat_database where datname = current_database()`;
  expect(row?.n).toBe(0);
  expect(seed.logged.filter((line) => Number(line.level) >= 40)).toEqual([]);
}, 60_000);
