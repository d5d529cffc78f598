import { beforeAll, describe, expect, test } from 'vitest';
import { leftoversOf } from '../../lab/leftovers.ts';
import { agentsOnline, startAgent, until } from '../support/agents.ts';
import { STAY, stackFile } from '../support/stack-file.ts';
import { useWorld } from '../support/world.ts';

/** One long absence serves all tests: a lease is 30 s. vm2 is cut off, the agents of vm1 and spare are killed. */
const SPARE = 'spare';
const world = useWorld();

beforeAll(async () => {
  const spare = await startAgent(world.server, { ...world.host('localhost-docker'), name: SPARE });
  world.agents.set(SPARE, spare);
  await agentsOnline(world.server, [SPARE]);
});

type StackView = { state: string; waitingOn: { reason: string; agent: string | null }[] } | null;

const stackOf = async (name: string) =>
  (
    await world.ask<{ stack: StackView }>(
      'query ($name: String!) { stack(name: $name) { state waitingOn { reason agent } } }',
      { name },
    )
  ).stack;

const namesOf = async (hostName: string, stack: string) =>
  (await world.containers(hostName, stack)).map(({ Name, State }) => [Name, State.Running]);

async function leftOf(stack: string) {
  const sockets = [...new Set(world.lab.hosts.map(({ socketPath }) => socketPath))];
  return (await Promise.all(sockets.map((path) => leftoversOf(path, stack)))).flat();
}

async function statesAre(state: string, names: string[]) {
  type Agents = { agents: { name: string; state: string }[] };
  await until(
    () => world.ask<Agents>('{ agents { name state } }'),
    ({ agents }) => names.every((name) => agents.some((agent) => agent.name === name && agent.state === state)),
    { what: `${names} ${state}`, timeoutMs: 50_000 },
  );
}

async function succeed(id: string) {
  expect(await world.finish(id)).toMatchObject({ status: 'SUCCEEDED' });
}

const everywhere = (stack: string, hosts = ['localhost-docker', 'vm1', 'vm2'], more: object = {}) =>
  stackFile(
    stack,
    hosts.map((host) => ({ name: `${stack}-${host}`, host, ...more })),
  );

/** An image that no host has yet, with its own command. */
const NEW_IMAGE = { image: 'nginx:alpine', command: undefined };

