import { describe, expect, test } from 'vitest';
import { allSeen, inputOf, plan, seen, shape } from '../../../support/planning/plans.ts';

describe('DELETE', () => {
  test('in reverse, everything that is or may be somewhere, then a CLEAN on every host it ever was on', () => {
    const input = inputOf(
      [
        ['web', 'vm1', { dependsOn: ['db'] }],
        ['db', 'vm2'],
      ],
      {
        kind: 'DELETE',
        observed: [seen('vm3', 'old'), seen('vm1', 'web.graphium-previous')],
        inWork: [{ agentId: 'vm3', name: 'making' }],
        involved: ['vm1', 'vm2', 'vm4'],
      },
    );
    expect(shape(input)).toEqual({
      'DELETE vm1 web': [],
      'DELETE vm2 db': ['DELETE vm1 web'],
      'DELETE vm3 making': [],
      'DELETE vm3 old': [],
      'CLEAN vm1': ['DELETE vm1 web'],
      'CLEAN vm2': ['DELETE vm2 db'],
      'CLEAN vm4': [],
      'CLEAN vm3': ['DELETE vm3 making', 'DELETE vm3 old'],
    });
  });

  test('takes volumes only when asked, and never what is external', () => {
    for (const removeVolumes of [false, true]) {
      const input = inputOf([['a', 'vm1']], { kind: 'DELETE', removeVolumes });
      input.spec.volumes.push({ name: 'shop_data' }, { name: 'shared', external: true });
      const [own] = input.spec.networks;
      if (own) input.spec.networks.push({ ...own, name: 'corporate', external: true });
      const clean = plan(input).tasks.find((task) => task.kind === 'CLEAN');
      const volumes = removeVolumes ? ['shop_data'] : [];
      expect(clean?.spec).toEqual({ version: 1, networks: ['shop_default'], volumes, upTo: 7 });
    }
  });
});

test('a removal takes nothing newer than what is known when it is asked for', () => {
  const input = inputOf([['a', 'vm1']], { kind: 'DELETE', observed: [seen('vm1', 'a', { revision: 9 })] });
  expect(plan(input).tasks.map(({ spec }) => spec)).toMatchObject([{ upTo: 9 }, { upTo: 9 }]);
});

describe('what is not wanted', () => {
  const wanted = inputOf([['a', 'vm1']]);
  const observed = [
    ...allSeen(wanted),
    seen('vm1', 'a.graphium-previous'),
    seen('vm1', 'b'),
    seen('vm1', 'b.graphium-previous'),
    seen('vm2', 'a'),
  ];
  test('is removed once, with what an agent keeps of it, and nothing else is', () => {
    expect(shape({ ...wanted, observed, kind: 'REMOVE_ORPHANS' })).toEqual({ 'DELETE vm1 b': [], 'DELETE vm2 a': [] });
  });

  test('is removed only where it was said so', () => {
    const orphans = new Set(['vm1:b']);
    expect(Object.keys(shape({ ...wanted, observed, kind: 'REMOVE_ORPHANS', orphans }))).toEqual(['DELETE vm1 b']);
  });
});

test('a host that is offline holds up the removals of no other', () => {
  const input = inputOf(
    [
      ['a', 'vm1'],
      ['b', 'vm2'],
    ],
    {
      images: [
        { agentId: 'vm1', image: 'nginx' },
        { agentId: 'vm2', image: 'nginx' },
      ],
      online: new Set(['vm1']),
    },
  );
  const observed = [seen('vm1', 'old'), seen('vm2', 'old')];
  expect(shape({ ...input, observed })).toMatchObject({
    'DELETE vm1 old': ['DEPLOY vm1 a'],
    'DELETE vm2 old': ['DEPLOY vm1 a', 'DEPLOY vm2 b'],
  });
});

test('no plan waits for itself', () => {
  for (const kind of ['DEPLOY', 'ROLLBACK', 'REPAIR', 'RESTART', 'START', 'STOP', 'DELETE'] as const) {
    const { tasks } = plan(
      inputOf(
        [
          ['a', 'vm1', { dependsOn: ['b', 'c'] }],
          ['b', 'vm2', { dependsOn: ['c'] }],
          ['c', 'vm1'],
        ],
        {
          kind,
          observed: [seen('vm1', 'x')],
        },
      ),
    );
    const done = new Set<string>();
    for (let round = 0; round < tasks.length; round++)
      for (const task of tasks) if (task.blockedBy.every(({ key }) => done.has(key))) done.add(task.key);
    expect(done.size, kind).toBe(tasks.length);
  }
});
