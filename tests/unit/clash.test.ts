import { expect, test } from 'vitest';
import { findClashes, type Neighbour } from '../../server/stacks/clash.ts';
import { portOf, serviceOf, specOf } from './stories.ts';

type Ports = ReturnType<typeof portOf>[];
const placed = (name: string, ports: Ports, agentId = 'vm1') => ({
  service: serviceOf(name, { container: { ports } }),
  agentId,
});
const neighbour = (name: string, ports: Ports, agentId = 'vm1'): Neighbour => ({
  stack: 'other',
  agentId,
  containerName: name,
  spec: specOf('other', [serviceOf(name, { container: { ports } })]),
});

test.each<[string, Ports, Ports, boolean]>([
  ['the same port', [portOf(80)], [portOf(80)], true],
  ['another port', [portOf(80)], [portOf(81)], false],
  ['another protocol', [portOf(80)], [portOf(80, null, 'udp')], false],
  ['no host port', [portOf(null)], [portOf(null)], false],
  ['all addresses and one', [portOf(80)], [portOf(80, '127.0.0.1')], true],
  ['one and all addresses', [portOf(80, '127.0.0.1')], [portOf(80)], true],
  ['two addresses', [portOf(80, '127.0.0.1')], [portOf(80, '10.0.0.1')], false],
  ['the same address', [portOf(80, '10.0.0.1')], [portOf(80, '10.0.0.1')], true],
  ['0.0.0.0 and one', [portOf(80, '0.0.0.0')], [portOf(80, '10.0.0.1')], true],
  [':: and one of IPv4', [portOf(80, '::')], [portOf(80, '10.0.0.1')], false],
  [':: and ::1, written out', [portOf(80, '::')], [portOf(80, '0:0:0:0:0:0:0:1')], true],
  ['the second of several', [portOf(1), portOf(2)], [portOf(3), portOf(2)], true],
])('%s', (_name, mine, theirs, isClash) => {
  const codes = isClash ? ['PORT_IN_USE'] : [];
  expect(findClashes([placed('a', mine)], [neighbour('b', theirs)]).map(({ code }) => code)).toEqual(codes);
  expect(findClashes([placed('a', mine)], [neighbour('b', theirs, 'vm2')])).toEqual([]);
  // The same within a stack.
  expect(
    findClashes([placed('a', mine), placed('b', theirs)], []).map(({ code, service }) => `${code} ${service}`),
  ).toEqual(codes.map((code) => `${code} b`));
  expect(findClashes([placed('a', mine), placed('b', theirs, 'vm2')], [])).toEqual([]);
});

test('the same container name on the same host', () => {
  expect(findClashes([placed('a', [])], [neighbour('a', [])])).toMatchObject([{ code: 'NAME_IN_USE', service: 'a' }]);
  expect(findClashes([placed('a', [])], [neighbour('a', [], 'vm2')])).toEqual([]);
});
