import { describe, expect, test } from 'vitest';
import { plan } from '../../server/deployments/plan.ts';
import { hashOf } from '../../server/stacks/hash.ts';
import { inputOf, shapeOf } from './plans.ts';

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
