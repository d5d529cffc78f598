import { expect, test } from 'vitest';
import { findConflicts, type Neighbour } from '../../../../server/planning/conflicts.ts';
import { containerOf, portOf, serviceOf } from '../../../support/planning/stories.ts';

type Ports = ReturnType<typeof portOf>[];
const placed = (name: string, ports: Ports, agentId = 'vm1', more: { service?: string } = {}) => ({
  service: serviceOf(more.service ?? name),
  container: containerOf(name, { service: name, ...more, ports }),
  agentId,
});
const neighbour = (name: string, ports: Ports, agentId = 'vm1'): Neighbour => ({
  stack: 'other',
  agentId,
  container: { name, ports },
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
  expect(findConflicts([placed('a', mine)], [neighbour('b', theirs)]).map(({ code }) => code)).toEqual(codes);
  expect(findConflicts([placed('a', mine)], [neighbour('b', theirs, 'vm2')])).toEqual([]);
  // The same within a stack.
  expect(
    findConflicts([placed('a', mine), placed('b', theirs)], []).map(({ code, service }) => `${code} ${service}`),
  ).toEqual(codes.map((code) => `${code} b`));
  expect(findConflicts([placed('a', mine), placed('b', theirs, 'vm2')], [])).toEqual([]);
});

test('the same container name on the same host', () => {
  expect(findConflicts([placed('a', [])], [neighbour('a', [])])).toMatchObject([{ code: 'NAME_IN_USE', service: 'a' }]);
  expect(findConflicts([placed('a', [])], [neighbour('a', [], 'vm2')])).toEqual([]);
});

test('replicas of one service that publish one port of one host', () => {
  const replica = (n: number, agentId: string) => placed(`web-${n}`, [portOf(80)], agentId, { service: 'web' });
  expect(findConflicts([replica(1, 'vm1'), replica(2, 'vm2')], [])).toEqual([]);
  const clashes = findConflicts([replica(1, 'vm1'), replica(2, 'vm1')], []);
  expect(clashes).toMatchObject([{ code: 'PORT_IN_USE', service: 'web' }]);
  expect(clashes[0]?.message).toMatch(/"web-2" cannot publish port 80\/tcp.*"web-1".*more hosts/);
});

test('each port that is taken, and by whom', () => {
  const clashes = findConflicts(
    [placed('a', [portOf(1), portOf(2), portOf(3)])],
    [neighbour('b', [portOf(3), portOf(1)])],
  );
  expect(clashes.map(({ message }) => message)).toEqual([
    'port 1/tcp of that host is already published by "b" of the stack "other"',
    'port 3/tcp of that host is already published by "b" of the stack "other"',
  ]);
});

test('many containers on one host are compared by index, not each with each', () => {
  const mine = Array.from({ length: 2_000 }, (_, n) => placed(`a${n}`, [portOf(10_000 + n)]));
  const theirs = Array.from({ length: 2_000 }, (_, n) => neighbour(`b${n}`, [portOf(20_000 + n)]));
  const took = [1, 2, 3].map(() => {
    const from = performance.now();
    expect(findConflicts(mine, theirs)).toEqual([]);
    return performance.now() - from;
  });
  expect(Math.min(...took)).toBeLessThan(100);
});
