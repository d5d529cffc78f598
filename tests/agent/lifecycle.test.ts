import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../agent/docker/engine.ts';
import { parsePolicy } from '../../agent/policy/schema.ts';
import { createHost } from '../support/agent/host.ts';

const host = createHost();
const { engine, run, up, fail, specOf, name, inspect, names, stack } = host;
const web = name('web');
const labelled = [`graphium.cluster=${host.clusterId}`];
const plain = { version: 1 };

beforeAll(async () => {
  await up('PULL', { version: 1, image: host.images.busybox, policy: 'missing' });
});

describe('STOP, START, RESTART', () => {
  it('stops, and stopping again changes nothing', async () => {
    const id = await up('DEPLOY', specOf());
    expect(await run('STOP', plain)).toMatchObject({ result: { action: 'stopped', containerId: id } });
    expect((await inspect(id)).State.Running).toBe(false);
    expect(await run('STOP', plain)).toMatchObject({ result: { action: 'unchanged' } });
  });

  it('has nothing to stop', async () => {
    expect(await run('STOP', plain)).toMatchObject({ status: 'COMPLETED', result: { action: 'absent' } });
  });

  it('starts the same container', async () => {
    const id = await up('DEPLOY', specOf());
    await up('STOP', plain);
    expect(await run('START', specOf())).toMatchObject({ result: { action: 'started', containerId: id } });
  });

  it('makes what is missing on START', async () => {
    expect(await run('START', specOf())).toMatchObject({ result: { action: 'created' } });
  });

  it('restarts: same container, another run', async () => {
    const id = await up('DEPLOY', specOf());
    const before = (await inspect(id)).State.StartedAt;
    expect(await run('RESTART', specOf())).toMatchObject({ result: { action: 'restarted', containerId: id } });
    expect((await inspect(id)).State.StartedAt).not.toBe(before);
  });

  it('wakes what was paused', async () => {
    const id = await up('DEPLOY', specOf());
    await host.pause(id);
    expect(await run('START', specOf())).toMatchObject({ result: { action: 'started', containerId: id } });
    expect((await inspect(id)).State.Status).toBe('running');
  });
});

describe('DELETE and CLEAN', () => {
  const spec = () =>
    specOf(
      {
        mounts: [{ type: 'volume', source: `${stack}_data`, target: '/data', readOnly: false }],
        networks: [{ name: `${stack}_net`, aliases: ['web'] }],
      },
      { networks: [host.network()], volumes: [{ name: `${stack}_data` }] },
    );
  const clean = (volumes: string[]) => ({ version: 1, networks: [`${stack}_net`], volumes });

  it('leave nothing', async () => {
    await up('DEPLOY', spec());
    expect(await run('DELETE', plain)).toMatchObject({ result: { action: 'removed' } });
    expect(await names()).toEqual([]);
    await up('CLEAN', clean([`${stack}_data`]));
    expect(await engine.networksLabelled(labelled)).toEqual([]);
    expect(await engine.findVolume(`${stack}_data`)).toBeNull();
    expect(await run('DELETE', plain)).toMatchObject({ result: { action: 'absent' } });
    expect(await run('CLEAN', clean([`${stack}_data`]))).toMatchObject({
      status: 'COMPLETED',
      result: { action: 'unchanged' },
    });
  });

  it('keep volumes that were not named', async () => {
    await up('DEPLOY', spec());
    await up('CLEAN', clean([]));
    expect(await names()).toEqual([]);
    expect(await engine.findVolume(`${stack}_data`)).not.toBeNull();
  });

  it('also remove a replaced container that was left aside', async () => {
    const id = await up('DEPLOY', spec());
    await engine.renameContainer(id, `${web}.graphium-previous`);
    expect(await run('DELETE', plain)).toMatchObject({ result: { action: 'removed' } });
    expect(await names()).toEqual([]);
  });

  it("leave another agent's container its network and volume", async () => {
    await up('DEPLOY', spec(), { agent: 'neighbour' });
    const outcome = await run('CLEAN', clean([`${stack}_data`]));
    expect(outcome).toMatchObject({
      status: 'COMPLETED',
      result: { message: expect.stringContaining(`${stack}_net`) },
    });
    expect(await names()).toEqual([web]);
    await up('DELETE', plain, { agent: 'neighbour' });
    await up('CLEAN', clean([`${stack}_data`]), { agent: 'neighbour' });
    expect(await engine.networksLabelled(labelled)).toEqual([]);
  });

  it("never touch what is not the stack's", async () => {
    const id = await engine.createNetwork({ Name: `${stack}_net` });
    await engine.createVolume({ Name: `${stack}_data`, Labels: {} });
    await up('CLEAN', clean([`${stack}_data`]));
    expect((await engine.networksNamed(`${stack}_net`)).map(({ Id }) => Id)).toEqual([id]);
    expect(await engine.findVolume(`${stack}_data`)).not.toBeNull();
    expect(await fail('DEPLOY', spec())).toMatchObject({ code: 'POLICY_DENIED', retryable: false });
    const policy = parsePolicy({ allowVolumes: [`${stack}_data`], allowNetworks: [`${stack}_net`] });
    expect(await fail('DEPLOY', spec(), { policy })).toMatchObject({ code: 'NETWORK_CONFLICT', retryable: false });
    await engine.removeNetwork(id);
  });
});

