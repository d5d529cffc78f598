import { expect, test } from 'vitest';
import { stateOf } from '../../../../server/stacks/state.ts';
import { containerOf } from '../../../support/planning/stories.ts';

type Args = Parameters<typeof stateOf>;
const stack = (desired: 'RUNNING' | 'STOPPED' | 'DELETED' = 'RUNNING', deletedAt: Date | null = null) => ({
  desired,
  deletedAt,
});
const latest = (more: Partial<NonNullable<Args[1]>>): Args[1] => ({
  kind: 'DEPLOY',
  finishedAt: null,
  rollbackRevision: null,
  rollbackDueAt: null,
  ...more,
});
const done = latest({ finishedAt: new Date() });
const working = (kind: NonNullable<Args[1]>['kind']): Args[1] => latest({ kind });
const wants = (
  name: string,
  restart: 'no' | 'always' | 'on-failure' | 'unless-stopped' = 'always',
): Args[2][number] => ({
  agentId: 'vm1',
  container: containerOf(name, { restart: { name: restart, maximumRetryCount: 0 } }),
});
const has = (name: string, more: Partial<Args[3][number]> = {}): Args[3][number] => ({
  agentId: 'vm1',
  name,
  state: 'RUNNING',
  health: 'NONE',
  exitCode: null,
  ...more,
});
const exited = (exitCode: number) => ({ state: 'EXITED' as const, exitCode });

test.each<[string, Args, string]>([
  ['all run', [stack(), done, [wants('a')], [has('a')]], 'RUNNING'],
  ['healthy', [stack(), done, [wants('a')], [has('a', { health: 'HEALTHY' })]], 'RUNNING'],
  ['starting to be healthy', [stack(), done, [wants('a')], [has('a', { health: 'STARTING' })]], 'RUNNING'],
  ['unhealthy', [stack(), done, [wants('a')], [has('a', { health: 'UNHEALTHY' })]], 'DEGRADED'],
  ['one is missing', [stack(), done, [wants('a'), wants('b')], [has('a')]], 'DEGRADED'],
  ['it is on another host', [stack(), done, [wants('a')], [has('a', { agentId: 'vm2' })]], 'DEGRADED'],
  ['restarting', [stack(), done, [wants('a')], [has('a', { state: 'RESTARTING' })]], 'DEGRADED'],
  ['a job that ended well', [stack(), done, [wants('a', 'no')], [has('a', exited(0))]], 'RUNNING'],
  ['a job that ended badly', [stack(), done, [wants('a', 'no')], [has('a', exited(1))]], 'DEGRADED'],
  ['on-failure that ended well', [stack(), done, [wants('a', 'on-failure')], [has('a', exited(0))]], 'RUNNING'],
  ['a service that ended', [stack(), done, [wants('a', 'unless-stopped')], [has('a', exited(0))]], 'DEGRADED'],
  ['stopped', [stack('STOPPED'), done, [wants('a')], [has('a', exited(0))]], 'STOPPED'],
  ['stopped, and one runs', [stack('STOPPED'), done, [wants('a')], [has('a')]], 'DEGRADED'],
  ['no deployment yet', [stack(), undefined, [], []], 'RUNNING'],
  ['deploying', [stack(), working('DEPLOY'), [wants('a')], [has('a')]], 'DEPLOYING'],
  ['starting', [stack(), working('START'), [], []], 'STARTING'],
  ['stopping', [stack('STOPPED'), working('STOP'), [], []], 'STOPPING'],
  ['restarting all', [stack(), working('RESTART'), [], []], 'RESTARTING'],
  ['repairing', [stack(), working('REPAIR'), [], []], 'REPAIRING'],
  ['back to an earlier revision', [stack(), working('ROLLBACK'), [], []], 'ROLLING_BACK'],
  ['failed, the rollback not planned yet', [stack(), latest({ rollbackDueAt: new Date() }), [], []], 'ROLLING_BACK'],
  ['failed, rolling back', [stack(), latest({ rollbackRevision: 3 }), [], []], 'ROLLING_BACK'],
  ['deleting', [stack('DELETED'), working('DELETE'), [], []], 'DELETING'],
  [
    'a deletion that failed',
    [stack('DELETED'), latest({ kind: 'DELETE', finishedAt: new Date() }), [], []],
    'DEGRADED',
  ],
  ['deleted', [stack('DELETED', new Date()), done, [], []], 'DELETED'],
  ['deleted, whatever is at work', [stack('DELETED', new Date()), working('DELETE'), [], [has('a')]], 'DELETED'],
])('%s', (_name, args, state) => {
  expect(stateOf(...args)).toBe(state);
});
