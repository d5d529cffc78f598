import { expect, test, vi } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import type { FakeHost } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';

/** Deployments fail, are rolled back and are replaced by other users, all at the same time. */
const seed = useSeed({ sweeper: true });

const CONTESTED = ['race-one', 'race-two'];
/** Only one user deploys this stack, so that its failures are rolled back. */
const QUIET = 'race-quiet';
const STACKS = [...CONTESTED, QUIET];

type Dice = (below: number) => number;

const range = (n: number) => Array.from({ length: n }, (_, index) => index);

/** Rolls the same numbers in every run. */
function createDice(seedNumber: number): Dice {
  let state = seedNumber;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

const fileOf = (stack: string, n: number) =>
  composeFile(stack, {
    a: service('race-a', { image: `app:${n}` }),
    b: service('race-b', { image: `app:${n}`, depends_on: { a: { condition: 'service_started' } } }),
    c: service('race-b', { environment: { N: `${n}` } }),
  });

/** Waits until that deployment, or every deployment, has ended. */
const ended = (id: string | null = null) =>
  vi.waitFor(
    async () =>
      expect(
        await seed.sql`select id from deployments where finished_at is null and (${id}::uuid is null or id = ${id})`,
      ).toEqual([]),
    { timeout: 20_000, interval: 30 },
  );

/** Completes most of the tasks and lets the others fail, half of them for good. */
async function workUntil(isOver: () => boolean, host: FakeHost, dice: Dice): Promise<void> {
  while (!isOver()) {
    await host.obeyCancels();
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

type Act = (name: string, turn: number, dice: Dice) => Promise<unknown>;

const deploy = (name: string, dice: Dice) => seed.compose(fileOf(name, 10 + dice(4)), { maxRetries: 1 });

const deployAndWait: Act = async (name, _turn, dice) => ended((await deploy(name, dice)).id);

async function cancelAny(): Promise<void> {
  const [found] = await seed.sql`select id from deployments where finished_at is null order by random() limit 1`;
  if (found) await seed.try(`mutation { cancelDeployment(id: "${found.id}") { id } }`);
}

/** What users do to a stack, each as likely as the others. */
const ACTS: readonly Act[] = [
  deployAndWait,
  deployAndWait,
  (name, _turn, dice) => deploy(name, dice),
  (name) => seed.try(`mutation { rollbackStack(name: "${name}") { id } }`),
  (name, turn) => seed.try(`mutation { scaleStack(name: "${name}", service: "c", replicas: ${turn % 3}) { id } }`),
  (name) => seed.try(`mutation { repairStack(name: "${name}") { id } }`),
  (name) => seed.try(`mutation { stopStack(name: "${name}") { id } }`),
  cancelAny,
];

async function actAsUser(user: number): Promise<void> {
  const dice = createDice(100 + user);
  for (const turn of range(10)) {
    const name = CONTESTED[dice(CONTESTED.length)] ?? '';
    await ACTS[dice(ACTS.length)]?.(name, turn, dice);
  }
}

async function deployQuietly(): Promise<void> {
  for (const n of range(10)) await ended((await seed.compose(fileOf(QUIET, 20 + n), { maxRetries: 0 })).id);
}

/** Expects that the stack can be deployed and that its containers are what that deployment wanted. */
async function expectDeployable(stack: string, hosts: readonly FakeHost[]): Promise<void> {
  const last = await seed.compose(fileOf(stack, 99));
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

async function expectAllVerdicts(): Promise<void> {
  const verdicts = await seed.sql<{ status: string }[]>`select distinct status from deployments order by 1`;
  expect(verdicts.map(({ status }) => status)).toEqual(
    expect.arrayContaining(['ROLLED_BACK', 'SUCCEEDED', 'SUPERSEDED']),
  );
}

async function expectNoDeadlock(): Promise<void> {
  await seed.sql`select pg_stat_force_next_flush()`;
  const [row] = await seed.sql`select deadlocks::int as n from pg_stat_database where datname = current_database()`;
  expect(row?.n).toBe(0);
}

test('everything ends with a verdict, no deadlock, no error, and hosts have what was wanted last', async () => {
  const hosts = [await seed.host('race-a'), await seed.host('race-b')] as const;
  for (const stack of STACKS) {
    await seed.compose(fileOf(stack, 1));
    for (const _ of range(3)) for (const host of hosts) await host.work();
  }
  let isOver = false;
  const working = hosts.map((host, index) => workUntil(() => isOver, host, createDice(index + 1)));
  await Promise.all([...range(3).map(actAsUser), deployQuietly()]);
  await ended();
  isOver = true;
  await Promise.all(working);
  expect(await seed.sql`select id from tasks where status in ('PENDING', 'RUNNING')`).toEqual([]);
  for (const stack of STACKS) await expectDeployable(stack, hosts);
  await expectAllVerdicts();
  await expectNoDeadlock();
  expect(seed.logged.filter((line) => Number(line.level) >= 40)).toEqual([]);
}, 60_000);
