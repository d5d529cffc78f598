import { describe, expect, test } from 'vitest';
import { type Node, satisfies } from '../../../../server/planning/constraints.ts';
import { agent, constraint, inZone, many, placing, taken } from '../../../support/planning/placing.ts';
import { portOf, serviceOf } from '../../../support/planning/stories.ts';

describe('constraints', () => {
  const vm1 = agent('vm1', { labels: { zone: 'eu-1', disk: '' } });
  test.each<[string, Partial<Node>, boolean]>([
    ['node.hostname == vm1', {}, true],
    ['node.hostname == VM1', {}, true],
    ['node.hostname == vm2', {}, false],
    ['node.hostname != vm2', {}, true],
    ['node.hostname != vm1', {}, false],
    ['node.labels.zone == eu-1', {}, true],
    ['node.labels.zone == EU-1', {}, true],
    ['node.labels.zone == eu', {}, false],
    ['node.labels.Zone == eu-1', {}, false],
    ['node.labels.zone != eu-2', {}, true],
    ['node.labels.ssd == yes', {}, false],
    ['node.labels.ssd != yes', {}, true],
    ['node.labels.constructor != x', {}, true],
    ['node.platform.os == linux', {}, true],
    ['node.platform.os == Linux', {}, true],
    ['node.platform.os != windows', {}, true],
    ['node.platform.os == linux', { os: null }, false],
    ['node.platform.arch == x86_64', {}, true],
    ['node.platform.arch == amd64', {}, true],
    ['node.platform.arch != amd64', {}, false],
    ['node.platform.arch == aarch64', { arch: 'arm64' }, true],
    ['node.platform.arch == arm64', { arch: 'aarch64' }, true],
    ['node.platform.arch == arm64', {}, false],
    ['node.role == worker', {}, false],
    ['node.role != worker', {}, false],
  ])('%s of %j: %s', (text, more, expected) => {
    expect(satisfies({ ...vm1, ...more }, constraint(text))).toBe(expected);
  });

  test('all must hold', () => {
    const agents = [inZone('a', 'eu'), inZone('b', 'us'), inZone('c', 'us', { arch: 'aarch64' })];
    const constraints = [constraint('node.labels.zone == us'), constraint('node.platform.arch == arm64')];
    expect(placing([many('w', 2, { constraints })], agents).at).toEqual(['w-1 c', 'w-2 c']);
  });

  test('a container moves when they forbid its agent, and stays on one that is offline while they allow it', () => {
    const constraints = [constraint('node.labels.zone == eu')];
    const agents = [inZone('a', 'us'), inZone('b', 'eu', { online: false }), inZone('c', 'eu')];
    const before = { 'w-1': 'a', 'w-2': 'b' };
    expect(placing([many('w', 2, { constraints })], agents, before).at).toEqual(['w-1 c', 'w-2 b']);
  });
});

describe('host ports', () => {
  const web = (replicas: number, port = portOf(80)) => many('w', replicas, { container: { ports: [port] } });

  test('those of other stacks are avoided', () => {
    expect(placing([web(1)], [agent('a', { taken: [taken(80)] }), agent('b', { load: 9 })]).at).toEqual(['w-1 b']);
  });

  test.each([
    [portOf(81), 'a'],
    [portOf(80, null, 'udp'), 'a'],
    [portOf(80, '10.0.0.2'), 'a'],
    [portOf(80, '10.0.0.1'), 'b'],
    [portOf(80, '0.0.0.0'), 'b'],
    [portOf(80, '::'), 'a'],
    [portOf(null), 'a'],
  ])('%j beside 10.0.0.1:80 goes to %s', (port, at) => {
    const agents = [agent('a', { taken: [taken(80, '10.0.0.1')] }), agent('b', { load: 9 })];
    expect(placing([web(1, port)], agents).at).toEqual([`w-1 ${at}`]);
  });

  test('those of the stack itself, too: replicas, other services, and what names its host later in the file', () => {
    const agents = [agent('a'), agent('b'), agent('c')];
    expect(placing([web(2)], agents).at).toEqual(['w-1 a', 'w-2 b']);
    const proxy = serviceOf('proxy', { host: 'a', container: { ports: [portOf(80)] } });
    expect(placing([web(2), proxy], agents).at).toEqual(['w-1 b', 'w-2 c', 'proxy a']);
    const { at, codes } = placing([web(3), proxy], agents);
    expect(at).toEqual(['w-1 b', 'w-2 c', 'proxy a']);
    expect(codes).toEqual(['NO_AGENT_FITS w']);
  });

  test('a container moves when its port was taken', () => {
    expect(placing([web(1)], [agent('a', { taken: [taken(80)] }), agent('b')], { 'w-1': 'a' }).at).toEqual(['w-1 b']);
  });
});

