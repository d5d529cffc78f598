import { readFileSync } from 'node:fs';
import type { ContainerInspectInfo } from 'dockerode';
import { expect, test } from 'vitest';
import { createClient, type TaskView } from '../../lab/client.ts';
import { leftoversOf } from '../../lab/leftovers.ts';
import { until } from '../support/agents.ts';
import { registryOf } from '../support/registry.ts';
import { stackFile, type TestContainer } from '../support/stack-file.ts';
import { useWorld } from '../support/world.ts';

const example = readFileSync(new URL('../../examples/nginx-multihost-stack.json', import.meta.url), 'utf8');
const HOSTS = ['localhost-docker', 'vm1', 'vm2'] as const;
const world = useWorld();

const ports = new Map(HOSTS.map((host, index) => [host, 8081 + index]));

/** Returns the id and start time of all containers of a stack on all hosts. */
async function statesOf(stack: string) {
  const found = await Promise.all(HOSTS.map((host) => world.containers(host, stack)));
  return found.flat().map(({ Id, Name, State }) => ({ Id, Name, startedAt: State.StartedAt, running: State.Running }));
}

async function succeed(id: string) {
  const deployment = await world.finish(id);
  expect(deployment).toMatchObject({ status: 'SUCCEEDED', cause: null });
  return deployment;
}

const pageOf = async (host: string, port: number) =>
  (await fetch(`http://${world.host(host).address}:${port}/`, { signal: AbortSignal.timeout(5_000) })).text();

async function expectNothingLeft(stack: string) {
  const left = await Promise.all(HOSTS.map((host) => leftoversOf(world.host(host).socketPath, stack)));
  expect(left.flat()).toEqual([]);
}

test.concurrent('the shared example runs on its three hosts, survives a second deploy, stop, start, restart and goes', async () => {
  const stack = 'nginx-multihost';
  await succeed(await world.deploy(example));
  for (const [index, host] of HOSTS.entries()) {
    expect(await pageOf(host, ports.get(host) ?? 0)).toContain('<title>');
    const [container, ...others] = await world.containers(host, stack);
    expect(others).toEqual([]);
    expect(container).toMatchObject({
      Name: `/nginx-${index + 1}`,
      Config: {
        Image: 'nginx:alpine',
        Labels: {
          'graphium.cluster': world.clusterId,
          'graphium.agent': host,
          'graphium.stack': stack,
          'graphium.service': `nginx-${index + 1}`,
          'graphium.replica': '1',
          'graphium.revision': '1',
          'com.docker.compose.project': stack,
        },
      },
      HostConfig: { RestartPolicy: { Name: 'unless-stopped' } },
    });
    expect(container?.Config.Env).toEqual(
      expect.arrayContaining([`NGINX_HOST=${host === 'localhost-docker' ? 'localhost' : host}`, 'NGINX_PORT=80']),
    );
  }

  const before = await statesOf(stack);
  const again = await succeed(await world.deploy(example));
  expect(again.tasks).toEqual([]);
  expect(await statesOf(stack)).toEqual(before);

  await succeed(await world.operate('stopStack', stack));
  expect((await statesOf(stack)).map(({ Id, running }) => [Id, running])).toEqual(before.map(({ Id }) => [Id, false]));
  await stackIs(stack, 'STOPPED');
  await succeed(await world.operate('startStack', stack));
  const started = await statesOf(stack);
  expect(started.map(({ Id, running }) => [Id, running])).toEqual(before.map(({ Id }) => [Id, true]));
  await stackIs(stack, 'RUNNING');
  await succeed(await world.operate('restartStack', stack));
  const restarted = await statesOf(stack);
  expect(restarted.map(({ Id, running }) => [Id, running])).toEqual(before.map(({ Id }) => [Id, true]));
  for (const [index, { startedAt }] of restarted.entries()) expect(startedAt).not.toBe(started[index]?.startedAt);
  expect(await pageOf('vm2', 8083)).toContain('<title>');

  await succeed(await world.operate('deleteStack', stack));
  await expectNothingLeft(stack);
  const { stacks } = await world.ask<{ stacks: { name: string }[] }>('{ stacks { name } }');
  expect(stacks.map(({ name }) => name)).not.toContain(stack);
});

const stackIs = (name: string, state: string) =>
  until(
    () => world.ask<{ stack: { state: string } }>('query ($name: String!) { stack(name: $name) { state } }', { name }),
    ({ stack }) => stack.state === state,
    { what: `stack ${name} ${state}`, timeoutMs: 5_000 },
  );

test.concurrent('a changed file replaces only what changed, and what left the file is removed', async () => {
  const file = (containers: TestContainer[]) => stackFile('shop', containers);
  const web = { name: 'shop-web', host: 'vm1', environment: { COLOUR: 'blue' } };
  const db = { name: 'shop-db', host: 'vm2' };
  const cache = { name: 'shop-cache', host: 'vm2' };
  await succeed(await world.deploy(file([web, db, cache])));
  const before = await statesOf('shop');
  await succeed(await world.deploy(file([{ ...web, environment: { COLOUR: 'green' } }, db])));
  const after = await statesOf('shop');
  expect(after.map(({ Name }) => Name)).toEqual(['/shop-web', '/shop-db']);
  const find = (states: typeof before, name: string) => states.find(({ Name }) => Name === name);
  expect(find(after, '/shop-db')).toEqual(find(before, '/shop-db'));
  expect(find(after, '/shop-web')?.Id).not.toBe(find(before, '/shop-web')?.Id);
  const [container] = await world.containers('vm1', 'shop');
  expect(container?.Config.Env).toContain('COLOUR=green');

  // Moved to another host, it runs there and is gone here.
  await succeed(await world.deploy(file([{ ...web, host: 'localhost-docker' }, db])));
  expect((await world.containers('vm1', 'shop')).map(({ Name }) => Name)).toEqual([]);
  expect((await world.containers('localhost-docker', 'shop')).map(({ Name }) => Name)).toEqual(['/shop-web']);
  await succeed(await world.operate('deleteStack', 'shop'));
  await expectNothingLeft('shop');
});

