import { describe, expect, test } from 'vitest';
import {
  allSeen,
  inputOf,
  on,
  type PlanInput,
  plan,
  seen,
  shape,
  type Wanted,
} from '../../../support/planning/plans.ts';
import { portOf } from '../../../support/planning/stories.ts';

/** Where the order of a plan is less than obvious; tests/unit/plan-properties.test.ts holds what is true of all orders. */
const images = ['vm1', 'vm2'].map((agentId) => ({ agentId, image: 'nginx' }));
const port = (hostPort: number) => ({ container: { ports: [portOf(hostPort)] } });
const job = { container: { restart: { name: 'no' as const, maximumRetryCount: 0 } } };

describe('who takes a port waits for whoever may have it', () => {
  const input = inputOf(
    [
      ['a', 'vm1', port(81)],
      ['b', 'vm1', port(80)],
    ],
    { images },
  );
  const [a] = allSeen(input);
  const waits = (more: Partial<PlanInput>) => shape({ ...input, ...more })['DEPLOY vm1 b'];

  test('also for what an agent still keeps of a replaced container', () => {
    const kept = seen('vm1', 'a.graphium-previous', { ports: [portOf(80)] });
    expect(waits({ observed: [kept] })).toEqual(['STOP vm1 a']);
    expect(waits({ observed: a ? [a, kept] : [] })).toEqual(['STOP vm1 a']);
  });

  test('also for what ends again and again, of which Docker lists no ports', () => {
    expect(waits({ observed: [seen('vm1', 'a', { state: 'RESTARTING' })] })).toEqual(['STOP vm1 a']);
  });

  test('also for what a task that has not finished makes to another spec, and for no other', () => {
    const inWork = (specHash?: string | null) => [
      { agentId: 'vm1', name: 'a', ...(specHash !== undefined && { specHash }) },
    ];
    const observed = a ? [a] : [];
    expect(waits({ observed, inWork: inWork('another') })).toEqual(['STOP vm1 a']);
    expect(waits({ observed: [], inWork: inWork('another') })).toEqual(['STOP vm1 a']);
    expect(waits({ observed: [], inWork: inWork() })).toEqual(['STOP vm1 a']);
    expect(waits({ observed, inWork: inWork(a?.specHash) })).toEqual([]);
    expect(waits({ observed, inWork: inWork(null) })).toEqual([]);
  });
});

describe('dependencies', () => {
  const chain = (api: Wanted[2], more: Partial<PlanInput> = {}) =>
    inputOf(
      [
        ['web', 'vm1', { dependsOn: [on('api')] }],
        ['api', 'vm1', api],
        ['db', 'vm2'],
      ],
      { images, ...more },
    );
  const old = { specHash: 'older' };

  test('reach across a service that stays as it is, as far as its own conditions say', () => {
    const of = (api: Wanted[2]) => {
      const input = chain(api);
      return shape({ ...input, observed: allSeen(input, { web: old, db: old }) });
    };
    expect(of({ dependsOn: [on('db')] })).toEqual({ 'DEPLOY vm1 web': ['DEPLOY vm2 db'], 'DEPLOY vm2 db': [] });
    expect(of({ dependsOn: [on('db', { condition: 'STARTED', required: false })] })['DEPLOY vm1 web']).toEqual([
      'DEPLOY vm2 db started or not',
    ]);
  });

  test('hold in both of two ways, in the stricter', () => {
    const ways = [on('db', { condition: 'STARTED', required: false }), on('api')];
    for (const dependsOn of [ways, ways.toReversed()]) {
      const input = inputOf(
        [
          ['web', 'vm1', { dependsOn }],
          ['api', 'vm1', { dependsOn: [on('db')] }],
          ['db', 'vm2'],
        ],
        { images },
      );
      const observed = allSeen(input, { web: old, db: old });
      expect(shape({ ...input, observed })['DEPLOY vm1 web']).toEqual(['DEPLOY vm2 db']);
    }
  });

  test('on the end of a job hold also when it runs already, and it is not touched', () => {
    const input = inputOf(
      [
        ['web', 'vm1', { dependsOn: [on('job', { condition: 'COMPLETED' })] }],
        ['job', 'vm1', job],
      ],
      { images },
    );
    const observed = allSeen(input, { web: old });
    expect(shape({ ...input, observed })).toEqual({ 'DEPLOY vm1 web': ['DEPLOY vm1 job'], 'DEPLOY vm1 job': [] });
    expect(plan({ ...input, observed }).changes).toMatchObject([
      { action: 'REPLACE' },
      { action: 'NOOP', watched: true },
    ]);
    // It was stopped, and whether it had come to its end its exit code does not tell.
    const stopped = allSeen(input, { job: { state: 'EXITED', exitCode: 0 } });
    expect(shape({ ...input, observed: stopped, stopped: [{ agentId: 'vm1', name: 'job', onPurpose: true }] })).toEqual(
      {
        'START vm1 job': [],
      },
    );
    // A newer one failed in its place, and the one that had come to its end is back.
    expect(
      shape({ ...input, observed: stopped, stopped: [{ agentId: 'vm1', name: 'job', onPurpose: false }] }),
    ).toEqual({});
  });
});

