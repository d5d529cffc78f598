import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describePlan, replay } from '../../../../server/deployments/replay.ts';
import { toSaved } from '../../../../server/planning/saved-input.ts';
import { allSeen, inputOf, on, plan, toPlanInput } from '../../../support/planning/plans.ts';

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

test('a file is planned from again; one that holds no plan is refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graphium-replay-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const write = (text: string) => {
    writeFileSync(join(folder, 'plan.json'), text);
    return join(folder, 'plan.json');
  };
  const input = inputOf([['web', 'vm1']]);
  const answer = { data: { planStack: { input: toSaved(toPlanInput(input)) } } };
  expect(replay(write(JSON.stringify(answer)))).toBe(describePlan(plan(input)));
  expect(() => replay(write('{ "data": null }'))).toThrow('expected the `input` of a plan');
  expect(() => replay(write('{'))).toThrow(SyntaxError);
  expect(() => replay(join(folder, 'none.json'))).toThrow('ENOENT');
});
