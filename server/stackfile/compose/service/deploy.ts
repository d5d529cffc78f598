/** `deploy` of a Compose service (but for `resources`), and `scale`: how many containers, where, and how replaced. */

import { MAX_REPLICAS, MAX_RETRIES } from '../../../spec/limits.ts';
import type { RestartSpec, RolloutSpec, ServiceSpec } from '../../../spec/spec.ts';
import type { Fields } from '../../fields.ts';
import { quote, type Report, type Value } from '../../text.ts';
import { compact, keySpot, readKeys, refuse } from '../keys.ts';
import { readDurationMs, readInteger, readNumber, readText, readTextChoice } from '../scalars.ts';
import { readPlacement } from './placement.ts';
import { readLabels } from './process.ts';

const WORDS = [
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

export type DeployDraft = Pick<
  ServiceSpec,
  'replicas' | 'global' | 'constraints' | 'spread' | 'maxReplicasPerNode' | 'update' | 'rollback'
> & {
  labels?: Record<string, string>;
  /** It goes before the service's own `restart`, as the specification says. */
  restart?: RestartSpec;
  /** Of `deploy.resources`. */
  resources?: Value;
};

export function readDeploy(report: Report, service: Fields): DeployDraft {
  const value = service.get('deploy');
  const deploy =
    value?.kind === 'null' ? undefined : readKeys(report, value, WORDS, 'a map {replicas, placement, ...}');
  const get = (word: string) => deploy?.get(word);
  if (deploy) readEndpointMode(report, deploy);
  return compact({
    ...readScale(report, service, deploy),
    ...readPlacement(report, get('placement')),
    update: readRollout(report, get('update_config'), ['pause', 'continue', 'rollback']),
    rollback: readRollout(report, get('rollback_config'), ['pause', 'continue']),
    labels: readLabels(report, get('labels')),
    restart: readRestartPolicy(report, get('restart_policy')),
    resources: get('resources'),
  });
}

/** A name that stands for all containers is an alias of its network; a virtual address needs a proxy, which is not here. */
function readEndpointMode(report: Report, deploy: Fields): void {
  const mode = readTextChoice(report, deploy.get('endpoint_mode'), ['vip', 'dnsrr']);
  if (mode === 'vip')
    refuse(report, keySpot(deploy, 'endpoint_mode'), '"endpoint_mode: vip"', 'use dnsrr, or remove it');
}

function readScale(
  report: Report,
  service: Fields,
  deploy: Fields | undefined,
): Pick<DeployDraft, 'replicas' | 'global'> {
  const range = { min: 0, max: MAX_REPLICAS };
  const scale = readInteger(report, service.get('scale'), range);
  const replicas = readInteger(report, deploy?.get('replicas'), range);
  const count = replicas ?? scale;
  if (deploy && scale !== undefined && replicas !== undefined && scale !== replicas) {
    const message = `expected this to be the same as the service's "scale", ${scale}, or only one of them`;
    report('CONFLICTING_FIELDS', keySpot(deploy, 'replicas'), message);
  }
  const mode = readMode(report, deploy);
  if (mode === 'global' && count !== undefined) {
    const spot = deploy && replicas !== undefined ? keySpot(deploy, 'replicas') : keySpot(service, 'scale');
    report('CONFLICTING_FIELDS', spot, 'expected no number of containers: "mode: global" runs one on every host');
  }
  checkContainerName(report, service, count ?? 1);
  return mode === 'global' ? { global: true } : compact({ replicas: count });
}

function readMode(report: Report, deploy: Fields | undefined): 'replicated' | 'global' | undefined {
  const value = deploy?.get('mode');
  const text = readText(report, value, 'replicated or global');
  if (deploy && (text === 'replicated-job' || text === 'global-job')) {
    const wayOut = 'use "restart: on-failure" and wait for it with "condition: service_completed_successfully"';
    refuse(report, keySpot(deploy, 'mode'), quote(`mode: ${text}`), wayOut);
    return undefined;
  }
  return readTextChoice(report, value, ['replicated', 'global']);
}

function checkContainerName(report: Report, service: Fields, count: number): void {
  if (count <= 1 || !service.get('container_name')) return;
  const message = `expected no "container_name" for ${count} containers: names are unique`;
  report('CONFLICTING_FIELDS', keySpot(service, 'container_name'), message);
}

function readRestartPolicy(report: Report, value: Value | undefined): RestartSpec | undefined {
  const words = ['condition', 'max_attempts', 'delay', 'window'];
  const fields = readKeys(report, value, words, 'a map {condition, max_attempts}');
  if (!fields) return undefined;
  for (const word of ['delay', 'window']) {
    const ms = readDurationMs(report, fields.get(word));
    if (ms) refuse(report, keySpot(fields, word), quote(word), "remove it: Docker's own growing delay is used");
  }
  const condition = readTextChoice(report, fields.get('condition'), ['none', 'on-failure', 'any']) ?? 'any';
  const attempts = readInteger(report, fields.get('max_attempts'), { min: 0, max: MAX_RETRIES }) ?? 0;
  if (attempts > 0 && condition === 'any') {
    const wayOut = 'Docker counts attempts only with "condition: on-failure"';
    refuse(report, keySpot(fields, 'max_attempts'), '"max_attempts" with "condition: any"', wayOut);
  }
  if (condition === 'on-failure') return { name: 'on-failure', maximumRetryCount: attempts };
  return { name: condition === 'any' ? 'always' : 'no', maximumRetryCount: 0 };
}

const ROLLOUT_WORDS = ['parallelism', 'delay', 'order', 'monitor', 'failure_action', 'max_failure_ratio'];

function readRollout(
  report: Report,
  value: Value | undefined,
  actions: readonly ('pause' | 'continue' | 'rollback')[],
): RolloutSpec | undefined {
  const fields = readKeys(report, value, ROLLOUT_WORDS, 'a map {parallelism, delay, order, ...}');
  if (!fields) return undefined;
  const ratio = readNumber(report, fields.get('max_failure_ratio'), { min: 0, max: 1 });
  if (ratio) {
    const wayOut = 'remove it: one failure counts, and "failure_action" says what follows';
    refuse(report, keySpot(fields, 'max_failure_ratio'), '"max_failure_ratio"', wayOut);
  }
  return {
    // One at a time is what Swarm does where nothing is said.
    parallelism: readInteger(report, fields.get('parallelism'), { min: 0, max: MAX_REPLICAS }) ?? 1,
    delayMs: readDurationMs(report, fields.get('delay')) ?? 0,
    order: readTextChoice(report, fields.get('order'), ['stop-first', 'start-first']) ?? 'stop-first',
    monitorMs: readDurationMs(report, fields.get('monitor')) ?? null,
    failureAction: readTextChoice(report, fields.get('failure_action'), actions) ?? null,
  };
}