describe('what is not wanted goes when all that can fail is behind', () => {
  const stray = seen('vm1', 'stray');
  const last = (wanted: Wanted[], more: Partial<PlanInput> = {}) =>
    shape({ ...inputOf(wanted, { images, ...more }), observed: [stray] })['DELETE vm1 stray'];

  test('not only the ends of chains: who waits for a start or for an optional service says nothing of it', () => {
    const of = (dependency: Parameters<typeof on>[1]) =>
      last([
        ['web', 'vm1', { dependsOn: [on('db', dependency)] }],
        ['db', 'vm2'],
      ]);
    expect(of({})).toEqual(['DEPLOY vm1 web']);
    expect(of({ condition: 'STARTED' })).toEqual(['DEPLOY vm1 web', 'DEPLOY vm2 db']);
    expect(of({ required: false })).toEqual(['DEPLOY vm1 web', 'DEPLOY vm2 db']);
  });

  test('what may fail without failing others holds it up too, and says nothing of what it waits for itself', () => {
    const update = {
      parallelism: 1,
      delayMs: 0,
      order: 'stop-first',
      monitorMs: null,
      failureAction: 'continue',
    } as const;
    expect(
      last([
        ['web', 'vm1', { update, dependsOn: ['db'] }],
        ['db', 'vm2'],
      ]),
    ).toEqual(['DEPLOY vm1 web', 'DEPLOY vm2 db']);
  });

  test('nor is it held up by what waits for a host that is offline', () => {
    expect(
      last(
        [
          ['web', 'vm1', { dependsOn: ['api'] }],
          ['api', 'vm2', { dependsOn: ['db'] }],
          ['db', 'vm1'],
        ],
        { online: new Set(['vm1']) },
      ),
    ).toEqual(['DEPLOY vm1 db']);
  });
});

test('a thousand containers that go and a thousand that come do not all wait for one another', () => {
  const input = inputOf(Array.from({ length: 1_000 }, (_, index) => [`new-${index}`, `vm${index % 9}`] as Wanted));
  const observed = Array.from({ length: 1_000 }, (_, index) => seen(`vm${index % 9}`, `old-${index}`));
  const removals = plan({ ...input, observed }).tasks.filter(({ kind }) => kind === 'DELETE');
  expect(removals).toHaveLength(1_000);
  expect(removals.reduce((sum, { blockedBy }) => sum + blockedBy.length, 0)).toBeLessThan(3_000);
});

test('STOP stops what a failed deployment left, too, each once', () => {
  const input = inputOf([['a', 'vm1']], { kind: 'STOP' });
  const left = [
    seen('vm1', 'old'),
    seen('vm1', 'old.graphium-previous'),
    seen('vm1', 'ended', { state: 'EXITED', exitCode: 0 }),
  ];
  expect(shape({ ...input, observed: [...allSeen(input), ...left] })).toEqual({ 'STOP vm1 a': [], 'STOP vm1 old': [] });
});

test('the hash of a plan changes with how it is done, and not with the order of what was read', () => {
  const update = { parallelism: 1, delayMs: 0, order: 'stop-first', monitorMs: null, failureAction: null } as const;
  const of = (
    more: Partial<typeof update> | { order: 'start-first' },
    condition: 'STARTED' | 'HEALTHY' = 'HEALTHY',
  ) => {
    const input = inputOf([
      ['web', 'vm1', { update: { ...update, ...more }, dependsOn: [on('db', { condition })] }],
      ['db', 'vm2'],
    ]);
    const observed = [seen('vm1', 'web'), seen('vm2', 'db'), seen('vm1', 'x'), seen('vm2', 'y')];
    const { hash } = plan({ ...input, observed });
    expect(plan({ ...input, observed: observed.toReversed() }).hash).toBe(hash);
    return hash;
  };
  expect(of({})).toBe(of({}));
  expect(new Set([of({}), of({ order: 'start-first' }), of({}, 'STARTED')]).size).toBe(3);
});
