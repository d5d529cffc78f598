import { describe, expect, it } from 'vitest';
import { complaint, complaints, container, options } from '../../../../../support/stackfile/compose-service.ts';

/** Gives all that `deploy` decides, except for what is in the container. */
function placed(deploy: unknown, keys: object = {}) {
  const { image, containerName, container, ports, dependsOn, profiles, ...rest } = options({ ...keys, deploy });
  return rest;
}

it('reads how many and where', () => {
  const deploy = {
    mode: 'replicated',
    replicas: '6',
    endpoint_mode: 'dnsrr',
    placement: {
      constraints: [
        'node.hostname == vm1',
        'node.labels.disk!=ssd',
        ' node.platform.os==linux ',
        'Node.Platform.Arch == arm64',
        'node.labels.My.Zone == a b',
      ],
      preferences: [{ spread: 'node.labels.zone' }, { spread: 'node.labels.rack' }],
      max_replicas_per_node: 2,
    },
    'x-mine': {},
  };
  expect(placed(deploy)).toEqual({
    replicas: 6,
    constraints: [
      { attribute: 'node.hostname', operator: '==', value: 'vm1' },
      { attribute: 'node.labels.disk', operator: '!=', value: 'ssd' },
      { attribute: 'node.platform.os', operator: '==', value: 'linux' },
      { attribute: 'node.platform.arch', operator: '==', value: 'arm64' },
      { attribute: 'node.labels.My.Zone', operator: '==', value: 'a b' },
    ],
    spread: ['node.labels.zone', 'node.labels.rack'],
    maxReplicasPerNode: 2,
  });
});

it('reads the smaller forms', () => {
  expect(placed({ mode: 'global' })).toEqual({ global: true });
  expect(placed({ replicas: 0 })).toEqual({ replicas: 0 });
  expect(placed({}, { scale: 3 })).toEqual({ replicas: 3 });
  expect(placed({ replicas: 3 }, { scale: '3' })).toEqual({ replicas: 3 });
  expect(placed({ placement: { constraints: { 'node.labels.disktype': 'ssd' }, max_replicas_per_node: 0 } })).toEqual({
    constraints: [{ attribute: 'node.labels.disktype', operator: '==', value: 'ssd' }],
  });
});

describe('rollouts', () => {
  it('reads them whole', () => {
    const update = {
      parallelism: 2,
      delay: '10s',
      order: 'start-first',
      monitor: '1m30s',
      failure_action: 'rollback',
      max_failure_ratio: 0,
    };
    const rollback = { parallelism: '0', failure_action: 'continue', max_failure_ratio: '0.0' };
    expect(placed({ update_config: update, rollback_config: rollback })).toEqual({
      update: { parallelism: 2, delayMs: 10_000, order: 'start-first', monitorMs: 90_000, failureAction: 'rollback' },
      rollback: { parallelism: 0, delayMs: 0, order: 'stop-first', monitorMs: null, failureAction: 'continue' },
    });
  });

  it('goes one by one where nothing is said', () => {
    expect(placed({ update_config: {} }).update).toEqual({
      parallelism: 1,
      delayMs: 0,
      order: 'stop-first',
      monitorMs: null,
      failureAction: null,
    });
  });

  it('refuses start-first where the successor cannot publish its port', () => {
    const first = { update_config: { order: 'start-first' }, rollback_config: { order: 'start-first' } };
    expect(complaints({ ports: ['80', '8080:80'], deploy: first })).toEqual([
      'UNSUPPORTED_FIELD deploy.update_config.order',
      'UNSUPPORTED_FIELD deploy.rollback_config.order',
    ]);
    expect(complaint({ ports: ['8080:80'], deploy: { update_config: { order: 'start-first' } } })).toBe(
      '"order: start-first" with a published host port is not supported: ' +
        'the new container cannot publish port 8080 while the old one runs; use stop-first',
    );
    expect(complaints({ ports: ['80'], deploy: first })).toEqual([]);
  });
});

describe('restart_policy', () => {
  it.each([
    [{ condition: 'none' }, { name: 'no', maximumRetryCount: 0 }],
    [{ condition: 'any' }, { name: 'always', maximumRetryCount: 0 }],
    [{}, { name: 'always', maximumRetryCount: 0 }],
    [
      { condition: 'on-failure', max_attempts: '3', delay: '0s' },
      { name: 'on-failure', maximumRetryCount: 3 },
    ],
  ])('%j', (restart_policy, expected) => {
    // `restart_policy` goes before the service's own `restart`.
    expect(container({ restart: 'unless-stopped', deploy: { restart_policy } }).restart).toEqual(expected);
  });
});

