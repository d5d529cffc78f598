import { describe, expect, test } from 'vitest';
import type { Placed } from '../../server/deployments/placement.ts';
import { type PlanInput, type PlannedTask, plan, planUnwanted } from '../../server/deployments/plan.ts';
import { hashOf } from '../../server/stacks/hash.ts';
import { serviceOf, specOf } from './stories.ts';

type Wanted = [name: string, agentId: string, more?: { dependsOn?: string[]; image?: string }];

function inputOf(wanted: Wanted[], more: Partial<PlanInput> = {}): PlanInput {
  const services = wanted.map(([name, host, { dependsOn = [], image = 'nginx' } = {}]) =>
    serviceOf(name, { host, dependsOn, container: { image } }),
  );
  const placed = services.map((service): Placed => ({ service, agentId: service.host ?? '' }));
  const agents = [...new Set(placed.map(({ agentId }) => agentId))];
  return {
    kind: 'DEPLOY',
    spec: specOf('shop', services),
    revision: 7,
    placed,
    present: [],
    involved: agents,
    online: new Set(agents),
    removeVolumes: false,
    ...more,
  };
}
/** `KIND agent what` of each task with what it waits for, in the order of the plan. */
function shapeOf(tasks: PlannedTask[]): Record<string, string[]> {
  const name = (task: PlannedTask) =>
    `${task.kind} ${task.agentId}${task.kind === 'PULL' ? ` ${task.image}` : task.containerName ? ` ${task.containerName}` : ''}`;
  const names = new Map(tasks.map((task) => [task.key, name(task)]));
  expect(names.size).toBe(tasks.length);
  return Object.fromEntries(
    tasks.map((task) => [name(task), task.blockedBy.map((key) => names.get(key) ?? `?? ${key}`).toSorted()]),
  );
}

describe('DEPLOY', () => {
  test('every image is on every host before any container is touched', () => {
    expect(
      shapeOf(
        plan(
          inputOf([
            ['a', 'vm1'],
            ['b', 'vm2'],
            ['c', 'vm2', { image: 'redis' }],
          ]),
        ),
      ),
    ).toEqual({
      'PULL vm1 nginx': [],
      'PULL vm2 nginx': [],
      'PULL vm2 redis': [],
      'DEPLOY vm1 a': ['PULL vm1 nginx', 'PULL vm2 nginx', 'PULL vm2 redis'],
      'DEPLOY vm2 b': ['PULL vm1 nginx', 'PULL vm2 nginx', 'PULL vm2 redis'],
      'DEPLOY vm2 c': ['PULL vm1 nginx', 'PULL vm2 nginx', 'PULL vm2 redis'],
    });
  });

  test('a host that is offline gates itself and no other', () => {
    expect(
      shapeOf(
        plan(
          inputOf(
            [
              ['a', 'vm1'],
              ['b', 'vm2'],
            ],
            { online: new Set(['vm1']) },
          ),
        ),
      ),
    ).toEqual({
      'PULL vm1 nginx': [],
      'PULL vm2 nginx': [],
      'DEPLOY vm1 a': ['PULL vm1 nginx'],
      'DEPLOY vm2 b': ['PULL vm1 nginx', 'PULL vm2 nginx'],
    });
  });

  test('two hosts that are offline do not gate one another', () => {
    const shape = shapeOf(
      plan(
        inputOf(
          [
            ['a', 'vm1'],
            ['b', 'vm2'],
          ],
          { online: new Set() },
        ),
      ),
    );
    expect(shape['DEPLOY vm1 a']).toEqual(['PULL vm1 nginx']);
    expect(shape['DEPLOY vm2 b']).toEqual(['PULL vm2 nginx']);
  });

  test('one image is pulled once a host', () => {
    expect(
      plan(
        inputOf([
          ['a', 'vm1'],
          ['b', 'vm1'],
        ]),
      ).filter((task) => task.kind === 'PULL'),
    ).toHaveLength(1);
  });

  test('dependencies come first, on whichever host', () => {
    const shape = shapeOf(
      plan(
        inputOf([
          ['web', 'vm1', { dependsOn: ['api'] }],
          ['api', 'vm2', { dependsOn: ['db'] }],
          ['db', 'vm1'],
        ]),
      ),
    );
    expect(shape['DEPLOY vm1 web']).toContain('DEPLOY vm2 api');
    expect(shape['DEPLOY vm2 api']).toContain('DEPLOY vm1 db');
    expect(shape['DEPLOY vm1 db']?.filter((name) => name.startsWith('DEPLOY'))).toEqual([]);
  });

  test('what goes makes room first, on its own host, and only after the images are there', () => {
    const present = [
      { agentId: 'vm1', name: 'old' },
      { agentId: 'vm2', name: 'a' },
      { agentId: 'vm1', name: 'a' },
    ];
    const shape = shapeOf(
      plan(
        inputOf(
          [
            ['a', 'vm1'],
            ['b', 'vm2'],
          ],
          { present },
        ),
      ),
    );
    expect(shape['DELETE vm1 old']).toEqual(['PULL vm1 nginx', 'PULL vm2 nginx']);
    expect(shape['DEPLOY vm1 a']).toEqual(['DELETE vm1 old', 'PULL vm1 nginx', 'PULL vm2 nginx']);
    // It moved away from vm2.
    expect(shape['DELETE vm2 a']).toBeDefined();
    expect(shape['DELETE vm1 a']).toBeUndefined();
    expect(shape['DEPLOY vm2 b']).toContain('DELETE vm2 a');
    expect(shape['DEPLOY vm2 b']).not.toContain('DELETE vm1 old');
  });

  test('a task carries all that its agent needs, and the hash of its container alone', () => {
    const input = inputOf([['a', 'vm1']]);
    input.spec.networks.push({
      name: 'shop_other',
      driver: 'bridge',
      subnet: null,
      gateway: null,
      ipRange: null,
      labels: {},
    });
    input.spec.volumes.push({ name: 'shop_unused' });
    const deploy = plan(input).find((task) => task.kind === 'DEPLOY');
    const { container } = input.spec.services[0] ?? {};
    expect(deploy?.spec).toEqual({
      version: 1,
      revision: 7,
      specHash: hashOf(container),
      container,
      networks: [input.spec.networks[0]],
      volumes: [],
    });
    const later = plan({ ...input, revision: 8 }).find((task) => task.kind === 'DEPLOY');
    expect(later?.spec).toMatchObject({ revision: 8, specHash: hashOf(container) });
  });
});

describe('START and RESTART', () => {
  test.each(['START', 'RESTART'] as const)('%s in the order of dependencies, without pulling', (kind) => {
    expect(
      shapeOf(
        plan(
          inputOf(
            [
              ['web', 'vm1', { dependsOn: ['db'] }],
              ['db', 'vm2'],
            ],
            { kind },
          ),
        ),
      ),
    ).toEqual({
      [`${kind} vm1 web`]: [`${kind} vm2 db`],
      [`${kind} vm2 db`]: [],
    });
  });
});

test('STOP: who depends on a service stops before it', () => {
  expect(
    shapeOf(
      plan(
        inputOf(
          [
            ['web', 'vm1', { dependsOn: ['db'] }],
            ['db', 'vm2'],
          ],
          { kind: 'STOP' },
        ),
      ),
    ),
  ).toEqual({
    'STOP vm1 web': [],
    'STOP vm2 db': ['STOP vm1 web'],
  });
});

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
