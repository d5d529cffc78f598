import type { ContainerInfo } from 'dockerode';
import { beforeAll, expect, test } from 'vitest';
import { leftoversOf } from '../../lab/leftovers.ts';
import { graphql } from '../support/server.ts';
import { STAY, stackFile } from '../support/stack-file.ts';
import { type Deployment, useWorld } from '../support/world.ts';

const world = useWorld();

beforeAll(async () => {
  await pulled('vm1');
});

const fail = async (file: string): Promise<Deployment> => {
  const deployment = await world.finish(await world.deploy(file));
  expect(deployment.status).toBe('FAILED');
  return deployment;
};

const remove = async (stack: string) => {
  expect((await world.finish(await world.operate('deleteStack', stack))).status).toBe('SUCCEEDED');
  for (const { socketPath } of world.lab.hosts) expect(await leftoversOf(socketPath, stack)).toEqual([]);
};

/** The image that everything here is made of, also for containers that are none of Graphium's. */
async function pulled(hostName: string) {
  const stack = `warm-${hostName}`;
  await world.finish(await world.deploy(stackFile(stack, [{ name: stack, host: hostName }])));
  await remove(stack);
}

const PLAN = `query($jsonld: String!) { planStack(operation: { deploy: { source: { jsonld: $jsonld } } }) { warnings { message } } }`;

async function planWarnings(jsonld: string): Promise<string[]> {
  const { planStack } = await world.ask<{ planStack: { warnings: { message: string }[] } }>(PLAN, { jsonld });
  return planStack.warnings.map(({ message }) => message);
}

async function foreign<T>(name: string, options: object, work: (state: () => Promise<object>) => Promise<T>) {
  const container = await world.engine('vm1').createContainer({ name, Image: 'busybox:latest', Cmd: STAY, ...options });
  await container.start();
  try {
    await work(async () => {
      const { Id, Name, State } = await container.inspect();
      return { Id, Name, startedAt: State.StartedAt, running: State.Running };
    });
  } finally {
    await container.remove({ force: true });
  }
}

test.concurrent('an image that does not exist: nothing is touched on any host', async () => {
  const file = stackFile('nowhere', [
    { name: 'nowhere-1', host: 'vm1' },
    { name: 'nowhere-2', host: 'vm2', image: 'graphium/nowhere:1' },
  ]);
  const { cause, tasks } = await fail(file);
  expect(cause).toMatchObject({ code: expect.stringMatching(/^(IMAGE_NOT_FOUND|PULL_FAILED)$/), agent: 'vm2' });
  expect(cause?.message).toContain('graphium/nowhere:1');
  const deploys = tasks.filter(({ kind }) => kind === 'DEPLOY').map(({ status, attempt }) => [status, attempt]);
  expect(deploys).toEqual([
    ['CANCELLED', 0],
    ['CANCELLED', 0],
  ]);
  for (const { socketPath } of world.lab.hosts) expect(await leftoversOf(socketPath, 'nowhere')).toEqual([]);
  await remove('nowhere');
});

test.concurrent('a container that ends with 3: the cause has its log lines', async () => {
  const command = ['sh', '-c', 'echo reading config; echo no such key >&2; exit 3'];
  const { cause } = await fail(stackFile('exiting', [{ name: 'exiting-1', host: 'vm1', command }]));
  expect(cause).toMatchObject({ code: 'CONTAINER_EXITED', agent: 'vm1', containerName: 'exiting-1', exitCode: 3 });
  expect(cause?.logs.map((line) => line.trim()).toSorted()).toEqual(['no such key', 'reading config']);
  await remove('exiting');
});

test.concurrent('a health check that fails: the cause has what it said', async () => {
  const healthCheck = { command: 'echo database is away; exit 1', interval: 0.3, retries: 2 };
  const file = stackFile('ill', [
    { name: 'ill-1', host: 'vm1', healthCheck },
    { name: 'ill-2', host: 'vm2', dependsOn: ['ill-1'] },
  ]);
  const { cause, tasks } = await fail(file);
  expect(cause).toMatchObject({ code: 'HEALTH_CHECK_FAILED', containerName: 'ill-1' });
  expect(cause?.healthLog.join('\n')).toContain('database is away');
  expect(tasks.find(({ containerName }) => containerName === 'ill-2')).toMatchObject({ status: 'CANCELLED' });
  await remove('ill');
});

test.concurrent('a port that a foreign container has', async () => {
  const options = {
    HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8181' }] } },
    ExposedPorts: { '80/tcp': {} },
  };
  await foreign('port-owner', options, async (state) => {
    const before = await state();
    const ports = [{ containerPort: 80, hostPort: 8181 }];
    const { cause } = await fail(stackFile('clash', [{ name: 'clash-1', host: 'vm1', ports }]));
    expect(cause).toMatchObject({ code: 'PORT_IN_USE', containerName: 'clash-1' });
    expect(cause?.message).toContain('8181');
    expect(await state()).toEqual(before);
    await remove('clash');
    expect(await state()).toEqual(before);
  });
});

