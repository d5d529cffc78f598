/**
 * Pure: the way back of DEPLOY, START and RESTART after a failure or a cancellation: what was made goes, what was replaced
 * gets its name back and runs again, and then the outcome says which of them stands there.
 */

import type { TaskOutcome } from '../base/outcome.ts';
import type { ObservedContainer } from '../docker/shapes/observe.ts';
import {
  type Decision,
  type DeployJob,
  dismantle,
  isWanted,
  type Memory,
  type SeenContainers,
  type Undo,
} from './decision.ts';

type Found = ObservedContainer | null;

export function decideUndo(job: DeployJob, undo: Undo, seen: SeenContainers, memory: Memory): Decision {
  const { named } = seen;
  const old = seen.previous?.ours ? seen.previous : null;
  const tried = undo.notes.length;
  if (tried === 0 && named && isFromHere(job, undo, named, seen, memory)) return dismantle(named);
  if (!named && old) {
    // It starts before it gets its name back: cut off in between, it still looks like what it is.
    if (tried === 0 && memory.oldRan && isIdle(old, memory)) return startAgain(old);
    if (tried <= 1) return { do: 'rename', id: old.id, to: job.name, remember: { restoredId: old.id } };
  }
  const stoppedByUs = undo.cause === 'cancelled' && memory.stopped && named?.ours;
  if (tried === 0 && stoppedByUs && isIdle(named, memory)) return startAgain(named);
  return { do: 'end', outcome: toOutcome(undo, named, old, memory) };
}

const isIdle = ({ id, running }: ObservedContainer, { startedId }: Memory): boolean => !running && startedId !== id;
const startAgain = ({ id }: ObservedContainer): Decision => ({ do: 'start', id, remember: { startedId: id } });

/** Made by this run, or by an earlier attempt of which nothing else is left to tell. */
function isFromHere(
  job: DeployJob,
  undo: Undo,
  named: ObservedContainer,
  seen: SeenContainers,
  memory: Memory,
): boolean {
  const old = seen.previous?.ours === true;
  if (!named.ours || named.id === memory.restoredId) return false;
  if (!isWanted(job, named, seen, memory)) return old && !named.running;
  if (named.id === memory.createdId || old) return true;
  return undo.cause === 'failed' && named.taskId === job.taskId;
}

function toOutcome(undo: Undo, named: Found, old: Found, memory: Memory): TaskOutcome {
  const { action, message } = describe(named, old, memory);
  const told = [message, ...undo.notes].join(' ');
  if (undo.cause === 'cancelled') {
    return { status: 'CANCELLED', result: { action, message: told, containerId: (named?.ours ? named : old)?.id } };
  }
  const { failure, retryable } = undo;
  const touched = memory.restoredId !== null || undo.notes.length > 0;
  return {
    status: 'FAILED',
    error: touched ? { ...failure, message: `${failure.message} ${told}` } : failure,
    retryable,
  };
}

function describe(named: Found, old: Found, memory: Memory): { action: string; message: string } {
  if (named && named.id === memory.restoredId) {
    return {
      action: 'restored',
      message: `The previous container has its place again${named.running ? ' and runs' : ''}.`,
    };
  }
  if (named?.ours) return { action: 'unchanged', message: `The container is ${named.status}, as it was left.` };
  if (old) return { action: 'interrupted', message: 'The previous container still has its temporary name.' };
  return { action: 'absent', message: 'There is no container.' };
}