describe('hosts that are away', () => {
  const ids = new Map<string, string>();
  const idOf = (name: string) => ids.get(name) ?? '';

  beforeAll(async () => {
    await succeed(await world.deploy(everywhere('old')));
    await succeed(await world.deploy(everywhere('spared', ['localhost-docker', SPARE])));
    await world.cut('vm2');
    await Promise.all([world.agent('vm1').kill(), world.agent(SPARE).kill()]);
    // The server does not know yet that they are away.
    ids.set('hasty', await world.deploy(everywhere('hasty')));
    await statesAre('OFFLINE', ['vm1', 'vm2', SPARE]);
  }, 120_000);

  test('a deployment that was begun before anybody knew does not hold up the hosts that are there', async () => {
    await until(
      () => namesOf('localhost-docker', 'hasty'),
      (names) => names.some(([, running]) => running),
      { what: 'the container of the host that is there' },
    );
  });

  test('a deployment to them waits and says for whom; the other host is deployed', async () => {
    ids.set('late', await world.deploy(everywhere('late', undefined, NEW_IMAGE)));
    await until(
      () => world.deployment(idOf('late')),
      ({ tasks }) => tasks.some(({ kind, status }) => kind === 'DEPLOY' && status === 'COMPLETED'),
    );
    expect(await namesOf('localhost-docker', 'late')).toEqual([['/late-localhost-docker', true]]);
    const { status, tasks } = await world.deployment(idOf('late'));
    expect(status).toBe('RUNNING');
    const waiting = tasks.filter((task) => task.status === 'PENDING');
    expect(waiting).toHaveLength(4);
    for (const task of waiting) {
      expect(task.waitingOn[0]).toMatchObject({ reason: 'AGENT_OFFLINE', agent: task.agent });
      expect(task.waitingOn[0]?.message).toMatch(new RegExp(`agent ${task.agent} has been offline since 20`));
    }
    expect((await stackOf('late'))?.waitingOn).toEqual(
      expect.arrayContaining([expect.objectContaining({ reason: 'AGENT_OFFLINE', agent: 'vm2' })]),
    );
  });

  test('a stack that is deleted stays DELETING and says for whom it waits', async () => {
    ids.set('old', await world.operate('deleteStack', 'old'));
    await until(
      () => namesOf('localhost-docker', 'old'),
      (names) => names.length === 0,
    );
    const stack = await stackOf('old');
    expect(stack?.state).toBe('DELETING');
    const agents = stack?.waitingOn.filter(({ reason }) => reason === 'AGENT_OFFLINE').map(({ agent }) => agent);
    expect([...new Set(agents)].toSorted()).toEqual(['vm1', 'vm2']);
  });

  test('three deployments to a host that is away are three verdicts and one action', async () => {
    for (const version of ['one', 'two', 'three']) {
      const container = { name: 'thrice-1', host: 'vm2', environment: { VERSION: version }, ...NEW_IMAGE };
      ids.set(version, await world.deploy(stackFile('thrice', [container])));
    }
    expect((await world.deployment(idOf('one'))).status).toBe('SUPERSEDED');
    expect((await world.deployment(idOf('two'))).status).toBe('SUPERSEDED');
    expect((await world.deployment(idOf('three'))).status).toBe('RUNNING');
  });

  test('an agent that is removed for good lets a deletion end', async () => {
    const id = await world.operate('deleteStack', 'spared');
    expect((await world.deployment(id)).status).toBe('RUNNING');
    const text = 'mutation ($force: Boolean!) { removeAgent(name: "spare", force: $force) { name } }';
    await expect(world.ask(text, { force: false })).rejects.toThrow('CONFLICT');
    await world.ask(text, { force: true });
    expect(await world.finish(id)).toMatchObject({ status: 'SUCCEEDED', cause: null });
    expect(await stackOf('spared')).toBeNull();
    // As announced when it was removed, its containers are left alone from now on.
    const left = world.engine('localhost-docker').getContainer('spared-spare');
    expect((await left.inspect()).State.Running).toBe(true);
    await left.remove({ force: true });
    await world.engine('localhost-docker').getNetwork('spared_default').remove();
  });

  test('all of it is done when they return', async () => {
    world.agent('vm1').start();
    await Promise.all([agentsOnline(world.server, ['vm1']), world.restore('vm2')]);
    for (const name of ['hasty', 'late', 'old', 'three']) await succeed(idOf(name));
    expect(await stackOf('old')).toBeNull();
    expect(await leftOf('old')).toEqual([]);
    expect(await namesOf('vm1', 'late')).toEqual([['/late-vm1', true]]);
    expect(await namesOf('vm2', 'late')).toEqual([['/late-vm2', true]]);
    const [container] = await world.containers('vm2', 'thrice');
    expect(container?.Config.Env).toContain('VERSION=three');
    const started = await world.sql<{ kind: string; attempt: number }[]>`
      select t.kind, t.attempt from tasks t join stacks s on s.id = t.stack_id where s.name = 'thrice' and t.attempt > 0`;
    expect(started.map(({ kind, attempt }) => [kind, attempt]).toSorted()).toEqual([
      ['DEPLOY', 1],
      ['PULL', 1],
    ]);
    for (const stack of ['hasty', 'late', 'thrice']) await succeed(await world.operate('deleteStack', stack));
  });
});

describe('a host that comes back from a snapshot', () => {
  const makeByHand = async (name: string, labels: Record<string, string>) => {
    const options = { name, Image: 'busybox:latest', Cmd: STAY, Labels: labels };
    const container = await world.engine('vm2').createContainer(options);
    await container.start();
    return container;
  };

  test('its container of a deleted stack is found and removed; what is not ours stays', async () => {
    await succeed(await world.deploy(everywhere('gone', ['vm2'])));
    const [container] = await world.containers('vm2', 'gone');
    const labels = container?.Config.Labels ?? {};
    await succeed(await world.operate('deleteStack', 'gone'));
    const stays = await Promise.all([
      makeByHand('other-cluster', { ...labels, 'graphium.cluster': crypto.randomUUID() }),
      makeByHand('other-stack', { ...labels, 'graphium.stack': 'never-known', 'graphium.service': 'x' }),
      makeByHand('no-labels', {}),
    ]);
    try {
      await makeByHand('gone-vm2', labels);
      const names = async () =>
        (await world.engine('vm2').listContainers({ all: true })).flatMap(({ Names }) => Names).toSorted();
      await until(names, (all) => !all.includes('/gone-vm2'), { what: 'its removal' });
      expect(await names()).toEqual(expect.arrayContaining(['/no-labels', '/other-cluster', '/other-stack']));
      for (const one of stays) expect((await one.inspect()).State.Running).toBe(true);
      expect(await stackOf('gone')).toBeNull();
    } finally {
      for (const one of stays) await one.remove({ force: true });
    }
  });
});
