/** `deploy` of a Compose service (but for `resources`), and `scale`: how many containers, where, and how replaced. */

import { MAX_REPLICAS, MAX_RETRIES } from '../../../spec/limits.ts';
import type { RestartSpec, RolloutSpec, ServiceSpec } from '../../../spec/spec.ts';
import { quote } from '../../problems.ts';
import { compact } from '../compact.ts';
import { readLabels } from '../declared.ts';
import type { ComposeFields, ComposeReader } from '../reader.ts';
import { readPlacement } from './placement.ts';

const KEYS = [
  'mode',
  'replicas',
  'endpoint_mode',
  'labels',
  'placement',
  'resources',
  'restart_policy',
  'update_config',
  'rollback_config',
];
const ROLLOUT_KEYS = ['parallelism', 'delay', 'order', 'monitor', 'failure_action', 'max_failure_ratio'];
const REPLICAS_RANGE = { min: 0, max: MAX_REPLICAS };

/** How many containers a service has, where they go and how they are replaced. */
export type Deployed = Pick<
  ServiceSpec,
  'replicas' | 'global' | 'constraints' | 'spread' | 'maxReplicasPerNode' | 'update' | 'rollback'
>;

export type ParsedDeploy = {
  deployed: Deployed;
  labels: Record<string, string> | undefined;
  /** It goes before the service's own `restart`, as the specification says. */
  restart: RestartSpec | undefined;
  /** The value of `deploy.resources`. */
  resources: ComposeReader;
};

export function readDeploy(service: ComposeFields): ParsedDeploy {
  const value = service.get('deploy');
  const map = value.kind === 'null' ? undefined : value.map(KEYS, 'a map {replicas, placement, ...}');
  const deploy = map ?? value.emptyFields();
  checkEndpointMode(deploy);
  return {
    deployed: compact({
      ...readScale(service, deploy),
      ...readPlacement(deploy.get('placement')),
      update: readRollout(deploy.get('update_config'), ['pause', 'continue', 'rollback']),
      rollback: readRollout(deploy.get('rollback_config'), ['pause', 'continue']),
    }),
    labels: readLabels(deploy.get('labels')),
    restart: readRestartPolicy(deploy.get('restart_policy')),
    resources: deploy.get('resources'),
  };
}

/** With dnsrr, a name stands for the addresses of all containers. A virtual address needs a proxy, which is not here. */
function checkEndpointMode(deploy: ComposeFields): void {
  if (deploy.get('endpoint_mode').choice(['vip', 'dnsrr']) !== 'vip') return;
  deploy.keyOf('endpoint_mode').refuse('"endpoint_mode: vip"', 'use dnsrr, or remove it');
}

function readScale(service: ComposeFields, deploy: ComposeFields): Pick<Deployed, 'replicas' | 'global'> {
  const scale = service.get('scale').integer(REPLICAS_RANGE);
  const replicas = deploy.get('replicas').integer(REPLICAS_RANGE);
  const count = replicas ?? scale;
  if (scale !== undefined && replicas !== undefined && scale !== replicas) {
    const message = `expected this to be the same as the service's "scale", ${scale}, or only one of them`;
    deploy.keyOf('replicas').report('CONFLICTING_FIELDS', message);
  }
  const mode = readMode(deploy);
  if (mode === 'global' && count !== undefined) {
    const place = replicas === undefined ? service.keyOf('scale') : deploy.keyOf('replicas');
    const message = 'expected no number of containers: "mode: global" runs one on every host';
    place.report('CONFLICTING_FIELDS', message);
  }
  checkContainerName(service, count ?? 1);
  return mode === 'global' ? { global: true } : compact({ replicas: count });
}

function readMode(deploy: ComposeFields): 'replicated' | 'global' | undefined {
  const value = deploy.get('mode');
  const text = value.text('replicated or global');
  if (text === 'replicated-job' || text === 'global-job') {
    const wayOut = 'use "restart: on-failure" and wait for it with "condition: service_completed_successfully"';
    return deploy.keyOf('mode').refuse(quote(`mode: ${text}`), wayOut);
  }
  return text === undefined ? undefined : value.choice(['replicated', 'global']);
}

function checkContainerName(service: ComposeFields, count: number): void {
  if (count <= 1 || !service.has('container_name')) return;
  const message = `expected no "container_name" for ${count} containers: names are unique`;
  service.keyOf('container_name').report('CONFLICTING_FIELDS', message);
}

function readRestartPolicy(value: ComposeReader): RestartSpec | undefined {
  const fields = value.map(['condition', 'max_attempts', 'delay', 'window'], 'a map {condition, max_attempts}');
  if (!fields) return undefined;
  for (const key of ['delay', 'window']) {
    const ms = fields.get(key).durationMs();
    if (ms) fields.keyOf(key).refuse(quote(key), "remove it: Docker's own growing delay is used");
  }
  const condition = fields.get('condition').choice(['none', 'on-failure', 'any']) ?? 'any';
  const attempts = fields.get('max_attempts').integer({ min: 0, max: MAX_RETRIES }) ?? 0;
  if (attempts > 0 && condition === 'any') {
    const wayOut = 'Docker counts attempts only with "condition: on-failure"';
    fields.keyOf('max_attempts').refuse('"max_attempts" with "condition: any"', wayOut);
  }
  if (condition === 'on-failure') return { name: 'on-failure', maximumRetryCount: attempts };
  return { name: condition === 'any' ? 'always' : 'no', maximumRetryCount: 0 };
}

function readRollout(
  value: ComposeReader,
  actions: readonly ('pause' | 'continue' | 'rollback')[],
): RolloutSpec | undefined {
  const fields = value.map(ROLLOUT_KEYS, 'a map {parallelism, delay, order, ...}');
  if (!fields) return undefined;
  if (fields.get('max_failure_ratio').number({ min: 0, max: 1 })) {
    const wayOut = 'remove it: one failure counts, and "failure_action" says what follows';
    fields.keyOf('max_failure_ratio').refuse('"max_failure_ratio"', wayOut);
  }
  return {
    // Swarm, too, replaces one at a time unless the file says otherwise.
    parallelism: fields.get('parallelism').integer(REPLICAS_RANGE) ?? 1,
    delayMs: fields.get('delay').durationMs() ?? 0,
    order: fields.get('order').choice(['stop-first', 'start-first']) ?? 'stop-first',
    monitorMs: fields.get('monitor').durationMs() ?? null,
    failureAction: fields.get('failure_action').choice(actions) ?? null,
  };
}
