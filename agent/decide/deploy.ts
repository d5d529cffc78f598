/**
 * Pure: the next step of DEPLOY, START and RESTART. Any of them may be interrupted anywhere and begun again, so every
 * combination of containers under the two names leads on:
 *
 *     named     previous   means
 *     -         -          create it
 *     wanted    -          adopt it, start it, or make it again if it never got started
 *     other     -          replace it: it becomes `previous` while it still runs
 *     -         ours       a replacement is under way
 *     wanted    ours       the same, further on: `previous` goes when `named` is good, and returns when it is not
 *     other     ours       another task left a replacement unfinished: `previous` was good, `named` may not be
 *     foreign   any        touch nothing
 *
 * The order decides which of the two runs. stop-first stops `previous` before `named` starts. start-first lets both run
 * until `named` is good. If `named` is not good, `previous` runs again, whichever order an earlier attempt followed.
 */

import { howToTakeOver, type ObservedContainer } from '../docker/shapes/observe.ts';
import {
  completed,
  type Decision,
  type DeployJob,
  dismantle,
  failed,
  oursOf,
  previousName,
  type SeenContainers,
  type Step,
} from './decision.ts';
import {
  discarded,
  good,
  isMadeHere,
  isPrepared,
  isStartedHere,
  isStoppedHere,
  type Memory,
  type Phase,
  started,
} from './memory.ts';
import { decideUndo } from './undo.ts';
import { isWanted } from './wanted.ts';

export function decideDeploy(job: DeployJob, seen: SeenContainers, memory: Memory): Decision {
  if (memory.phase.is === 'undoing') return decideUndo(job, memory.phase, seen, memory);
  return refuse(job, seen) ?? awaitRemovals(seen) ?? decideForward(job, seen, memory);
}

function refuse(job: DeployJob, { named, previous }: SeenContainers): Decision | undefined {
  if (named && !named.ours) return nameConflict(job.name, named);
  const newest = named ?? oursOf(previous);
  return newest && newest.revision > job.deploy.revision ? stale(job, newest.revision) : undefined;
}

function awaitRemovals({ named, previous }: SeenContainers): Decision | undefined {
  const going = [named, oursOf(previous)].find((container) => container?.status === 'removing');
  return going ? { do: 'awaitRemoval', id: going.id } : undefined;
}

function decideForward(job: DeployJob, seen: SeenContainers, memory: Memory): Decision {
  const { named } = seen;
  const previous = oursOf(seen.previous);
  if (named && isWanted(job, named, seen, memory)) return decideWanted(job, named, previous, memory);
  if (named && previous) return dismantle(named);
  if (named && seen.previous) return nameConflict(previousName(job.name), seen.previous);
  if (previous && isWanted(job, previous, seen, memory)) return { do: 'rename', id: previous.id, to: job.name };
  if (!isPrepared(memory)) {
    return { do: 'prepare', remember: { parts: memory.parts === 'lost' ? 'readyAgain' : 'ready' } };
  }
  if (named) {
    return { do: 'rename', id: named.id, to: previousName(job.name), remember: { previousRan: named.running } };
  }
  return { do: 'create', remember: { action: previous ? 'replaced' : memory.recreated ? 'recreated' : 'created' } };
}

function done({ action, warnings }: Memory, id: string): Decision {
  return completed(action, id, warnings.length > 0 ? `The engine warns: ${warnings.join(' ')}` : undefined);
}

function decideWanted(
  job: DeployJob,
  named: ObservedContainer,
  previous: ObservedContainer | null,
  memory: Memory,
): Decision {
  const { id } = named;
  const { phase } = memory;
  if (phase.is === 'good' && phase.id === id) return previous ? dismantle(previous) : done(memory, id);
  if (!named.running) return decideStopped(job, named, previous, memory);
  if (named.status === 'paused') return { do: 'unpause', id, remember: { action: 'started' } };
  // After a restart of Docker both run, because it starts every container whose policy is `always`.
  if (previous?.running && isStopFirst(job)) return stop(previous);
  if (job.kind === 'RESTART' && isUntouched(phase, id) && !isStoppedHere(phase)) {
    return stop(named, { phase: { is: 'stopped' } });
  }
  if (named.lacksPorts && !memory.recreated) return stop(named, { phase: discarded(phase, id), recreated: true });
  return !previous && isProven(job, named, phase) ? done(memory, id) : verify(phase, id);
}

const isUntouched = (phase: Phase, id: string): boolean => !isMadeHere(phase, id) && !isStartedHere(phase, id);

/** A container that neither this run nor an earlier attempt of the task has touched needs no check if it looks good. */
const isProven = (job: DeployJob, named: ObservedContainer, phase: Phase): boolean =>
  isUntouched(phase, named.id) && named.taskId !== job.taskId && looksGood(named) && !job.deploy.awaitExit;

function decideStopped(
  job: DeployJob,
  named: ObservedContainer,
  previous: ObservedContainer | null,
  { phase, action }: Memory,
): Decision {
  const { id } = named;
  const isDiscarded = phase.is === 'discarded' && phase.id === id;
  if (!isDiscarded && (isStartedHere(phase, id) || endedWell(job, named))) return verify(phase, id);
  if (isDiscarded || isLeftover(named, phase)) return { do: 'remove', id };
  if (previous?.running && isStopFirst(job)) return stop(previous);
  const done = isMadeHere(phase, id) ? action : isStoppedHere(phase) ? 'restarted' : 'started';
  return { do: 'start', id, remember: { phase: started(phase, id), action: done } };
}

const looksGood = ({ status, health, lacksPorts }: ObservedContainer): boolean =>
  status === 'running' && (health === 'NONE' || health === 'HEALTHY') && !lacksPorts;

const isStopFirst = ({ deploy }: DeployJob): boolean => deploy.order !== 'start-first';

/**
 * A job that has ended well is not run again: never if others wait for its end, and otherwise if an earlier attempt of
 * this very task ran it.
 */
const endedWell = (job: DeployJob, named: ObservedContainer): boolean =>
  job.kind === 'DEPLOY' &&
  (job.deploy.awaitExit === true || named.taskId === job.taskId) &&
  named.status === 'exited' &&
  named.everStarted &&
  named.exitCode === 0 &&
  (named.restartPolicy === 'no' || named.restartPolicy === 'on-failure');

/** A second start of what failed to start may bring it up without its ports (moby #51758). */
const isLeftover = (named: ObservedContainer, phase: Phase): boolean =>
  named.status === 'dead' || named.startError !== '' || (named.status === 'created' && !isMadeHere(phase, named.id));

const stop = ({ id, stopSeconds }: ObservedContainer, remember?: Partial<Memory>): Step => ({
  do: 'stop',
  id,
  stopSeconds,
  remember,
});
const verify = (phase: Phase, id: string): Step => ({ do: 'verify', id, remember: { phase: good(phase, id) } });

const nameConflict = (name: string, { composeProject, stack }: ObservedContainer): Decision => {
  const out =
    composeProject === null ? 'Rename or remove it, or choose another container name' : howToTakeOver(composeProject);
  const whose = stack === null ? 'that Graphium did not make' : `that belongs to the stack ${stack}`;
  return failed('NAME_CONFLICT', `There is a container ${name} on this host ${whose}. ${out}.`);
};

const stale = ({ name, deploy }: DeployJob, revision: number): Decision =>
  failed(
    'STALE_REVISION',
    `${name} is at revision ${revision} already; this task is for revision ${deploy.revision} and changes nothing.`,
  );
