import { expect, test } from 'vitest';
import { type Candidate, place } from '../../server/deployments/placement.ts';
import { serviceOf, specOf } from './stories.ts';

const agent = (name: string, more: Partial<Candidate> = {}): Candidate => ({
  id: `id-${name}`,
  name,
  online: true,
  load: 0,
  ...more,
});
const where = (hosts: (string | null)[], agents: Candidate[], previous: Record<string, string> = {}) => {
  const services = hosts.map((host, n) => serviceOf(`s${n}`, { host }));
  const { placed, problems } = place(specOf('x', services), agents, new Map(Object.entries(previous)));
  return {
    at: placed.map(({ service, agentId }) => `${service.name} ${agentId}`),
    problems: problems.map(({ code, service }) => `${code} ${service}`),
  };
};

test.each<[string, Parameters<typeof where>, string[], string[]]>([
  ['a named host, online', [['b'], [agent('a'), agent('b')]], ['s0 id-b'], []],
  ['a named host that is offline is waited for', [['b'], [agent('a'), agent('b', { online: false })]], ['s0 id-b'], []],
  ['a host that is not known', [['z', 'a'], [agent('a')]], ['s1 id-a'], ['UNKNOWN_HOST s0']],
  ['every problem is told', [['y', 'z'], []], [], ['UNKNOWN_HOST s0', 'UNKNOWN_HOST s1']],
  [
    'no host: the one with the fewest containers',
    [[null], [agent('a', { load: 2 }), agent('b', { load: 1 })]],
    ['s0 id-b'],
    [],
  ],
  ['equal load: by name, whatever the order', [[null], [agent('b'), agent('a')]], ['s0 id-a'], []],
  [
    'spread counts what it places',
    [
      [null, null, null],
      [agent('a'), agent('b')],
    ],
    ['s0 id-a', 's1 id-b', 's2 id-a'],
    [],
  ],
  [
    'spread counts what names its host',
    [
      ['a', null],
      [agent('a'), agent('b')],
    ],
    ['s0 id-a', 's1 id-b'],
    [],
  ],
  ['no host: only online ones', [[null], [agent('a', { online: false }), agent('b', { load: 9 })]], ['s0 id-b'], []],
  ['nobody is online', [[null], [agent('a', { online: false })]], [], ['NO_AGENT_AVAILABLE s0']],
  [
    'it stays where it is, loaded or offline',
    [[null], [agent('a'), agent('b', { load: 9, online: false })], { s0: 'id-b' }],
    ['s0 id-b'],
    [],
  ],
  ['it moves when its agent is gone', [[null], [agent('a')], { s0: 'id-gone' }], ['s0 id-a'], []],
  ['a name in the file beats where it was', [['a'], [agent('a'), agent('b')], { s0: 'id-b' }], ['s0 id-a'], []],
])('%s', (_name, args, at, problems) => {
  expect(where(...args)).toEqual({ at, problems });
});

test('the message says which agents there are', () => {
  const { problems } = place(specOf('x', [serviceOf('s', { host: 'vm9' })]), [agent('vm1'), agent('vm2')], new Map());
  expect(problems[0]?.message).toMatch(/"s".*"vm9".*vm1, vm2/);
});