it('puts the labels of the service on its containers, whose own go first', () => {
  const keys = { labels: { a: 'container' }, deploy: { labels: ['a=service', 'b=service'] } };
  expect(container(keys).labels).toEqual({ a: 'container', b: 'service' });
});

it.each([
  [{ mode: 'replicated-job' }, 'UNSUPPORTED_FIELD deploy.mode'],
  [{ mode: 'global-job' }, 'UNSUPPORTED_FIELD deploy.mode'],
  [{ mode: 'everywhere' }, 'INVALID_VALUE deploy.mode'],
  [{ mode: 'global', replicas: 2 }, 'CONFLICTING_FIELDS deploy.replicas'],
  [{ replicas: -1 }, 'INVALID_VALUE deploy.replicas'],
  [{ replicas: 1001 }, 'INVALID_VALUE deploy.replicas'],
  [{ endpoint_mode: 'vip' }, 'UNSUPPORTED_FIELD deploy.endpoint_mode'],
  [{ replica: 2 }, 'UNKNOWN_FIELD deploy.replica'],
  [{ labels: { 'graphium.stack': 'x' } }, 'INVALID_NAME deploy.labels["graphium.stack"]'],
  [{ placement: { constraints: ['node.role == manager'] } }, 'UNSUPPORTED_FIELD deploy.placement.constraints[0]'],
  [{ placement: { constraints: ['node.id != a'] } }, 'UNSUPPORTED_FIELD deploy.placement.constraints[0]'],
  [{ placement: { constraints: ['engine.labels.a==b'] } }, 'UNSUPPORTED_FIELD deploy.placement.constraints[0]'],
  [{ placement: { constraints: ['disktype=ssd'] } }, 'INVALID_VALUE deploy.placement.constraints[0]'],
  [{ placement: { constraints: ['disktype == ssd'] } }, 'INVALID_VALUE deploy.placement.constraints[0]'],
  [{ placement: { constraints: ['node.hostname =='] } }, 'INVALID_VALUE deploy.placement.constraints[0]'],
  [{ placement: { constraints: ['node.hostname === a'] } }, 'INVALID_VALUE deploy.placement.constraints[0]'],
  [{ placement: { constraints: 'node.hostname == a' } }, 'WRONG_TYPE deploy.placement.constraints'],
  [{ placement: { preferences: [{}] } }, 'MISSING_FIELD deploy.placement.preferences[0].spread'],
  [{ placement: { preferences: [{ spread: 'zone' }] } }, 'INVALID_VALUE deploy.placement.preferences[0].spread'],
  [{ restart_policy: { delay: '5s' } }, 'UNSUPPORTED_FIELD deploy.restart_policy.delay'],
  [{ restart_policy: { window: '120s' } }, 'UNSUPPORTED_FIELD deploy.restart_policy.window'],
  [{ restart_policy: { max_attempts: 3 } }, 'UNSUPPORTED_FIELD deploy.restart_policy.max_attempts'],
  [{ restart_policy: { condition: 'always' } }, 'INVALID_VALUE deploy.restart_policy.condition'],
  [{ update_config: { max_failure_ratio: 0.1 } }, 'UNSUPPORTED_FIELD deploy.update_config.max_failure_ratio'],
  [{ update_config: { failure_action: 'stop' } }, 'INVALID_VALUE deploy.update_config.failure_action'],
  [{ rollback_config: { failure_action: 'rollback' } }, 'INVALID_VALUE deploy.rollback_config.failure_action'],
  [{ update_config: { order: 'any' } }, 'INVALID_VALUE deploy.update_config.order'],
])('refuses deploy: %j', (deploy, expected) => expect(complaints({ deploy })).toEqual([expected]));

it.each([
  [{ scale: 2, deploy: { replicas: 3 } }, 'CONFLICTING_FIELDS deploy.replicas'],
  [{ scale: 2, deploy: { mode: 'global' } }, 'CONFLICTING_FIELDS scale'],
  [{ container_name: 'one', scale: 2 }, 'CONFLICTING_FIELDS container_name'],
  [{ container_name: 'one', deploy: { replicas: 2 } }, 'CONFLICTING_FIELDS container_name'],
])('refuses %j', (keys, expected) => expect(complaints(keys)).toEqual([expected]));