test.concurrent('a foreign container of the same name is never touched', async () => {
  // Neither Compose's labels nor the stack's name make it ours.
  const Labels = { 'com.docker.compose.project': 'taken', 'graphium.stack': 'taken-elsewhere' };
  await foreign('taken-1', { Labels }, async (state) => {
    const before = await state();
    const file = stackFile('taken', [{ name: 'taken-1', host: 'vm1' }]);
    const { cause } = await fail(file);
    expect(cause).toMatchObject({ code: 'NAME_CONFLICT', containerName: 'taken-1' });
    // The agent lists what it has at least twice a minute.
    await expect
      .poll(() => planWarnings(file), { timeout: 40_000 })
      .toEqual([expect.stringContaining('vm1 has a container taken-1 that Graphium did not make')]);
    expect(await state()).toEqual(before);
    for (const operation of ['stopStack', 'restartStack', 'startStack']) {
      await world.finish(await world.operate(operation, 'taken'));
      expect(await state()).toEqual(before);
    }
    await world.finish(await world.operate('deleteStack', 'taken'));
    expect(await state()).toEqual(before);
    expect(await leftoversOf(world.host('vm1').socketPath, 'taken')).toEqual([]);
  });
});

test.concurrent.each([
  ['bind mount', { volumeMounts: [{ source: '/etc', target: '/host', type: 'bind' }] }, /\/etc/],
  ['Docker socket', { volumeMounts: [{ source: '/var/run/docker.sock', target: '/s', type: 'bind' }] }, /docker\.sock/],
  ['host network', { network: { name: 'host' } }, /network/i],
])('the host’s policy refuses a %s', async (what, fields, pattern) => {
  const stack = `denied-${what.split(' ')[0]?.toLowerCase()}`;
  const { cause } = await fail(stackFile(stack, [{ name: `${stack}-1`, host: 'vm1', ...fields }]));
  expect(cause).toMatchObject({ code: 'POLICY_DENIED', agent: 'vm1' });
  expect(cause?.message).toMatch(pattern);
  expect(await world.containers('vm1', stack)).toEqual([]);
  await remove(stack);
});

test.concurrent('a command that is not there', async () => {
  const { cause } = await fail(stackFile('lost', [{ name: 'lost-1', host: 'vm1', command: ['no-such-program'] }]));
  expect(cause).toMatchObject({ code: 'START_FAILED', exitCode: 127 });
  expect(cause?.message).toContain('no-such-program');
  await remove('lost');
});

test.concurrent('a new version that is no good leaves the old one running', async () => {
  const version = (fields: object) => stackFile('steady', [{ name: 'steady-1', host: 'vm1', ...fields }]);
  expect((await world.finish(await world.deploy(version({})))).status).toBe('SUCCEEDED');
  const stateOf = async () =>
    (await world.containers('vm1', 'steady')).map(({ Id, Name, State }) => [Id, Name, State.Running]);
  const before = await stateOf();
  for (const broken of [
    { command: ['sh', '-c', 'exit 4'] },
    { image: 'graphium/nowhere:2' },
    { command: ['no-such-program'] },
    { healthCheck: { command: 'exit 1', interval: 0.3, retries: 1 } },
  ]) {
    const { status } = await world.finish(await world.deploy(version(broken)));
    expect(status).toBe('ROLLED_BACK');
    expect(await stateOf()).toEqual(before);
  }
  // The good file again: there is nothing to do.
  expect(await world.finish(await world.deploy(version({})))).toMatchObject({ status: 'SUCCEEDED', tasks: [] });
  expect(await stateOf()).toEqual(before);
  await remove('steady');
});

test.concurrent('a file that is refused changes nothing', async () => {
  const text = 'mutation ($file: String!) { deployStack(source: { jsonld: $file }) { id } }';
  const files: [string, string][] = [
    ['UNKNOWN_HOST', stackFile('refused', [{ name: 'refused-1', host: 'vm9' }])],
    ['STACK_INVALID', '{ "@type": "Stack", \n  "name": }'],
    ['STACK_INVALID', stackFile('refused', [{ name: 'refused-1', host: 'vm1', dependsOn: ['refused-1'] }])],
    ['STACK_INVALID', stackFile('refused', [{ name: 'refused-1', host: 'vm1', colour: 'blue' }])],
    ['STACK_INVALID', stackFile('refused', [{ name: 'refused-1', host: 'vm1', image: 'UPPER case' }])],
    ['NAME_IN_USE', stackFile('refused', [{ name: 'holder-1', host: 'vm2' }])],
  ];
  await world.finish(await world.deploy(stackFile('holder', [{ name: 'holder-1', host: 'vm2' }])));
  for (const [code, file] of files) {
    const { data, errors } = await graphql(world.server, world.server.adminToken, text, { file });
    expect([data, errors?.[0]?.extensions.code]).toEqual([null, code]);
    expect(errors?.[0]?.extensions.problems).toEqual([
      expect.objectContaining({ line: expect.any(Number), column: expect.any(Number), path: expect.any(String) }),
    ]);
  }
  const { stacks } = await world.ask<{ stacks: { name: string }[] }>('{ stacks { name } }');
  expect(stacks.map(({ name }) => name)).not.toContain('refused');
  await remove('holder');
});

test('what is not ours was left alone all the while', async () => {
  const containers: ContainerInfo[] = await world.engine('vm1').listContainers({ all: true });
  const ours = containers.filter(({ Labels }) => Labels['graphium.cluster'] === world.clusterId);
  expect(ours).toEqual([]);
});
