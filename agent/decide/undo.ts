/**
 * Pure: takes back DEPLOY, START and RESTART after a failure or a cancellation. The new container goes, the previous one
 * gets its name back and runs again, and then the outcome says which of them is in place.
 */
import type { TaskOutcome } from '../base/outcome.ts';
import type { ObservedContainer } from '../docker/shapes/observe.ts';
import { type Decision, type DeployJob, dismantle, oursOf, type SeenContainers } from './decision.ts';
import { isMadeHere, isStartedHere, isStoppedHere, type Memory, started, type Undo, type Undoing } from './memory.ts';
import { isWanted } from './wanted.ts';

type Found = ObservedContainer | null;

export function decideUndo(job: DeployJob, phase: Undoing, seen: SeenContainers, memory: Memory): Decision {
  const { named } = seen;
  const previous = oursOf(seen.previous);
  const tried = phase.undo.notes.length;
  if (tried === 0 && named && isFromHere(job, phase, named, seen, memory)) return dismantle(named);
  if (!named && previous) {
    // It starts before it gets its name back: if the run is cut off in between, its name still says what it is.
    if (tried === 0 && memory.previousRan && isIdle(previous, phase)) return startAgain(previous, phase);
    if (tried <= 1) {
      return {
        do: 'rename',
        id: previous.id,
        to: job.name,
        remember: { phase: { ...phase, restoredId: previous.id } },
      };
    }
  }
  const stoppedByUs = phase.undo.cause === 'cancelled' && isStoppedHere(phase.work) && named?.ours;
  if (tried === 0 && stoppedByUs && isIdle(named, phase)) return startAgain(named, phase);
  return { do: 'end', outcome: toOutcome(phase, named, previous) };
}

const isIdle = ({ id, running }: ObservedContainer, phase: Undoing): boolean => !running && !isStartedHere(phase, id);
const startAgain = ({ id }: ObservedContainer, phase: Undoing): Decision => ({
  do: 'start',
  id,
  remember: { phase: started(phase, id) },
});

/** This run made it, or an earlier attempt did, of which nothing else tells. */
function isFromHere(
  job: DeployJob,
  phase: Undoing,
  named: ObservedContainer,
  seen: SeenContainers,
  memory: Memory,
): boolean {
  const hasPrevious = seen.previous?.ours === true;
  if (!named.ours || named.id === phase.restoredId) return false;
  if (!isWanted(job, named, seen, memory)) return hasPrevious && !named.running;
  if (isMadeHere(phase, named.id) || hasPrevious) return true;
  return phase.undo.cause === 'failed' && named.taskId === job.taskId;
}

function toOutcome(phase: Undoing, named: Found, previous: Found): TaskOutcome {
  const { undo, restoredId } = phase;
  const { action, message } = describe(phase, named, previous);
  const text = [message, ...undo.notes].join(' ');
  if (undo.cause === 'cancelled') {
    const containerId = (oursOf(named) ?? previous)?.id;
    return { status: 'CANCELLED', result: { action, message: text, containerId } };
  }
  const touched = restoredId !== null || undo.notes.length > 0;
  return toFailure(undo, touched ? text : undefined);
}

function toFailure({ failure, retryable }: Extract<Undo, { cause: 'failed' }>, text: string | undefined): TaskOutcome {
  const error = text === undefined ? failure : { ...failure, message: `${failure.message} ${text}` };
  return { status: 'FAILED', error, retryable };
}

function describe({ restoredId }: Undoing, named: Found, previous: Found): { action: string; message: string } {
  if (named && named.id === restoredId) {
    return {
      action: 'restored',
      message: `The previous container has its place again${named.running ? ' and runs' : ''}.`,
    };
  }
  if (named?.ours) return { action: 'unchanged', message: `The container is ${named.status}, as it was left.` };
  if (previous) return { action: 'interrupted', message: 'The previous container still has its temporary name.' };
  return { action: 'absent', message: 'There is no container.' };
}
