import { describe, expect, test } from 'vitest';
import { specHashOf } from '../../../../server/spec/hash.ts';
import type { RolloutSpec } from '../../../../server/spec/spec.ts';
import { actions, allSeen, inputOf, on, plan, seen, shape, type Wanted } from '../../../support/planning/plans.ts';
import { portOf } from '../../../support/planning/stories.ts';

const rollout = (more: Partial<RolloutSpec> = {}): RolloutSpec => ({
  parallelism: 1,
  delayMs: 0,
  order: 'stop-first',
  monitorMs: null,
  failureAction: null,
  ...more,
});
const image = (name: string) => ({ container: { image: name } });

describe('images', () => {
  test('are on every host before any container is touched', () => {
    const { tasks } = plan(
      inputOf([
        ['a', 'vm1'],
        ['b', 'vm2'],
        ['c', 'vm2', image('redis')],
      ]),
    );
    const pulls = tasks.filter(({ kind }) => kind === 'PULL');
    expect(
      pulls.map(({ agentId, image: name, holdsImageGate, behindImageGate }) => [
        agentId,
        name,
        holdsImageGate,
        behindImageGate,
      ]),
    ).toEqual([
      ['vm1', 'nginx', true, false],
      ['vm2', 'nginx', true, false],
      ['vm2', 'redis', true, false],
    ]);
    expect(tasks.filter(({ kind }) => kind !== 'PULL').every(({ behindImageGate }) => behindImageGate)).toBe(true);
  });

  test('of a host that is offline gate its own containers and no others', () => {
    const input = inputOf(
      [
        ['a', 'vm1'],
        ['b', 'vm2'],
      ],
      { online: new Set(['vm1']) },
    );
    expect(
      plan(input)
        .tasks.filter(({ holdsImageGate }) => holdsImageGate)
        .map(({ agentId }) => agentId),
    ).toEqual(['vm1']);
    expect(shape(input)).toMatchObject({ 'DEPLOY vm1 a': ['PULL vm1 nginx'], 'DEPLOY vm2 b': ['PULL vm2 nginx'] });
    const none = plan({ ...input, online: new Set() }).tasks;
    expect(none.some(({ behindImageGate, holdsImageGate }) => behindImageGate || holdsImageGate)).toBe(false);
  });

  test('are pulled once a host, and not where another container uses them', () => {
    const wanted: Wanted[] = [
      ['a', 'vm1'],
      ['b', 'vm1'],
      ['c', 'vm2'],
    ];
    expect(Object.keys(shape(inputOf(wanted))).filter((name) => name.startsWith('PULL'))).toHaveLength(2);
    const there = { images: [{ agentId: 'vm1', image: 'nginx' }] };
    expect(Object.keys(shape(inputOf(wanted, there))).filter((name) => name.startsWith('PULL'))).toEqual([
      'PULL vm2 nginx',
    ]);
  });

  test('with pull_policy always are pulled each time, with never not at all', () => {
    const always = inputOf([['a', 'vm1', { container: { pullPolicy: 'always' } }]]);
    const { tasks, changes } = plan({
      ...always,
      observed: allSeen(always),
      images: [{ agentId: 'vm1', image: 'nginx' }],
    });
    expect(tasks.map(({ kind }) => kind)).toEqual(['PULL', 'DEPLOY']);
    expect(tasks[0]?.spec).toEqual({ version: 1, image: 'nginx', policy: 'always' });
    expect(changes).toMatchObject([{ action: 'NOOP', watched: true }]);
    expect(shape(inputOf([['a', 'vm1', { container: { pullPolicy: 'never' } }]]))).toEqual({ 'DEPLOY vm1 a': [] });
  });
});

