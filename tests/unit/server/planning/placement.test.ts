import { describe, expect, test } from 'vitest';
import { containersOf } from '../../../../server/planning/placed.ts';
import { agent, many, placing, taken } from '../../../support/planning/placing.ts';
import { portOf, serviceOf } from '../../../support/planning/stories.ts';

const where = (hosts: (string | null)[], ...rest: [Parameters<typeof placing>[1], Record<string, string>?]) => {
  const { at, codes } = placing(
    hosts.map((host, n) => serviceOf(`s${n}`, { host })),
    ...rest,
  );
  return { at, codes };
};

test.each<[string, Parameters<typeof where>, string[], string[]]>([
  ['a named host, online', [['b'], [agent('a'), agent('b')]], ['s0 b'], []],
  ['a named host that is offline is waited for', [['b'], [agent('a'), agent('b', { online: false })]], ['s0 b'], []],
  ['a host that is not known', [['z', 'a'], [agent('a')]], ['s1 a'], ['UNKNOWN_HOST s0']],
  ['every problem is told', [['y', 'z'], []], [], ['UNKNOWN_HOST s0', 'UNKNOWN_HOST s1']],
  [
    'no host: the one with the fewest containers',
    [[null], [agent('a', { load: 2 }), agent('b', { load: 1 })]],
    ['s0 b'],
    [],
  ],
  ['equal load: by name, whatever the order', [[null], [agent('b'), agent('a')]], ['s0 a'], []],
  [
    'what is placed counts',
    [
      [null, null, null],
      [agent('a'), agent('b')],
    ],
    ['s0 a', 's1 b', 's2 a'],
    [],
  ],
  [
    'what names its host counts, also when it comes later',
    [
      [null, 'a'],
      [agent('a'), agent('b')],
    ],
    ['s0 b', 's1 a'],
    [],
  ],
  ['no host: only online ones', [[null], [agent('a', { online: false }), agent('b', { load: 9 })]], ['s0 b'], []],
  ['nobody is online', [[null], [agent('a', { online: false })]], [], ['NO_AGENT_AVAILABLE s0']],
  ['nobody is there', [[null], []], [], ['NO_AGENT_AVAILABLE s0']],
  [
    'it stays where it is, loaded or offline',
    [[null], [agent('a'), agent('b', { load: 9, online: false })], { s0: 'b' }],
    ['s0 b'],
    [],
  ],
  ['it moves when its agent is gone', [[null], [agent('a')], { s0: 'gone' }], ['s0 a'], []],
  ['a name in the file beats where it was', [['a'], [agent('a'), agent('b')], { s0: 'b' }], ['s0 a'], []],
])('%s', (_name, args, at, codes) => {
  expect(where(...args)).toEqual({ at, codes });
});

test('the message says which agents there are', () => {
  const { problems } = placing([serviceOf('s', { host: 'vm9' })], [agent('vm1'), agent('vm2')]);
  expect(problems[0]?.message).toMatch(/"s".*"vm9".*vm1, vm2/);
});

describe('the containers of a service', () => {
  const namesOf = (service: Parameters<typeof containersOf>[0]) =>
    containersOf(service).map(({ name, replica }) => `${name} ${replica}`);

  test.each([
    ['one with a name of its own', serviceOf('a'), ['a 1']],
    ['several', many('a', 3), ['a-1 1', 'a-2 2', 'a-3 3']],
    ['none', many('a', 0), []],
    ['none of one', serviceOf('a', { replicas: 0 }), []],
    ['no number is one', serviceOf('a', { nameBase: 'a', container: { name: 'a-1' } }), ['a-1 1']],
  ])('%s', (_name, service, names) => {
    expect(namesOf(service)).toEqual(names);
  });

  test('they are the same but for name and number', () => {
    const [first, second] = containersOf(many('a', 2, { container: { image: 'x' } }));
    expect({ ...second, name: first?.name, replica: 1 }).toEqual(first);
    expect(second?.networks).toEqual([{ name: 'shop_default', aliases: ['a'] }]);
  });

  test('all of them go to the host that the service names, online or not', () => {
    const agents = [agent('a'), agent('b', { online: false, taken: [taken(80)] })];
    expect(placing([many('w', 3, { host: 'b' })], agents).at).toEqual(['w-1 b', 'w-2 b', 'w-3 b']);
  });

  test('the result has them in the order of the file and their numbers, whoever stayed', () => {
    const { at } = placing([many('w', 3), serviceOf('a')], [agent('a'), agent('b')], { 'w-3': 'a', 'w-1': 'b' });
    expect(at).toEqual(['w-1 b', 'w-2 a', 'w-3 a', 'a b']);
  });
});

describe('scaling', () => {
  const agents = [agent('a'), agent('b'), agent('c')];

  test('up moves none, even when the agents are unevenly loaded by then', () => {
    const first = placing([many('w', 2), serviceOf('db')], agents);
    expect(first.at).toEqual(['w-1 a', 'w-2 b', 'db c']);
    const loaded = [agent('a', { load: 50 }), agent('b', { load: 50 }), agent('c')];
    expect(placing([many('w', 4), serviceOf('db')], loaded, first.next).at).toEqual([
      'w-1 a',
      'w-2 b',
      'w-3 c',
      'w-4 c',
      'db c',
    ]);
  });

  test('down leaves the lowest numbers where they are', () => {
    const { next } = placing([many('w', 5)], agents);
    expect(placing([many('w', 2)], agents, next).at).toEqual(['w-1 a', 'w-2 b']);
  });

  test('what is new in one service does not take the port of what is there in the next', () => {
    const web = many('web', 1, { container: { ports: [portOf(80)] } });
    const api = many('api', 1, { container: { ports: [portOf(80)] } });
    expect(placing([web, api], [agent('a', { load: 0 }), agent('b', { load: 9 })], { 'api-1': 'a' }).at).toEqual([
      'web-1 b',
      'api-1 a',
    ]);
  });
});

test('a thousand services find their places and are spread evenly over a hundred agents', () => {
  const agents = Array.from({ length: 100 }, (_, n) =>
    agent(`vm${n}`, {
      labels: { zone: `z${n % 5}` },
      taken: Array.from({ length: 20 }, (_, port) => taken(1_000 + port)),
    }),
  );
  const services = Array.from({ length: 1_000 }, (_, n) =>
    serviceOf(`s${n}`, {
      constraints: [{ attribute: 'node.labels.zone', operator: '!=', value: `z${n % 5}` }],
      spread: ['node.labels.zone'],
      container: { ports: [portOf(2_000 + (n % 50))] },
    }),
  );
  const { placed, problems } = placing(services, agents);
  expect(problems).toEqual([]);
  expect(placed).toHaveLength(1_000);
  const loads = [...Map.groupBy(placed, ({ agentId }) => agentId).values()].map(({ length }) => length);
  expect(loads).toHaveLength(100);
  expect(Math.min(...loads)).toBeGreaterThanOrEqual(9);
  expect(Math.max(...loads)).toBeLessThanOrEqual(11);
});
