import { afterEach, expect, test } from 'vitest';
import { until } from '../support/agents.ts';
import { restartDockerd } from '../support/dockerd.ts';
import { getLab } from '../support/lab.ts';
import { registryOf } from '../support/registry.ts';
import { stackFile } from '../support/stack-file.ts';
import { useWorld } from '../support/world.ts';

const HOSTS = ['localhost-docker', 'vm1', 'vm2'] as const;
const world = useWorld();

afterEach(async () => {
  const broken = await world.sql`
    select t.kind, t.status, count(e.id)::int as ends from tasks t
    left join task_events e on e.task_id = t.id and e.status in ('COMPLETED', 'FAILED', 'CANCELLED')
    group by t.id having count(e.id) <> (t.status in ('COMPLETED', 'FAILED', 'CANCELLED'))::int`;
  expect(broken, 'every task has exactly one end').toEqual([]);
});

/** Expects that nothing failed, not even an attempt. */
async function succeed(id: string) {
  const deployment = await world.finish(id, 90_000);
  expect(deployment).toMatchObject({ status: 'SUCCEEDED', cause: null });
  expect(deployment.tasks.map(({ status, failures }) => `${status} ${failures}`)).toEqual(
    deployment.tasks.map(() => 'COMPLETED 0'),
  );
  return deployment;
}

const countOf = (id: string, status: string) => async () =>
  (await world.sql`select 1 from tasks where deployment_id = ${id} and status = ${status}`).length;

/** A phase may be over before it is seen; then it is enough that the deployment is over. */
const inPhase = (id: string, phase: string) =>
  until(
    () => world.sql`select 1 from task_events e join tasks t on t.id = e.task_id join deployments d on d.id = t.deployment_id
      where d.id = ${id} and (e.phase = ${phase} or d.finished_at is not null)`,
    (rows) => rows.length > 0,
    { intervalMs: 10, what: `a task in phase ${phase}` },
  );

const namesOf = async (host: string, stack: string) =>
  (await world.containers(host, stack)).map(({ Name, State }) => `${Name} ${State.Status}`);

/** Ten containers on each host, with published ports that count up from the first one, if it is given. */
const thirty = (stack: string, firstPort: number | null, version = '1') =>
  stackFile(
    stack,
    Array.from({ length: 30 }, (_, index) => ({
      name: `${stack}-${index}`,
      host: HOSTS[index % 3] ?? 'vm1',
      environment: { VERSION: version },
      ...(firstPort && { ports: [{ containerPort: 80, hostPort: firstPort + index }] }),
    })),
  );

async function expectThirty(stack: string) {
  const found = (await Promise.all(HOSTS.map((host) => namesOf(host, stack)))).flat();
  const wanted = Array.from({ length: 30 }, (_, index) => `/${stack}-${index} running`);
  expect(found.toSorted()).toEqual(wanted.toSorted());
}

const remove = async (stack: string) => succeed(await world.operate('deleteStack', stack));

async function createdSince(seconds: number, stack: string) {
  const names = new Set<string>();
  const sockets = new Map(HOSTS.map((host) => [world.host(host).socketPath, host]));
  let count = 0;
  for (const host of sockets.values()) {
    const filters = { type: ['container'], event: ['create'], label: [`graphium.stack=${stack}`] };
    const until = Math.ceil(Date.now() / 1000);
    const stream = await world.engine(host).getEvents({ since: seconds, until, filters: JSON.stringify(filters) });
    let text = '';
    for await (const chunk of stream) text += chunk;
    for (const line of text.split('\n').filter(Boolean)) {
      names.add(JSON.parse(line).Actor.Attributes.name);
      count += 1;
    }
  }
  return { count, names: names.size };
}

test('an agent killed in the middle of a pull pulls again', async () => {
  const registry = registryOf(world.lab);
  const { big } = world.lab.images;
  const forget = () => world.engine('vm1').getImage(big).remove({ force: true });
  await forget().catch(() => {});
  registry.slowDown();
  try {
    const id = await world.deploy(stackFile('pulled', [{ name: 'pulled-1', host: 'vm1', image: big }]));
    await until(
      () => world.sql`select 1 from tasks where deployment_id = ${id} and (progress ->> 'currentBytes')::bigint > 0`,
      (rows) => rows.length > 0,
      { intervalMs: 20, what: 'the first bytes' },
    );
    await world.agent('vm1').kill();
    world.agent('vm1').start();
    registry.resume();
    const { tasks } = await succeed(id);
    expect(tasks.map(({ kind, attempt }) => [kind, attempt])).toEqual([
      ['PULL', 2],
      ['DEPLOY', 1],
    ]);
  } finally {
    registry.resume();
  }
  await remove('pulled');
  await forget();
});

