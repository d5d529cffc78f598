/** Pure: decides one step from a job, what the host shows and what this run did. Each step is followed by a new look. */
import type { ContainerLeft, TaskOutcome } from '../base/outcome.ts';
import type { ObservedContainer } from '../docker/shapes/observe.ts';
import {
  type CleanJob,
  completed,
  type Decision,
  type DeleteJob,
  dismantle,
  failed,
  oursOf,
  type PullJob,
  type SeenContainers,
  type SeenImage,
  type SeenJob,
  type SeenStack,
  type StopJob,
} from './decision.ts';
import { decideDeploy } from './deploy.ts';
import type { Memory, Undo } from './memory.ts';
import { isWanted } from './wanted.ts';

/** A container's own time to stop is not known here, because a stack is listed and not inspected. */
const CLEAN_STOP_SECONDS = 60;

export function decide(job: SeenJob, memory: Memory): Decision {
  const decision = choose(job, memory);
  if (decision.do !== 'end') return decision;
  return { do: 'end', outcome: withLeft(decision.outcome, leftOf(job, memory)) };
}

function choose(job: SeenJob, memory: Memory): Decision {
  const { phase } = memory;
  const undo = phase.is === 'undoing' ? phase.undo : null;
  switch (job.kind) {
    case 'DEPLOY':
    case 'START':
    case 'RESTART':
      return decideDeploy(job, job.seen, memory);
    case 'STOP':
      return undo ? giveUp(undo, memory) : decideStop(job, job.seen, memory);
    case 'DELETE':
      return undo ? giveUp(undo, memory) : decideDelete(job, job.seen, memory);
    case 'CLEAN':
      return undo ? giveUp(undo, memory) : decideClean(job, job.seen, memory);
    case 'PULL':
      return undo ? giveUp(undo, memory) : decidePull(job, job.seen, memory);
  }
}

function leftOf(job: SeenJob, memory: Memory): ContainerLeft | undefined {
  if (job.kind === 'STOP' || job.kind === 'CLEAN' || job.kind === 'PULL') return undefined;
  const { named } = job.seen;
  if (job.kind === 'DELETE') return named?.ours ? 'PREVIOUS' : 'NONE';
  if (!named) return 'NONE';
  return named.ours && isWanted(job, named, job.seen, memory) ? 'NEW' : 'PREVIOUS';
}

function withLeft(outcome: TaskOutcome, left: ContainerLeft | undefined): TaskOutcome {
  if (!left) return outcome;
  return outcome.status === 'FAILED'
    ? { ...outcome, error: { ...outcome.error, left } }
    : { ...outcome, result: { ...outcome.result, left } };
}

/** Ends without taking anything back: each step of these jobs leaves the host closer to what was asked. */
function giveUp(undo: Undo, { action }: Memory): Decision {
  const outcome: TaskOutcome =
    undo.cause === 'failed'
      ? { status: 'FAILED', error: undo.failure, retryable: undo.retryable }
      : { status: 'CANCELLED', result: { action, message: 'Cancelled before it was done.' } };
  return { do: 'end', outcome };
}

function decideStop({ name, keep }: StopJob, seen: SeenContainers, memory: Memory): Decision {
  const named = oursOf(seen.named);
  const previous = oursOf(seen.previous);
  const isKept = ({ specHash }: ObservedContainer) => keep !== undefined && specHash === keep;
  const running = [named, previous].find((container) => container?.running && !isKept(container));
  if (running) {
    return { do: 'stop', id: running.id, stopSeconds: running.stopSeconds, remember: { action: 'stopped' } };
  }
  if (!seen.named && previous) return { do: 'rename', id: previous.id, to: name };
  return named ? completed(memory.action, named.id) : completed('absent');
}

function decideDelete({ name, upTo }: DeleteJob, { named, previous }: SeenContainers, memory: Memory): Decision {
  const container = oursOf(named) ?? oursOf(previous);
  if (!container) return completed(memory.action === 'removed' ? 'removed' : 'absent');
  if (isNewer(container, upTo)) return tooNew(name, container.revision);
  return dismantle(container, { action: 'removed' });
}

const isNewer = ({ revision }: { revision: number }, upTo = Number.POSITIVE_INFINITY) => revision > upTo;

const tooNew = (name: string, revision: number): Decision =>
  failed(
    'STALE_REVISION',
    `${name} is of revision ${revision}, which was made after this removal was asked for, and stays. Ask again to remove it.`,
  );

function decideClean({ upTo }: CleanJob, { containers, networks, volumes }: SeenStack, memory: Memory): Decision {
  const newer = containers.find((container) => isNewer(container, upTo));
  if (newer) return tooNew(newer.name, newer.revision);
  const remember = { action: 'cleaned' };
  const [container] = containers;
  if (container) {
    const { id, status } = container;
    const running = status === 'running' || status === 'paused' || status === 'restarting';
    if (status === 'removing') return { do: 'awaitRemoval', id };
    return running ? { do: 'stop', id, stopSeconds: CLEAN_STOP_SECONDS } : { do: 'remove', id, remember };
  }
  const network = networks.find(({ id }) => !memory.spared.includes(id));
  if (network) return { do: 'removeNetwork', id: network.id, remember };
  const volume = volumes.find((name) => !memory.spared.includes(name));
  if (volume) return { do: 'removeVolume', name: volume, remember };
  const spared = [...networks.map(({ name }) => `network ${name}`), ...volumes.map((name) => `volume ${name}`)];
  const message = spared.length > 0 ? `Left to those that still use it: ${spared.join(', ')}.` : undefined;
  return completed(memory.action, undefined, message);
}

function decidePull({ image, policy, platform }: PullJob, { present }: SeenImage, { phase }: Memory): Decision {
  if (phase.is === 'pulled' && present) return completed('pulled');
  if (phase.is === 'pulled') {
    const message = `Docker pulled ${image} without an error, and yet does not have it. This may pass by itself.`;
    return { do: 'end', outcome: { status: 'FAILED', error: { code: 'PULL_FAILED', message }, retryable: true } };
  }
  if (present && policy === 'missing') return completed('present');
  return { do: 'pull', image, platform, remember: { phase: { is: 'pulled' } } };
}
