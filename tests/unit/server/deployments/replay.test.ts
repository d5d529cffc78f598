import { expect, test } from 'vitest';
import { describePlan } from '../../../../server/deployments/replay.ts';
import { allSeen, inputOf, on, plan } from '../../../support/planning/plans.ts';

test('a plan in words: containers, tasks with what they wait for, downtime', () => {
  const wanted = inputOf([
    ['web', 'vm1', { dependsOn: [on('db')] }],
    ['db', 'vm2'],
  ]);
  const observed = allSeen(wanted, { db: { specHash: 'old' }, web: { specHash: 'old' } });
  const planned = plan({ ...wanted, observed, images: [] });
  expect(describePlan(planned).split('\n')).toEqual([
    'REPLACE web on vm1: its spec changed',
    'REPLACE db on vm2: its spec changed',
    '',
    '1. PULL nginx on vm1',
    '2. PULL nginx on vm2',
    '3. DEPLOY web on vm1, after 1, 4',
    '4. DEPLOY db on vm2, after 2',
    '',
    'web: downtime, its container is stopped before the successor starts',
    'db: downtime, its container is stopped before the successor starts',
    `hash ${planned.hash}`,
    '',
  ]);
});