test('an agent killed while it makes, replaces and checks containers ends with exactly those wanted', async () => {
  const version = (number: string) =>
    stackFile(
      'torn',
      ['a', 'b', 'c'].map((letter) => ({
        name: `torn-${letter}`,
        host: 'vm1',
        environment: { VERSION: number },
        healthCheck: { command: 'test $(($(date +%s) - $(stat -c %Y /proc/1))) -ge 1', interval: 0.5, retries: 9 },
      })),
    );
  for (const [number, phase] of [
    ['1', 'CREATING'],
    ['2', 'STARTING'],
    ['3', 'VERIFYING'],
    ['4', 'STOPPING'],
    ['5', 'REMOVING'],
  ] as const) {
    const id = await world.deploy(version(number));
    await inPhase(id, phase);
    await world.agent('vm1').kill();
    world.agent('vm1').start();
    await succeed(id);
    expect(await namesOf('vm1', 'torn')).toEqual(['/torn-a running', '/torn-b running', '/torn-c running']);
    for (const { Config } of await world.containers('vm1', 'torn')) expect(Config.Env).toContain(`VERSION=${number}`);
  }
  const id = await world.operate('deleteStack', 'torn');
  await until(countOf(id, 'RUNNING'), (count) => count > 0, { intervalMs: 5, what: 'a deletion under way' });
  await world.agent('vm1').kill();
  world.agent('vm1').start();
  await succeed(id);
  expect(await namesOf('vm1', 'torn')).toEqual([]);
});

test('a server killed in the middle of a deployment of thirty: nothing fails, nothing is made twice', async () => {
  const since = Math.floor(Date.now() / 1000);
  const id = await world.deploy(thirty('masses', 21_000));
  const heard = new Map(HOSTS.map((host) => [host, world.agent(host).output().length]));
  await until(countOf(id, 'COMPLETED'), (count) => count >= 4, { intervalMs: 20 });
  await world.server.kill();
  // Long enough for every agent to have noticed.
  await until(
    async () => HOSTS.filter((host) => !world.agent(host).output().slice(heard.get(host)).includes('no session with')),
    (missing) => missing.length === 0,
    { what: 'agents without a server' },
  );
  await world.server.start();
  const { tasks } = await succeed(id);
  expect(tasks.filter(({ attempt }) => attempt > 1)).toEqual([]);
  await expectThirty('masses');
  expect(await createdSince(since, 'masses')).toEqual({ count: 30, names: 30 });

  const deletion = await world.operate('deleteStack', 'masses');
  await until(countOf(deletion, 'COMPLETED'), (count) => count >= 4, { intervalMs: 20 });
  await world.server.kill();
  await world.server.start();
  await succeed(deletion);
  for (const host of HOSTS) expect(await namesOf(host, 'masses')).toEqual([]);
});

test('Postgres that cuts every connection, again and again', async () => {
  const id = await world.deploy(thirty('cut', 22_000));
  const completed = () => countOf(id, 'COMPLETED')().catch(() => 0);
  for (let round = 0; round < 4; round++) {
    const before = await completed();
    await until(completed, (count) => count > before, { intervalMs: 20, what: 'another task' });
    await world.sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`.catch(() => {});
  }
  // Requests that were in progress are answered with UNAVAILABLE, which means that one should ask again.
  await until(
    () => world.deployment(id).catch(() => undefined),
    (deployment) => deployment !== undefined && deployment.status !== 'RUNNING',
    { timeoutMs: 90_000 },
  );
  await succeed(id);
  await expectThirty('cut');
  await remove('cut');
});

test.runIf(getLab().mode === 'lab')('an engine that restarts in the middle of it', async () => {
  // No ports: one that Docker was just about to publish stays allocated in a restarted dockerd, whoever uses it.
  const id = await world.deploy(thirty('shaken', null));
  await until(countOf(id, 'COMPLETED'), (count) => count >= 4, { intervalMs: 20 });
  await restartDockerd(world.host('vm1'), 'SIGTERM', 1_500);
  await succeed(id);
  await expectThirty('shaken');
  const again = await world.deploy(thirty('shaken', null, '2'));
  await until(countOf(again, 'COMPLETED'), (count) => count >= 4, { intervalMs: 20 });
  await restartDockerd(world.host('vm2'), 'SIGTERM', 1_500);
  await succeed(again);
  await expectThirty('shaken');
  await remove('shaken');
  await forgetEndpoints('vm1', 'shaken_default');
  await forgetEndpoints('vm2', 'shaken_default');
});

/** Docker may count endpoints that a restart lost, and keeps their network, as the agent says, until it restarts again. */
async function forgetEndpoints(host: string, network: string): Promise<void> {
  const kept = () => world.engine(host).listNetworks({ filters: { name: [network] } });
  if ((await kept()).length === 0) return;
  expect(Object.keys((await world.engine(host).getNetwork(network).inspect()).Containers ?? {})).toEqual([]);
  await restartDockerd(world.host(host), 'SIGTERM', 0);
  await world.engine(host).getNetwork(network).remove();
}