describe('what becomes of a container', () => {
  const input = inputOf([['a', 'vm1']]);
  const ended = { restart: { name: 'on-failure' as const, maximumRetryCount: 0 } };
  test.each([
    ['nothing there', {}, [], 'CREATE', 1],
    ['as it should be', {}, allSeen(input), 'NOOP', 0],
    ['another spec', {}, [seen('vm1', 'a')], 'REPLACE', 1],
    ['ended with 1', {}, allSeen(input, { a: { state: 'EXITED', exitCode: 1 } }), 'START', 1],
    ['never started', {}, allSeen(input, { a: { state: 'CREATED' } }), 'START', 1],
    ['paused', {}, allSeen(input, { a: { state: 'PAUSED' } }), 'START', 1],
    ['unhealthy is watched', {}, allSeen(input, { a: { health: 'UNHEALTHY' } }), 'NOOP', 1],
    ['not healthy yet is watched', {}, allSeen(input, { a: { health: 'STARTING' } }), 'NOOP', 1],
    ['unhealthy, to be repaired', { kind: 'REPAIR' }, allSeen(input, { a: { health: 'UNHEALTHY' } }), 'RESTART', 1],
    ['crashing, to be repaired', { kind: 'REPAIR' }, allSeen(input, { a: { state: 'RESTARTING' } }), 'RESTART', 1],
    ['in work', { inWork: [{ agentId: 'vm1', name: 'a' }] }, allSeen(input), 'NOOP', 1],
    ['a replacement left half done', {}, [...allSeen(input), seen('vm1', 'a.graphium-previous')], 'NOOP', 1],
  ] as const)('%s', (_what, more, observed, action, count) => {
    const { changes, tasks } = plan({ ...input, ...more, observed, images: [{ agentId: 'vm1', image: 'nginx' }] });
    expect(changes).toMatchObject([{ containerName: 'a', action }]);
    expect(tasks).toHaveLength(count);
  });

  test('a job that ended well is not run again', () => {
    const job = inputOf([['a', 'vm1', { container: ended }]]);
    expect(actions({ ...job, observed: allSeen(job, { a: { state: 'EXITED', exitCode: 0 } }) })).toEqual({ a: 'NOOP' });
    // What a task stopped did not end by itself.
    const observed = allSeen(job, { a: { state: 'EXITED', exitCode: 0 } });
    expect(actions({ ...job, observed, stopped: [{ agentId: 'vm1', name: 'a', onPurpose: true }] })).toEqual({
      a: 'START',
    });
    expect(actions({ ...job, observed: allSeen(job, { a: { state: 'EXITED', exitCode: 3 } }) })).toEqual({
      a: 'START',
    });
  });

  test('restart: true goes from dependant to dependant, and to nobody else', () => {
    const chain = inputOf([
      ['web', 'vm1', { dependsOn: [on('api', { restart: true })] }],
      ['api', 'vm1', { dependsOn: [on('db', { restart: true })] }],
      ['cron', 'vm1', { dependsOn: ['db'] }],
      ['db', 'vm1'],
    ]);
    const observed = allSeen(chain, { db: { specHash: 'older' } });
    expect(actions({ ...chain, observed })).toEqual({ web: 'RESTART', api: 'RESTART', cron: 'NOOP', db: 'REPLACE' });
    expect(shape({ ...chain, observed, images: [{ agentId: 'vm1', image: 'nginx' }] })).toEqual({
      'RESTART vm1 web': ['RESTART vm1 api'],
      'RESTART vm1 api': ['DEPLOY vm1 db'],
      'DEPLOY vm1 db': [],
    });
  });
});

describe('order', () => {
  const there = {
    images: [
      { agentId: 'vm1', image: 'nginx' },
      { agentId: 'vm2', image: 'nginx' },
    ],
  };
  test('dependencies come first, on whichever host, as far as their condition says', () => {
    expect(
      shape(
        inputOf(
          [
            ['web', 'vm1', { dependsOn: [on('api', { condition: 'STARTED' }), on('job', { condition: 'COMPLETED' })] }],
            ['api', 'vm2', { dependsOn: [on('db', { required: false })] }],
            ['db', 'vm1'],
            ['job', 'vm1'],
          ],
          there,
        ),
      ),
    ).toEqual({
      'DEPLOY vm1 web': ['DEPLOY vm1 job', 'DEPLOY vm2 api started'],
      'DEPLOY vm2 api': ['DEPLOY vm1 db or not'],
      'DEPLOY vm1 db': [],
      'DEPLOY vm1 job': [],
    });
  });

  test('a group of a service at a time, with a pause between groups; what is new does not wait', () => {
    const update = rollout({ parallelism: 2, delayMs: 500 });
    const input = inputOf(
      Array.from({ length: 5 }, () => ['web', 'vm1', { nameBase: 'web', update }] as Wanted),
      there,
    );
    const old = { specHash: 'older' };
    const observed = allSeen(input, { 'web-1': old, 'web-2': old, 'web-3': old, 'web-4': old }).slice(0, 4);
    const { tasks } = plan({ ...input, observed });
    expect(shape({ ...input, observed })).toEqual({
      'DEPLOY vm1 web-1': [],
      'DEPLOY vm1 web-2': [],
      'DEPLOY vm1 web-3': ['DEPLOY vm1 web-1', 'DEPLOY vm1 web-2'],
      'DEPLOY vm1 web-4': ['DEPLOY vm1 web-1', 'DEPLOY vm1 web-2'],
      'DEPLOY vm1 web-5': [],
    });
    expect(tasks.map(({ delayMs }) => delayMs)).toEqual([0, 0, 500, 500, 0]);
  });

  test('failure_action continue: a group that fails holds up no other', () => {
    const update = rollout({ failureAction: 'continue' });
    const input = inputOf(
      [
        ['web', 'vm1', { nameBase: 'web', update }],
        ['web', 'vm2', { nameBase: 'web', update }],
      ],
      there,
    );
    const observed = allSeen(input).map((row) => ({ ...row, specHash: 'older' }));
    expect(shape({ ...input, observed })['DEPLOY vm2 web-2']).toEqual(['DEPLOY vm1 web-1 or not']);
    expect(plan({ ...input, observed }).tasks.every(({ optional }) => optional)).toBe(true);
  });

  test('who takes the port of another waits until that one is stopped', () => {
    const port = (hostPort: number) => ({ container: { ports: [portOf(hostPort)] } });
    const input = inputOf(
      [
        ['a', 'vm1', port(81)],
        ['b', 'vm1', port(80)],
      ],
      there,
    );
    const observed = [seen('vm1', 'a', { ports: [portOf(80)] }), seen('vm1', 'b', { ports: [portOf(81)] })];
    expect(shape({ ...input, observed })).toEqual({
      'STOP vm1 b': [],
      'STOP vm1 a': [],
      'DEPLOY vm1 a': ['STOP vm1 a', 'STOP vm1 b'],
      'DEPLOY vm1 b': ['STOP vm1 a', 'STOP vm1 b'],
    });
  });

  test('what is not wanted goes last, unless it holds a port that another takes', () => {
    const input = inputOf(
      [
        ['a', 'vm1', { container: { ports: [portOf(80)] } }],
        ['b', 'vm2'],
      ],
      there,
    );
    const observed = [seen('vm1', 'old', { ports: [portOf(80)] }), seen('vm1', 'older')];
    expect(shape({ ...input, observed })).toEqual({
      'DELETE vm1 old': [],
      'DELETE vm1 older': ['DEPLOY vm1 a', 'DEPLOY vm2 b'],
      'DEPLOY vm1 a': ['DELETE vm1 old'],
      'DEPLOY vm2 b': [],
    });
  });
});