it('a host takes as many containers as its policy allows, and their replacements', async () => {
  const policy = parsePolicy({ maxContainers: 2 });
  const spec = (n: number, level = 'info') =>
    host.specOf({ name: host.name(`n${n}`), service: `n${n}`, environment: { LEVEL: level } });
  const counted = (await engine.listContainers(['graphium.cluster'])).length;
  expect(counted).toBe(0);
  await up('DEPLOY', spec(1), { policy });
  await up('DEPLOY', spec(2), { policy });
  expect(await fail('DEPLOY', spec(3), { policy })).toMatchObject({
    code: 'POLICY_DENIED',
    message: expect.stringContaining("maxContainers is 2, and this host has 2 others of Graphium's"),
    left: 'NONE',
  });
  await up('DEPLOY', spec(2, 'debug'), { policy });
  await up('DEPLOY', spec(3), { policy: parsePolicy({ maxContainers: 3 }) });
});

describe('networks', () => {
  const neighbour = createEngine({ socketPath: host.at.socketPath });
  afterAll(() => neighbour.close());

  it('are made once, however many tasks of two agents need them', async () => {
    const net = host.network();
    const specs = ['a', 'b', 'c', 'd', 'e', 'f'].map((service) =>
      specOf({ name: name(service), service, networks: [{ name: net.name, aliases: [] }] }, { networks: [net] }),
    );
    const outcomes = await Promise.all(
      specs.map((spec, index) => run('DEPLOY', spec, index % 2 ? { agent: 'neighbour', engine: neighbour } : {})),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(specs.map(() => 'COMPLETED'));
    expect(await engine.networksNamed(net.name)).toHaveLength(1);
  });

  it('are healed when there are two of one name', async () => {
    const net = host.network();
    const spec = specOf({ networks: [{ name: net.name, aliases: [] }] }, { networks: [net] });
    const Labels = { 'graphium.cluster': host.clusterId, 'graphium.stack': stack };
    await Promise.all(
      [1, 2, 3].map(() => engine.createNetwork({ Name: net.name, Labels } as { Name: string }).catch(() => '')),
    );
    expect(await run('DEPLOY', spec)).toMatchObject({ status: 'COMPLETED' });
    expect(await engine.networksNamed(net.name)).toHaveLength(1);
  });

  it('cannot have a subnet that another one has', async () => {
    await up('DEPLOY', specOf({ name: name('a') }, { networks: [host.network({ subnet: '10.213.7.0/24' })] }));
    const other = host.network({ name: `${stack}_other`, subnet: '10.213.7.0/25' });
    expect(await fail('DEPLOY', specOf({}, { networks: [other] }))).toMatchObject({ code: 'NETWORK_CONFLICT' });
  });

  it('are made anew with another subnet as long as nobody uses them', async () => {
    const withNet = (subnet: string, rest: object = {}) =>
      specOf({ networks: [{ name: `${stack}_net`, aliases: [] }], ...rest }, { networks: [host.network({ subnet })] });
    await up('DEPLOY', withNet('10.213.8.0/24'));
    engine.once.forgetAll();
    const moved = withNet('10.213.9.0/24', { environment: { A: '1' } });
    expect(await fail('DEPLOY', moved)).toMatchObject({
      code: 'NETWORK_CONFLICT',
      message: expect.stringContaining('in use'),
    });
    await up('DELETE', plain);
    await up('DEPLOY', moved);
    expect(await engine.networksNamed(`${stack}_net`)).toMatchObject([
      { IPAM: { Config: [{ Subnet: '10.213.9.0/24' }] } },
    ]);
  });

  it('are made again when they vanished a moment ago', async () => {
    const spec = specOf({ networks: [{ name: `${stack}_net`, aliases: [] }] }, { networks: [host.network()] });
    await up('DEPLOY', spec);
    await up('DELETE', plain);
    for (const { Id } of await engine.networksLabelled(labelled)) await engine.removeNetwork(Id);
    expect(await run('DEPLOY', spec)).toMatchObject({ status: 'COMPLETED' });
  });
});
