import type { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { until } from '../support/agents.ts';
import { busy, type ComposeService, composeFile } from '../support/compose-file.ts';
import { type ContainerState, type Deployment, useWorld } from '../support/world.ts';

const world = useWorld();

const named = (states: readonly ContainerState[]) => new Map(states.map((state) => [state.name, state]));

/** Returns the names of the containers that were replaced, that were restarted, and that are still the same. */
async function changesSince(stack: string, before: readonly ContainerState[]) {
  const earlier = named(before);
  const changes = { replaced: [] as string[], restarted: [] as string[], same: [] as string[] };
  for (const { name, id, startedAt } of await world.states(stack)) {
    const old = earlier.get(name);
    const kind = old?.id !== id ? 'replaced' : old.startedAt !== startedAt ? 'restarted' : 'same';
    changes[kind].push(name);
  }
  return changes;
}

const tasksOf = ({ tasks }: Deployment) =>
  tasks.map(({ kind, containerName }) => `${kind} ${containerName}`).toSorted();

test.concurrent('an unchanged file: a verdict at once, and nothing is touched', async () => {
  const services: Record<string, ComposeService> = {
    web: { image: 'nginx:alpine', deploy: { replicas: 3, placement: { max_replicas_per_node: 1 } } },
    db: busy('vm1', { volumes: ['data:/data'], networks: ['back'] }),
    job: busy('vm2', { command: 'true', restart: 'no' }),
    everywhere: { ...busy('vm1'), deploy: { mode: 'global' } },
    sick: busy('vm2', { healthcheck: { test: 'test -e /tmp', interval: '200ms' } }),
  };
  const file = composeFile('still', services, { volumes: { data: {} }, networks: { back: {} } });
  await world.succeed(await world.compose(file));
  const before = await world.states('still');
  expect(before).toHaveLength(9);
  const startMs = performance.now();
  const again = await world.deployment(await world.compose(file));
  expect(performance.now() - startMs).toBeLessThan(2_000);
  expect(again).toMatchObject({ status: 'SUCCEEDED', tasks: [] });
  expect(await world.states('still')).toEqual(before);
  await world.remove('still');
});

test.concurrent('one changed service: only it and those that are to be restarted with it', async () => {
  const after = (service: string, restart: boolean) => ({
    depends_on: { [service]: { condition: 'service_started', restart } },
  });
  const version = (number: string) =>
    composeFile('chain', {
      db: busy('vm1', { environment: { VERSION: number } }),
      api: busy('vm1', after('db', true)),
      worker: busy('vm2', after('api', true)),
      report: busy('vm2', after('db', false)),
      other: busy('localhost-docker'),
    });
  await world.succeed(await world.compose(version('1')));
  const before = await world.states('chain');
  const done = await world.succeed(await world.compose(version('2')));
  expect(tasksOf(done)).toEqual(['DEPLOY chain-db-1', 'RESTART chain-api-1', 'RESTART chain-worker-1']);
  expect(await changesSince('chain', before)).toEqual({
    replaced: ['chain-db-1'],
    restarted: ['chain-api-1', 'chain-worker-1'],
    same: ['chain-other-1', 'chain-report-1'],
  });

  // Restarting a service also restarts its dependants, in the same order, and no others.
  const replaced = await world.states('chain');
  const restarted = await world.succeed(await world.operate('restartStack', 'chain', ', services: ["api"]'));
  expect(tasksOf(restarted)).toEqual(['RESTART chain-api-1', 'RESTART chain-worker-1']);
  expect(await changesSince('chain', replaced)).toEqual({
    replaced: [],
    restarted: ['chain-api-1', 'chain-worker-1'],
    same: ['chain-db-1', 'chain-other-1', 'chain-report-1'],
  });
  await world.remove('chain');
});

type Interval = { name: string; from: number; to: number };

/** Measures, by Docker's events, the ms from the end of each previous container to the start of its successor. */
async function gapsSince(stack: string, sinceMs: number): Promise<Interval[]> {
  const filters = JSON.stringify({ type: ['container'], event: ['die', 'start'], label: [`graphium.stack=${stack}`] });
  const until = Date.now() / 1_000 + 1;
  const events: { action: string; name: string; ms: number }[] = [];
  for (const { name: host } of world.lab.hosts) {
    const options = { since: Math.floor(sinceMs / 1_000), until: Math.ceil(until), filters };
    let text = '';
    for await (const chunk of (await world.engine(host).getEvents(options)) as Readable) text += chunk;
    for (const line of text.split('\n').filter(Boolean)) {
      const { Action, Actor, timeNano } = JSON.parse(line);
      const name = `${Actor.Attributes['graphium.service']}-${Actor.Attributes['graphium.replica']}`;
      events.push({ action: Action, name, ms: timeNano / 1e6 });
    }
  }
  const recent = events.filter(({ ms }) => ms >= sinceMs);
  const ends = recent.filter(({ action }) => action === 'die');
  return ends
    .map(({ name, ms: from }) => {
      const start = recent.find((event) => event.action === 'start' && event.name === name && event.ms > from);
      return { name, from, to: start?.ms ?? Number.POSITIVE_INFINITY };
    })
    .toSorted((a, b) => a.from - b.from);
}

test.concurrent('one at a time, with a pause: never two down at once', async () => {
  const version = (number: string, replicas = 3) =>
    composeFile('rolling', {
      web: {
        ...busy('vm1', { environment: { VERSION: number } }),
        deploy: {
          replicas,
          placement: { preferences: [{ spread: 'node.hostname' }] },
          update_config: { parallelism: 1, delay: '1500ms', monitor: '300ms' },
        },
      },
    });
  await world.succeed(await world.compose(version('1')));
  const hosts = (await world.states('rolling')).map(({ host }) => host);
  expect(hosts.toSorted()).toEqual(['localhost-docker', 'vm1', 'vm2']);
  const sinceMs = Date.now();
  const id = await world.compose(version('2'));
  const waiting = await until(
    () => world.deployment(id),
    ({ tasks }) => tasks.some(({ waitingOn }) => waitingOn.some(({ reason }) => reason === 'DELAY')),
    { intervalMs: 50, what: 'a pause that is told of' },
  );
  expect(waiting.status).toBe('RUNNING');
  await world.succeed(id);
  const gaps = await gapsSince('rolling', sinceMs);
  expect(gaps).toHaveLength(3);
  for (const [index, { from }] of gaps.entries()) {
    const before = gaps[index - 1];
    // It is up again, watched for 300 ms, and then comes the pause.
    if (before) expect(from - before.to).toBeGreaterThanOrEqual(1_500);
  }

  const before = await world.states('rolling');
  const scale = (replicas: number) => world.operate('scaleStack', 'rolling', `, service: "web", replicas: ${replicas}`);
  await world.succeed(await scale(5));
  expect((await changesSince('rolling', before)).replaced).toEqual(['rolling-web-4', 'rolling-web-5']);
  await world.succeed(await scale(1));
  expect(await world.states('rolling')).toEqual(before.filter(({ name }) => name === 'rolling-web-1'));
  await world.succeed(await scale(0));
  expect(await world.states('rolling')).toEqual([]);
  // The file says how many.
  await world.succeed(await world.compose(version('2', 2)));
  expect((await world.states('rolling')).map(({ name }) => name)).toEqual(['rolling-web-1', 'rolling-web-2']);
  await world.remove('rolling');
});

test.concurrent('a dependency that is not required may fail; one that is required may not', async () => {
  const file = (required: boolean) =>
    composeFile('lenient', {
      metrics: busy('vm1', { command: 'false', restart: 'no' }),
      app: busy('vm2', { depends_on: { metrics: { condition: 'service_completed_successfully', required } } }),
    });
  const lenient = await world.finish(await world.compose(file(false)));
  expect(lenient).toMatchObject({ status: 'FAILED', cause: { containerName: 'lenient-metrics-1' } });
  expect((await world.states('lenient')).filter(({ running }) => running).map(({ name }) => name)).toEqual([
    'lenient-app-1',
  ]);
  await world.remove('lenient');
  const strict = await world.finish(await world.compose(file(true)));
  expect(strict).toMatchObject({ status: 'FAILED', cause: { containerName: 'lenient-metrics-1' } });
  expect((await world.states('lenient')).map(({ name }) => name)).not.toContain('lenient-app-1');
  await world.remove('lenient');
});

test.concurrent('a container that ends makes its dependants wait until it is healthy, restarts included', async () => {
  const ready = (file: string) => ({ test: `test -e ${file}`, interval: '200ms', retries: 50 });
  const file = composeFile('gate', {
    db: busy('vm1', {
      command: ['sh', '-c', "trap 'exit 0' TERM; rm -f /ready; sleep 2; touch /ready; sleep 3600 & wait"],
      healthcheck: ready('/ready'),
    }),
    web: busy('vm2', { depends_on: { db: { condition: 'service_healthy', restart: true } } }),
  });
  await world.succeed(await world.compose(file));
  const gap = async () => {
    const states = named(await world.states('gate'));
    return Date.parse(states.get('gate-web-1')?.startedAt ?? '') - Date.parse(states.get('gate-db-1')?.startedAt ?? '');
  };
  expect(await gap()).toBeGreaterThan(1_900);
  await world.succeed(await world.operate('restartStack', 'gate', ', services: ["db"]'));
  expect(await gap()).toBeGreaterThan(1_900);
  await world.remove('gate');
});

test.concurrent('a stack that was stopped runs when its file is deployed again, and its jobs are not run again', async () => {
  const file = composeFile('paused', {
    job: busy('vm1', { command: 'true' }),
    // It exits with 0 when it is stopped, as good services do, and nobody should restart it.
    web: busy('vm1', { depends_on: { job: { condition: 'service_completed_successfully' } } }),
  });
  await world.succeed(await world.compose(file));
  const before = await world.states('paused');
  for (let time = 0; time < 2; time++) await world.succeed(await world.operate('stopStack', 'paused'));
  expect((await world.states('paused')).map(({ running }) => running)).toEqual([false, false]);
  await world.succeed(await world.compose(file));
  const after = await world.states('paused');
  expect(after.map(({ id, running }) => [id, running])).toEqual(before.map(({ id }, index) => [id, index === 1]));
  expect(after[0]).toEqual(before[0]);
  await world.remove('paused');
});
