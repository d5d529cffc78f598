import { expect, test } from 'vitest';
import { specHashOf } from '../../../../server/spec/hash.ts';
import type { ContainerSpec, ServiceSpec } from '../../../../server/spec/spec.ts';
import { stateOf } from '../../../../server/stacks/state.ts';
import { containerOf, serviceOf } from '../../../support/planning/stories.ts';

type Args = Parameters<typeof stateOf>;
/** The host vm1 is online unless it is said to be not. */
type Case = [...Args] | [Args[0], Args[1], Args[2], Args[3]];
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
  more: Partial<ContainerSpec> = {},
  dependsOn: ServiceSpec['dependsOn'] = [],
): Args[2][number] => {
  const container = containerOf(name, { restart: { name: restart, maximumRetryCount: 0 }, ...more });
  return { agentId: 'vm1', container, service: serviceOf(name, { dependsOn }) };
};
const waitsFor = (service: string) => [{ service, condition: 'COMPLETED' as const, required: true, restart: false }];
const port = { containerPort: 80, hostPort: 80, hostIp: null, protocol: 'tcp' as const };
/** It is of the spec that is wanted, unless another is given. */
const has = (name: string, more: Partial<Args[3][number]> = {}): Args[3][number] => ({
  agentId: 'vm1',
  name,
  specHash: '',
  state: 'RUNNING',
  health: 'NONE',
  exitCode: null,
  ...more,
});
const exited = (exitCode: number) => ({ state: 'EXITED' as const, exitCode });

test.each<[string, Case, string]>([
  ['all run', [stack(), done, [wants('a')], [has('a')]], 'RUNNING'],
  ['healthy', [stack(), done, [wants('a')], [has('a', { health: 'HEALTHY' })]], 'RUNNING'],
  ['starting to be healthy', [stack(), done, [wants('a')], [has('a', { health: 'STARTING' })]], 'DEGRADED'],
  ['of another spec', [stack(), done, [wants('a')], [has('a', { specHash: 'older' })]], 'DEGRADED'],
  [
    'the agent was removed',
    [stack(), done, [wants('a')], [], { online: new Set(), removed: new Set(['vm1']) }],
    'DEGRADED',
  ],
  ['unhealthy', [stack(), done, [wants('a')], [has('a', { health: 'UNHEALTHY' })]], 'DEGRADED'],
  ['one is missing', [stack(), done, [wants('a'), wants('b')], [has('a')]], 'DEGRADED'],
  ['it is on another host', [stack(), done, [wants('a')], [has('a', { agentId: 'vm2' })]], 'DEGRADED'],
  ['restarting', [stack(), done, [wants('a')], [has('a', { state: 'RESTARTING' })]], 'DEGRADED'],
  ['a job that ended well', [stack(), done, [wants('a', 'no')], [has('a', exited(0))]], 'RUNNING'],
  ['a job that ended badly', [stack(), done, [wants('a', 'no')], [has('a', exited(1))]], 'DEGRADED'],
  ['on-failure that ended well', [stack(), done, [wants('a', 'on-failure')], [has('a', exited(0))]], 'RUNNING'],
  ['a service that ended', [stack(), done, [wants('a', 'unless-stopped')], [has('a', exited(0))]], 'DEGRADED'],
  [
    'a web server that ended well is no job',
    [stack(), done, [wants('a', 'no', { ports: [port] })], [has('a', exited(0))]],
    'DEGRADED',
  ],
  [
    'but it is one if others wait for its end',
    [
      stack(),
      done,
      [wants('a', 'no', { ports: [port] }), wants('b', 'always', {}, waitsFor('a'))],
      [has('a', exited(0)), has('b')],
    ],
    'RUNNING',
  ],
  ['the host is offline', [stack(), done, [wants('a')], [has('a')], { online: new Set() }], 'UNKNOWN'],
  [
    'the host is offline, and it was bad',
    [stack(), done, [wants('a')], [has('a', exited(1))], { online: new Set() }],
    'UNKNOWN',
  ],
  [
    'stopped, and the host is offline',
    [stack('STOPPED'), done, [wants('a')], [has('a', exited(0))], { online: new Set() }],
    'UNKNOWN',
  ],
  ['stopped', [stack('STOPPED'), done, [wants('a')], [has('a', exited(0))]], 'STOPPED'],
  ['stopped, and one runs', [stack('STOPPED'), done, [wants('a')], [has('a')]], 'DEGRADED'],
  ['stopped, and one crashes', [stack('STOPPED'), done, [wants('a')], [has('a', { state: 'RESTARTING' })]], 'DEGRADED'],
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
  const [about, newest, wanted, given, hosts = { online: new Set(['vm1']) }] = args;
  const hashes = new Map(wanted.map(({ container }) => [container.name, specHashOf(container)]));
  const containers = given.map((one) => ({ ...one, specHash: one.specHash || (hashes.get(one.name) ?? '') }));
  expect(stateOf(about, newest, wanted, containers, hosts)).toBe(state);
});