describe('at most so many on an agent', () => {
  test('the rest does not fit', () => {
    const { at, problems } = placing([many('w', 5, { maxReplicasPerNode: 2 })], [agent('a'), agent('b')]);
    expect(at).toEqual(['w-1 a', 'w-2 b', 'w-3 a', 'w-4 b']);
    expect(problems[0]?.message).toBe(
      'only 4 of the 5 containers of "w" find an agent: a: has 2 replicas already; b: has 2 replicas already',
    );
  });

  test('also for those that were there before', () => {
    const before = { 'w-1': 'a', 'w-2': 'a', 'w-3': 'a' };
    expect(placing([many('w', 3, { maxReplicasPerNode: 2 })], [agent('a'), agent('b')], before).at).toEqual([
      'w-1 a',
      'w-2 a',
      'w-3 b',
    ]);
  });

  test('0 is no limit', () => {
    expect(placing([many('w', 2, { maxReplicasPerNode: 0 })], [agent('a')]).codes).toEqual([]);
  });
});

describe('spread', () => {
  const spread = ['node.labels.zone'];
  const agents = [inZone('a', 'x'), inZone('b', 'x'), inZone('c', 'x'), inZone('d', 'y')];

  test('over the values of an attribute, whatever the load and the number of agents', () => {
    const loaded = agents.map((one) => (one.name === 'd' ? { ...one, load: 99 } : one));
    expect(placing([many('w', 6, { spread })], loaded).at).toEqual([
      'w-1 a',
      'w-2 d',
      'w-3 b',
      'w-4 d',
      'w-5 c',
      'w-6 d',
    ]);
  });

  test('without a preference: over the agents, the least loaded first', () => {
    const loaded = [agent('a', { load: 3 }), agent('b', { load: 2 }), agent('c', { load: 1 })];
    expect(placing([many('w', 4)], loaded).at).toEqual(['w-1 c', 'w-2 b', 'w-3 a', 'w-4 c']);
  });

  test('the first preference goes before the second', () => {
    const racks = [
      agent('a', { labels: { zone: 'x', rack: '1' } }),
      agent('b', { labels: { zone: 'x', rack: '1' } }),
      agent('c', { labels: { zone: 'x', rack: '2' } }),
      agent('d', { labels: { zone: 'y', rack: '1' } }),
    ];
    const both = ['node.labels.zone', 'node.labels.rack'];
    const { at } = placing([many('w', 6, { spread: both })], racks);
    // x/1 a, y/1 d, x/2 c, y/1 d, and again x/1, where b has none.
    expect(at).toEqual(['w-1 a', 'w-2 d', 'w-3 c', 'w-4 d', 'w-5 b', 'w-6 d']);
  });

  test('agents without the label are one group', () => {
    expect(placing([many('w', 4, { spread })], [agent('a'), agent('b'), inZone('c', 'y')]).at).toEqual([
      'w-1 a',
      'w-2 c',
      'w-3 b',
      'w-4 c',
    ]);
  });

  test('those that stayed count, also on agents that are offline', () => {
    const off = agents.map((one) => (one.name === 'd' ? { ...one, online: false } : one));
    const both = [...off, inZone('e', 'y')];
    const before = { 'w-1': 'd', 'w-2': 'd' };
    expect(placing([many('w', 4, { spread })], both, before).at).toEqual(['w-1 d', 'w-2 d', 'w-3 a', 'w-4 b']);
  });

  test('a full group is left out', () => {
    expect(placing([many('w', 3, { spread, maxReplicasPerNode: 1 })], agents).at).toEqual(['w-1 a', 'w-2 d', 'w-3 b']);
  });
});

describe('where nothing fits', () => {
  const agents = [
    inZone('vm1', 'eu', { online: false }),
    inZone('vm2', 'us'),
    inZone('vm3', 'eu', { taken: [taken(80)] }),
    agent('vm4', { online: false }),
  ];
  const web = serviceOf('web', {
    constraints: [constraint('node.labels.zone == eu')],
    container: { ports: [portOf(80)] },
  });

  test('every agent is there with its reasons', () => {
    const { problems } = placing([web, serviceOf('other')], agents);
    expect(problems).toEqual([
      {
        code: 'NO_AGENT_FITS',
        service: 'web',
        message: expect.any(String),
        reasons: [
          { agent: 'vm1', reason: 'offline' },
          { agent: 'vm2', reason: 'constraint node.labels.zone == eu not met: has "us"' },
          { agent: 'vm3', reason: 'port 80/tcp taken by "other-1" of the stack "other"' },
          { agent: 'vm4', reason: 'offline, constraint node.labels.zone == eu not met: has none' },
        ],
      },
    ]);
    expect(problems[0]?.message).toBe(
      'no agent fits "web": vm1: offline; vm2: constraint node.labels.zone == eu not met: has "us"; ' +
        'vm3: port 80/tcp taken by "other-1" of the stack "other"; ' +
        'vm4: offline, constraint node.labels.zone == eu not met: has none',
    );
  });

  test('a port of the stack itself', () => {
    const twice = many('web', 2, { container: { ports: [portOf(80)] } });
    expect(placing([twice], [agent('a')]).problems[0]?.message).toBe(
      'only 1 of the 2 containers of "web" find an agent: a: port 80/tcp taken by "web-1" of this stack',
    );
  });

  test('nobody is online', () => {
    const { problems } = placing([web], agents.slice(0, 1));
    expect(problems).toMatchObject([{ code: 'NO_AGENT_AVAILABLE', reasons: [{ agent: 'vm1', reason: 'offline' }] }]);
  });
});