test.concurrent('a named volume outlives the stack unless it is to go too; a network of one’s own has its subnet', async () => {
  const network = { name: 'back', subnet: '10.211.7.0/24', gateway: '10.211.7.1' };
  const volumeMount = [{ name: 'data', mountPath: '/data' }];
  const file = stackFile('kept', [{ name: 'kept-db', host: 'vm1', network, volumeMount }]);
  await succeed(await world.deploy(file));
  const docker = world.engine('vm1');
  const inspected = await docker.getNetwork('kept_back').inspect();
  expect(inspected.IPAM?.Config).toEqual([{ Subnet: '10.211.7.0/24', Gateway: '10.211.7.1' }]);
  const [container] = await world.containers('vm1', 'kept');
  expect(container?.NetworkSettings.Networks.kept_back?.IPAddress).toMatch(/^10\.211\.7\./);
  await execute(container, ['sh', '-c', 'echo precious > /data/file']);

  await succeed(await world.operate('deleteStack', 'kept'));
  expect(await leftoversOf(world.host('vm1').socketPath, 'kept')).toEqual(['volume kept_data']);
  await succeed(await world.deploy(file));
  const [next] = await world.containers('vm1', 'kept');
  expect(await execute(next, ['cat', '/data/file'])).toContain('precious');
  await succeed(await world.operate('deleteStack', 'kept', ', removeVolumes: true'));
  await expectNothingLeft('kept');
});

async function execute(container: ContainerInspectInfo | undefined, command: string[]): Promise<string> {
  const exec = await world
    .engine('vm1')
    .getContainer(container?.Id ?? '')
    .exec({ Cmd: command, AttachStdout: true });
  const stream = await exec.start({});
  let output = '';
  for await (const chunk of stream) output += chunk;
  return output;
}

test.concurrent('a health check on one host gates what depends on it on another', async () => {
  // It becomes healthy only in its second second.
  const healthCheck = { command: 'test $(($(date +%s) - $(cat /born))) -ge 2', interval: 1, retries: 20 };
  const command = ['sh', '-c', "date +%s > /born; trap 'exit 0' TERM; sleep 3600 & wait"];
  const file = stackFile('gated', [
    { name: 'gated-web', host: 'vm2', dependsOn: ['gated-db', 'gated-cache'] },
    { name: 'gated-db', host: 'vm1', command, healthCheck },
    { name: 'gated-cache', host: 'localhost-docker' },
  ]);
  await succeed(await world.deploy(file));
  const [[cache], [db], [web]] = await Promise.all([
    world.containers('localhost-docker', 'gated'),
    world.containers('vm1', 'gated'),
    world.containers('vm2', 'gated'),
  ]);
  const startOf = (container?: ContainerInspectInfo) => Date.parse(container?.State.StartedAt ?? '');
  const firstGood = db?.State.Health?.Log.find(({ ExitCode }) => ExitCode === 0);
  expect(startOf(web)).toBeGreaterThan(Date.parse(firstGood?.End ?? ''));
  expect(startOf(web) - startOf(db)).toBeGreaterThan(1_000);
  expect(startOf(web)).toBeGreaterThan(startOf(cache));
  expect(db?.State.Health?.Status).toBe('healthy');
  await succeed(await world.operate('deleteStack', 'gated'));
  await expectNothingLeft('gated');
});

test('a pull shows bytes per layer, rising', async () => {
  const { big } = world.lab.images;
  const registry = registryOf(world.lab);
  const forget = () => world.engine('vm2').getImage(big).remove({ force: true });
  await forget().catch(() => {});
  registry.slowDown();
  try {
    const id = await world.deploy(stackFile('heavy', [{ name: 'heavy-1', host: 'vm2', image: big }]));
    const bytes: number[] = [];
    let layers: NonNullable<TaskView['progress']>['layers'] = [];
    await createClient(world.server.url, world.server.adminToken).follow(id, ({ tasks }) => {
      const { progress } = tasks.find(({ kind }) => kind === 'PULL') ?? {};
      if (!progress?.currentBytes) return;
      bytes.push(progress.currentBytes);
      layers = progress.layers;
    });
    const distinct = [...new Set(bytes)];
    expect(distinct.length).toBeGreaterThan(2);
    expect(distinct).toEqual(distinct.toSorted((a, b) => a - b));
    const known = layers.filter(({ totalBytes }) => totalBytes);
    expect(known.length).toBeGreaterThan(1);
    expect(known.reduce((sum, { totalBytes }) => sum + (totalBytes ?? 0), 0)).toBeGreaterThanOrEqual(
      distinct.at(-1) ?? 0,
    );
  } finally {
    registry.resume();
  }
  await succeed(await world.operate('deleteStack', 'heavy'));
  await forget();
  await expectNothingLeft('heavy');
});