describe('a task', () => {
  test('carries all that its agent needs, and the hash of its container alone', () => {
    const input = inputOf([['a', 'vm1']]);
    const [own] = input.spec.networks;
    if (own) input.spec.networks.push({ ...own, name: 'shop_other' });
    input.spec.volumes.push({ name: 'shop_unused' });
    const container = input.placed[0]?.container;
    const deploy = plan(input).tasks.find((task) => task.kind === 'DEPLOY');
    const specHash = container && specHashOf(container);
    expect(deploy?.spec).toEqual({ version: 1, revision: 7, specHash, container, networks: [own], volumes: [] });
    const later = plan({ ...input, revision: 8 }).tasks.find((task) => task.kind === 'DEPLOY');
    expect(later?.spec).toMatchObject({ revision: 8, specHash });
  });

  test('says how its container is to be replaced, in a rollback as rollback_config has it', () => {
    const update = rollout({ order: 'start-first', monitorMs: 5_000 });
    const rollback = rollout({ monitorMs: 100 });
    const input = inputOf([
      ['web', 'vm1', { update, rollback, dependsOn: [on('job', { condition: 'COMPLETED' })] }],
      ['job', 'vm1'],
    ]);
    const specs = (kind: 'DEPLOY' | 'ROLLBACK') =>
      plan({ ...input, kind }).tasks.flatMap(({ spec }) => ('container' in spec ? [spec] : []));
    expect(specs('DEPLOY')).toMatchObject([{ order: 'start-first', monitorMs: 5_000 }, { awaitExit: true }]);
    expect(specs('ROLLBACK')[0]).toMatchObject({ monitorMs: 100 });
    expect(specs('ROLLBACK')[0]).not.toHaveProperty('order');
  });
});

describe('RESTART', () => {
  const update = rollout();
  const wanted: Wanted[] = [
    ['web', 'vm1', { nameBase: 'web', update, dependsOn: [on('db', { restart: true })] }],
    ['web', 'vm2', { nameBase: 'web', update, dependsOn: [on('db', { restart: true })] }],
    ['db', 'vm1'],
    ['cron', 'vm1', { dependsOn: ['db'] }],
  ];
  test('of all: in the order of dependencies, a group at a time, without pulling', () => {
    const input = inputOf(wanted, { kind: 'RESTART' });
    expect(shape({ ...input, observed: allSeen(input) })).toEqual({
      'RESTART vm1 web-1': ['RESTART vm1 db'],
      'RESTART vm2 web-2': ['RESTART vm1 db', 'RESTART vm1 web-1'],
      'RESTART vm1 db': [],
      'RESTART vm1 cron': ['RESTART vm1 db'],
    });
  });

  test('of one service: with those that ask to be restarted with it', () => {
    const input = inputOf(wanted, { kind: 'RESTART' });
    const of = (services: string[]) => actions({ ...input, observed: allSeen(input), services });
    expect(of(['cron'])).toEqual({ 'web-1': 'NOOP', 'web-2': 'NOOP', db: 'NOOP', cron: 'RESTART' });
    expect(of(['db'])).toEqual({ 'web-1': 'RESTART', 'web-2': 'RESTART', db: 'RESTART', cron: 'NOOP' });
  });
});

test('START in the order of dependencies; STOP the other way round', () => {
  const wanted: Wanted[] = [
    ['web', 'vm1', { dependsOn: ['db'] }],
    ['db', 'vm2'],
  ];
  expect(shape(inputOf(wanted, { kind: 'START' }))).toEqual({ 'START vm1 web': ['START vm2 db'], 'START vm2 db': [] });
  expect(shape(inputOf(wanted, { kind: 'STOP' }))).toEqual({ 'STOP vm1 web': [], 'STOP vm2 db': ['STOP vm1 web'] });
});
