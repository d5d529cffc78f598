import { describe, expect, test } from 'vitest';
import type { RolloutSpec } from '../../../../server/spec/spec.ts';
import { allSeen, inputOf, on, type PlanInput, plan, seen, type Wanted } from '../../../support/planning/plans.ts';
import { portOf } from '../../../support/planning/stories.ts';

/** What a plan says about each service: [expected, why]. */
const downtime = (input: PlanInput) =>
  Object.fromEntries(plan(input).downtime.map(({ service, expected, reason }) => [service, [expected, reason]]));

const rule = (parallelism: number, order: RolloutSpec['order'] = 'stop-first') => ({
  update: { parallelism, order, delayMs: 0, monitorMs: null, failureAction: null },
});
const times = (count: number, more: Wanted[2] = {}) =>
  inputOf(Array.from({ length: count }, () => ['web', 'vm1', more] as Wanted));
const old = (input: PlanInput) => allSeen(input).map((row) => ({ ...row, specHash: 'older' }));

describe('a service that is replaced', () => {
  test.each<[string, PlanInput, boolean, string]>([
    ['alone', times(1), true, 'its container is stopped before the successor starts'],
    ['all at once', times(3), true, 'its 3 containers are stopped before the successor starts'],
    ['some at a time', times(3, rule(2)), false, '2 of its 3 containers at a time'],
    ['one at a time, having one', times(1, rule(1)), true, 'its container is stopped before the successor starts'],
    ['start-first', times(1, rule(0, 'start-first')), false, 'each new container is good before the old one stops'],
  ])('%s', (_what, input, expected, reason) => {
    expect(downtime({ ...input, observed: old(input) })).toEqual({ web: [expected, reason] });
  });

  test('while another of it is made, which runs nobody knows when', () => {
    const input = times(2);
    const [first] = old(input);
    if (!first) throw new Error('nothing was placed');
    expect(downtime({ ...input, observed: [first] }).web?.[0]).toBe(true);
  });

  test('start-first or one at a time, and yet stopped before, for others take its ports', () => {
    const port = (hostPort: number) => ({ container: { ports: [portOf(hostPort)] } });
    const of = (more: Wanted[2]) => {
      const input = inputOf([
        ['web', 'vm1', more],
        ['web', 'vm1', more],
        ['x', 'vm1', port(80)],
        ['y', 'vm1', port(81)],
      ]);
      const observed = [80, 81].map((one, index) => seen('vm1', `web-${index + 1}`, { ports: [portOf(one)] }));
      return downtime({ ...input, observed }).web;
    };
    expect(of(rule(0, 'start-first'))).toEqual([true, 'its 2 containers are stopped before the successor starts']);
    expect(of(rule(1))?.[0]).toBe(true);
  });
});

test('what does not run cannot be interrupted', () => {
  const input = times(1);
  const observed = old(input).map((row) => ({ ...row, state: 'EXITED' as const, exitCode: 1 }));
  expect(downtime({ ...input, observed })).toEqual({ web: [false, 'nothing of it runs now'] });
  expect(downtime(input)).toEqual({ web: [false, 'nothing of it runs now'] });
});

test('nothing is said of what stays as it is', () => {
  const input = inputOf([
    ['web', 'vm1', { dependsOn: [on('db')] }],
    ['db', 'vm1'],
  ]);
  const observed = allSeen(input, { db: { specHash: 'older' } });
  expect(Object.keys(downtime({ ...input, observed }))).toEqual(['db']);
});

test('another replica stops nothing; in a rollback rollback_config counts', () => {
  const more = times(2);
  expect(downtime({ ...more, observed: allSeen(more).slice(0, 1) })).toEqual({
    web: [false, 'nothing of it is stopped'],
  });
  const back = times(1, { ...rule(0), rollback: rule(0, 'start-first').update });
  expect(downtime({ ...back, observed: old(back) }).web?.[0]).toBe(true);
  expect(downtime({ ...back, kind: 'ROLLBACK', observed: old(back) }).web?.[0]).toBe(false);
});

test('STOP and DELETE end it; RESTART interrupts it, a group at a time', () => {
  const input = times(2, rule(1));
  const of = (kind: PlanInput['kind'], one = input) => downtime({ ...one, kind, observed: allSeen(one) }).web;
  expect(of('STOP')).toEqual([true, 'its containers are stopped']);
  expect(of('DELETE')).toEqual([true, 'its containers are stopped']);
  expect(of('RESTART')).toEqual([false, '1 of its 2 containers at a time']);
  expect(of('RESTART', times(1))?.[0]).toBe(true);
});
