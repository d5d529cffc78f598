import { describe, expect, test } from 'vitest';
import { plan, planUnwanted } from '../../server/deployments/plan.ts';
import { inputOf, shapeOf } from './plans.ts';

describe('DELETE', () => {
  test('in reverse, everything that is or may be somewhere, then a CLEAN on every host it ever was on', () => {
    const present = [
      { agentId: 'vm3', name: 'old' },
      { agentId: 'vm1', name: 'web.graphium-previous' },
    ];
    const input = inputOf(
      [
        ['web', 'vm1', { dependsOn: ['db'] }],
        ['db', 'vm2'],
      ],
      { kind: 'DELETE', present, involved: ['vm1', 'vm2', 'vm4'] },
    );
    expect(shapeOf(plan(input))).toEqual({
      'DELETE vm1 web': [],
      'DELETE vm2 db': ['DELETE vm1 web'],
      'DELETE vm3 old': [],
      'CLEAN vm1': ['DELETE vm1 web'],
      'CLEAN vm2': ['DELETE vm2 db'],
      'CLEAN vm4': [],
      'CLEAN vm3': ['DELETE vm3 old'],
    });
  });

  test('takes volumes only when asked', () => {
    for (const removeVolumes of [false, true]) {
      const input = inputOf([['a', 'vm1']], { kind: 'DELETE', removeVolumes });
      input.spec.volumes.push({ name: 'shop_data' });
      const clean = plan(input).find((task) => task.kind === 'CLEAN');
      expect(clean?.spec).toEqual({
        version: 1,
        networks: ['shop_default'],
        volumes: removeVolumes ? ['shop_data'] : [],
      });
    }
  });
});

test('unwanted: what is there and not placed there; each once; not what an agent keeps while it replaces', () => {
  const { placed } = inputOf([['a', 'vm1']]);
  const present = [
    { agentId: 'vm1', name: 'a' },
    { agentId: 'vm1', name: 'a.graphium-previous' },
    { agentId: 'vm1', name: 'b.graphium-previous' },
    { agentId: 'vm2', name: 'a' },
    { agentId: 'vm2', name: 'a' },
  ];
  expect(shapeOf(planUnwanted({ placed, present }))).toEqual({
    'DELETE vm1 b.graphium-previous': [],
    'DELETE vm2 a': [],
  });
});

test('no plan waits for itself', () => {
  for (const kind of ['DEPLOY', 'START', 'STOP', 'DELETE'] as const) {
    const present = [{ agentId: 'vm1', name: 'x' }];
    const tasks = plan(
      inputOf(
        [
          ['a', 'vm1', { dependsOn: ['b', 'c'] }],
          ['b', 'vm2', { dependsOn: ['c'] }],
          ['c', 'vm1'],
        ],
        { kind, present },
      ),
    );
    const done = new Set<string>();
    for (let round = 0; round < tasks.length; round++)
      for (const task of tasks) if (task.blockedBy.every((key) => done.has(key))) done.add(task.key);
    expect(done.size, kind).toBe(tasks.length);
  }
});
