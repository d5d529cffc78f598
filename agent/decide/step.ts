/** Pure: (job, what is there, what this run did) -> one step, or the end. Never a script: after each step comes a new look. */

import type { ContainerLeft, TaskOutcome } from '../base/outcome.ts';
import {
  type CleanJob,
  completed,
  type Decision,
  type DeployJob,
  dismantle,
  failed,
  isWanted,
  type Job,
  type Memory,
  type NamedJob,
  type PullJob,
  type SeenContainers,
  type SeenImage,
  type SeenStack,
} from './decision.ts';
import { decideDeploy } from './deploy.ts';

/** A job together with the look that belongs to its kind. */
export type Situation =
  | { job: DeployJob | NamedJob; seen: SeenContainers }
  | { job: CleanJob; seen: SeenStack }
  | { job: PullJob; seen: SeenImage };

const isDeploy = (job: Job): job is DeployJob =>
  job.kind === 'DEPLOY' || job.kind === 'START' || job.kind === 'RESTART';

export function decide(situation: Situation, memory: Memory): Decision {
  const decision = choose(situation, memory);
  if (decision.do !== 'end') return decision;
  return { do: 'end', outcome: withLeft(decision.outcome, leftOf(situation, memory)) };
}

function choose({ job, seen }: Situation, memory: Memory): Decision {
  if (isDeploy(job)) return decideDeploy(job, seen as SeenContainers, memory);
  if (memory.undo) return { do: 'end', outcome: given(memory.undo, memory) };
  if (job.kind === 'STOP') return decideStop(job, seen as SeenContainers, memory);
  if (job.kind === 'DELETE') return decideDelete(job as NamedJob, seen as SeenContainers, memory);
  if (job.kind === 'CLEAN') return decideClean(job, seen as SeenStack, memory);
  return decidePull(job as PullJob, seen as SeenImage, memory);
}

function leftOf({ job, seen }: Situation, memory: Memory): ContainerLeft | undefined {
  const { named } = seen as SeenContainers;
  if (job.kind === 'DELETE') return named?.ours ? 'OLD' : 'NONE';
  if (!isDeploy(job)) return undefined;
  if (!named) return 'NONE';
  return named.ours && isWanted(job, named, seen as SeenContainers, memory) ? 'NEW' : 'OLD';
}

function withLeft(outcome: TaskOutcome, left: ContainerLeft | undefined): TaskOutcome {
  if (!left) return outcome;
  return outcome.status === 'FAILED'
    ? { ...outcome, error: { ...outcome.error, left } }
    : { ...outcome, result: { ...outcome.result, left } };
}

/** Nothing to take back: each of these steps leaves things closer to what was asked. */
function given(undo: NonNullable<Memory['undo']>, { action }: Memory): TaskOutcome {
  return undo.cause === 'failed'
    ? { status: 'FAILED', error: undo.failure, retryable: undo.retryable }
    : { status: 'CANCELLED', result: { action, message: 'Cancelled before it was done.' } };
}

function decideStop({ name }: NamedJob, { named, previous }: SeenContainers, memory: Memory): Decision {
  const there = named?.ours ? named : null;
  const old = previous?.ours ? previous : null;
  for (const container of [there, old]) {
    if (!container?.running) continue;
    return { do: 'stop', id: container.id, stopSeconds: container.stopSeconds, remember: { action: 'stopped' } };
  }
  if (!named && old) return { do: 'rename', id: old.id, to: name };
  return there ? completed(memory.action, there.id) : completed('absent');
}

function decideDelete({ name, upTo }: NamedJob, { named, previous }: SeenContainers, memory: Memory): Decision {
  for (const container of [named, previous]) {
    if (container?.ours && isNewer(container, upTo)) return tooNew(name, container.revision);
    if (container?.ours) return dismantle(container, { action: 'removed' });
  }
  return completed(memory.action === 'removed' ? 'removed' : 'absent');
}

const isNewer = ({ revision }: { revision: number }, upTo = Number.POSITIVE_INFINITY) => revision > upTo;

const tooNew = (name: string, revision: number): Decision =>
  failed(
    'STALE_REVISION',
    `${name} is of revision ${revision}, which was made after this removal was asked for, and stays. Ask again to remove it.`,
  );

const stopSeconds = 60;

function decideClean({ upTo }: CleanJob, { containers, networks, volumes }: SeenStack, memory: Memory): Decision {
  const newer = containers.find((container) => isNewer(container, upTo));
  if (newer) return tooNew(newer.name, newer.revision);
  const remember = { action: 'cleaned' };
  for (const { id, status } of containers) {
    const running = status === 'running' || status === 'paused' || status === 'restarting';
    if (status === 'removing') return { do: 'awaitRemoval', id };
    return running ? { do: 'stop', id, stopSeconds } : { do: 'remove', id, remember };
  }
  const network = networks.find(({ id }) => !memory.left.includes(id));
  if (network) return { do: 'removeNetwork', id: network.id, remember };
  const volume = volumes.find((name) => !memory.left.includes(name));
  if (volume) return { do: 'removeVolume', name: volume, remember };
  const left = [...networks.map(({ name }) => `network ${name}`), ...volumes.map((name) => `volume ${name}`)];
  const message = left.length > 0 ? `Left to those that still use it: ${left.join(', ')}.` : undefined;
  return completed(memory.action, undefined, message);
}

function decidePull({ image, policy, platform }: PullJob, { present }: SeenImage, memory: Memory): Decision {
  if (memory.pulled && present) return completed('pulled');
  if (memory.pulled) {
    const message = `Docker pulled ${image} without an error, and yet does not have it. It is tried again.`;
    return { do: 'end', outcome: { status: 'FAILED', error: { code: 'PULL_FAILED', message }, retryable: true } };
  }
  if (present && policy === 'missing') return completed('present');
  return { do: 'pull', image, platform, remember: { pulled: true } };
}
