import { expect, test } from 'vitest';
import type { Observed } from '../../../../server/planning/changes.ts';
import { type DriftInput, driftOf } from '../../../../server/planning/drift.ts';
import { allSeen, inputOf, seen } from '../../../support/planning/plans.ts';

const stack = inputOf([
  ['web', 'vm1'],
  ['db', 'vm2'],
]);
const job = inputOf([['job', 'vm1', { container: { restart: { name: 'no', maximumRetryCount: 0 } } }]]);

/** `KIND container` of each. */
function drift(observed: readonly Observed[], more: Partial<DriftInput> = {}): string[] {
  const { placed, online } = stack;
  const found = driftOf({ desired: 'RUNNING', placed, online, stopped: [], inWork: [], observed, ...more });
  return found.map(({ kind, containerName }) => `${kind} ${containerName}`);
}

test.each<[string, Partial<Observed>, string[]]>([
  ['as it should be', {}, []],
  ['changed', { specHash: 'older' }, ['CHANGED web']],
  ['ended', { state: 'EXITED', exitCode: 0 }, ['STOPPED web']],
  ['paused', { state: 'PAUSED' }, ['STOPPED web']],
  ['never started', { state: 'CREATED' }, ['STOPPED web']],
  ['unhealthy', { health: 'UNHEALTHY' }, ['UNHEALTHY web']],
  ['starting', { health: 'STARTING' }, []],
  ['crashing', { state: 'RESTARTING' }, ['UNHEALTHY web']],
  ['being removed', { state: 'REMOVING' }, ['MISSING web']],
])('%s', (_what, web, expected) => {
  expect(drift(allSeen(stack, { web }))).toEqual(expected);
});

test('missing, and there without being wanted', () => {
  expect(drift([...allSeen(stack).slice(1), seen('vm1', 'stray')])).toEqual(['MISSING web', 'NOT_WANTED stray']);
  // What an agent keeps of a container that it replaces is its own affair.
  expect(drift([...allSeen(stack), seen('vm1', 'web.graphium-previous')])).toEqual([]);
});

test('a job that ended well is where it should be', () => {
  const ended = (exitCode: number) => allSeen(job, { job: { state: 'EXITED', exitCode } });
  expect(drift(ended(0), { placed: job.placed })).toEqual([]);
  expect(drift(ended(2), { placed: job.placed })).toEqual(['STOPPED job']);
});

test('what is on a host that is offline is unknown; nothing is said of what a deployment is about to change', () => {
  expect(drift([], { online: new Set(['vm2']) })).toEqual(['MISSING db', 'UNKNOWN web']);
  expect(drift(allSeen(stack), { online: new Set(['vm2']) })).toEqual(['UNKNOWN web']);
  expect(drift([], { inWork: [{ agentId: 'vm2', name: 'db' }] })).toEqual(['MISSING web']);
  const replacing = [...allSeen(stack), seen('vm1', 'old.graphium-previous')];
  expect(drift(replacing, { inWork: [{ agentId: 'vm1', name: 'old' }] })).toEqual([]);
});

test('of a stack that is stopped only what has a process or is not wanted; of one that is deleted nothing', () => {
  const observed = (web: Partial<Observed>) => [
    ...allSeen(stack, { web, db: { state: 'EXITED', exitCode: 1 } }),
    seen('vm1', 'stray'),
  ];
  const of = (web: Partial<Observed>) => drift(observed(web), { desired: 'STOPPED' });
  for (const state of ['RUNNING', 'RESTARTING', 'PAUSED'] as const) {
    expect(of({ state })).toEqual(['RUNNING web', 'NOT_WANTED stray']);
  }
  expect(of({ state: 'CREATED', specHash: 'older' })).toEqual(['NOT_WANTED stray']);
  expect(drift(observed({}), { desired: 'DELETED' })).toEqual([]);
});
