/**
 * Pure: the next step of DEPLOY, START and RESTART. Any of them may be interrupted anywhere and begun again, so that every
 * combination of what may stand under the two names leads on:
 *
 *     named     previous   means
 *     -         -          to be made
 *     wanted    -          adopt, start, or (never got started) make again
 *     other     -          replace: it becomes `previous` while it still runs
 *     -         old        in the middle of a replacement
 *     wanted    old        the same, further on; `previous` goes when `named` is good, and comes back when it is not
 *     other     old        a replacement that another task left unfinished: `previous` was good, `named` may not be
 *     foreign   any        not touched
 *
 * Which of the two runs is a matter of the order. stop-first: `previous` is stopped before `named` starts. start-first: both
 * run until `named` is good. Whatever an attempt before this one was told, `previous` runs again if `named` is not good.
 */

import type { ObservedContainer } from '../docker/shapes/observe.ts';
import {
  completed,
  type Decision,
  type DeployJob,
  dismantle,
  failed,
  isWanted,
  type Memory,
  previousName,
  type SeenContainers,
  type Step,
} from './decision.ts';
import { decideUndo } from './undo.ts';

export function decideDeploy(job: DeployJob, seen: SeenContainers, memory: Memory): Decision {
  const { named, previous } = seen;
  const old = previous?.ours ? previous : null;
  if (memory.undo && memory.goodId === null) return decideUndo(job, memory.undo, seen, memory);
  if (named && !named.ours) return nameConflict(job.name);
  const newest = named ?? old;
  if (newest && newest.revision > job.deploy.revision) return stale(job, newest.revision);
  for (const container of [named, old]) {
    if (container?.status === 'removing') return { do: 'awaitRemoval', id: container.id };
  }
  if (named && isWanted(job, named, seen, memory)) return decideWanted(job, named, old, memory);
  if (named && old) return dismantle(named);
  if (named && previous) return nameConflict(previousName(job.name));
  if (!named && old && isWanted(job, old, seen, memory)) return { do: 'rename', id: old.id, to: job.name };
  if (!memory.prepared) return { do: 'prepare', remember: { prepared: true } };
  if (named) {
    return { do: 'rename', id: named.id, to: previousName(job.name), remember: { oldRan: named.running } };
  }
  return { do: 'create', remember: { action: old ? 'replaced' : memory.recreated ? 'recreated' : 'created' } };
}

function decideWanted(
  job: DeployJob,
  named: ObservedContainer,
  old: ObservedContainer | null,
  memory: Memory,
): Decision {
  if (named.id === memory.goodId) return old ? dismantle(old) : completed(memory.action, named.id);
  if (!named.running) return decideStopped(job, named, old, memory);
  if (named.status === 'paused') return { do: 'unpause', id: named.id, remember: { action: 'started' } };
  // Both run also after a restart of Docker: it starts again what is to run `always`.
  if (old?.running && isStopFirst(job)) return stop(old);
  const { id } = named;
  const untouched = id !== memory.createdId && id !== memory.startedId;
  if (job.kind === 'RESTART' && untouched && !memory.stopped) return stop(named, { stopped: true });
  if (named.lacksPorts && !memory.recreated) return stop(named, { discardId: id, recreated: true });
  const isProven = untouched && named.taskId !== job.taskId && looksGood(named) && !job.deploy.awaitExit;
  return isProven && !old ? completed(memory.action, id) : verify(id);
}

function decideStopped(
  job: DeployJob,
  named: ObservedContainer,
  old: ObservedContainer | null,
  memory: Memory,
): Decision {
  const { id } = named;
  if (id !== memory.discardId && (id === memory.startedId || endedWell(job, named))) return verify(id);
  if (isLeftover(named, memory)) return { do: 'remove', id };
  if (old?.running && isStopFirst(job)) return stop(old);
  const action = id === memory.createdId ? memory.action : memory.stopped ? 'restarted' : 'started';
  return { do: 'start', id, remember: { startedId: id, action } };
}

const looksGood = ({ status, health, lacksPorts }: ObservedContainer): boolean =>
  status === 'running' && (health === 'NONE' || health === 'HEALTHY') && !lacksPorts;

const isStopFirst = ({ deploy }: DeployJob): boolean => deploy.order !== 'start-first';

/** A job that is done is not done twice: what others wait for, never; the rest, if an attempt of this very task did it. */
const endedWell = (job: DeployJob, named: ObservedContainer): boolean =>
  job.kind === 'DEPLOY' &&
  (job.deploy.awaitExit === true || named.taskId === job.taskId) &&
  named.status === 'exited' &&
  named.everStarted &&
  named.exitCode === 0 &&
  (named.restartPolicy === 'no' || named.restartPolicy === 'on-failure');

/** Starting a second time what failed to start may bring it up without its ports (moby #51758). */
const isLeftover = (named: ObservedContainer, memory: Memory): boolean =>
  named.id === memory.discardId ||
  named.status === 'dead' ||
  named.startError !== '' ||
  (named.status === 'created' && named.id !== memory.createdId);

const stop = ({ id, stopSeconds }: ObservedContainer, remember?: Partial<Memory>): Step => ({
  do: 'stop',
  id,
  stopSeconds,
  remember,
});
const verify = (id: string): Step => ({ do: 'verify', id, remember: { goodId: id } });

const nameConflict = (name: string): Decision =>
  failed(
    'NAME_CONFLICT',
    `There is a container ${name} on this host that Graphium did not make. Rename or remove it, or choose another container name.`,
  );

const stale = ({ name, deploy }: DeployJob, there: number): Decision =>
  failed(
    'STALE_REVISION',
    `${name} is at revision ${there} already; this task is for revision ${deploy.revision} and changes nothing.`,
  );
