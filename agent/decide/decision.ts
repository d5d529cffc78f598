/** The words of one task's decisions: what is asked (job), what is there (seen), what this run did so far (memory). */

import type { TaskFailure, TaskOutcome } from '../base/outcome.ts';
import type { ObservedContainer } from '../docker/shapes/observe.ts';
import type { DeploySpec } from '../docker/shapes/spec.ts';

export type DeployJob = {
  kind: 'DEPLOY' | 'START' | 'RESTART';
  taskId: string;
  stack: string;
  name: string;
  deploy: DeploySpec;
};
/** `upTo`: a container of a newer revision is not the one that was to be removed. */
export type NamedJob = {
  kind: 'STOP' | 'DELETE';
  taskId: string;
  stack: string;
  name: string;
  upTo?: number | undefined;
};
export type CleanJob = {
  kind: 'CLEAN';
  taskId: string;
  stack: string;
  networks: string[];
  volumes: string[];
  upTo?: number | undefined;
};
export type PullJob = {
  kind: 'PULL';
  taskId: string;
  stack: string;
  image: string;
  policy: 'missing' | 'always';
  platform?: string;
};
export type Job = DeployJob | NamedJob | CleanJob | PullJob;

export type SeenContainers = {
  named: ObservedContainer | null;
  /** What stands under the name that a replaced container bears until its successor is good. */
  previous: ObservedContainer | null;
  /** What the image's name stands for on this engine; only where the container is to follow it, and the image is here. */
  imageId?: string | null;
};
/** What is left of a stack; all of it ours. */
export type SeenStack = {
  containers: { id: string; name: string; status: string; revision: number }[];
  networks: { id: string; name: string }[];
  volumes: string[];
};
export type SeenImage = { present: boolean };

export const previousName = (name: string): string => `${name}.graphium-previous`;

/**
 * Why what was begun is taken back. `notes`: what went wrong while doing so. After the first one, all that is still tried
 * is to give the replaced container its name back; after the second, nothing.
 */
export type Undo = ({ cause: 'cancelled' } | { cause: 'failed'; failure: TaskFailure; retryable: boolean }) & {
  notes: readonly string[];
};

/** Lost in a crash, so that nothing may depend on it that Docker's state and our labels do not tell as well. */
export type Memory = {
  action: string;
  /** Image, networks and volumes are there. */
  prepared: boolean;
  /** They were gone again once; a second time is a failure. */
  preparedAgain: boolean;
  createdId: string | null;
  startedId: string | null;
  /** Verified. */
  goodId: string | null;
  /** Cannot be started as it is. */
  discardId: string | null;
  /** One was discarded for lacking its ports; a second time is a failure. */
  recreated: boolean;
  /** RESTART: has been stopped. */
  stopped: boolean;
  /** The replaced one ran before. After a crash this is not known, and the safe answer is yes. */
  oldRan: boolean;
  /** The replaced one, which has its name again. */
  restoredId: string | null;
  pulled: boolean;
  /** CLEAN: networks (ids) and volumes (names) that others still use. */
  left: readonly string[];
  undo: Undo | null;
};

export const freshMemory: Memory = {
  action: 'unchanged',
  prepared: false,
  preparedAgain: false,
  createdId: null,
  startedId: null,
  goodId: null,
  discardId: null,
  recreated: false,
  stopped: false,
  oldRan: true,
  restoredId: null,
  pulled: false,
  left: [],
  undo: null,
};

type Does =
  | { do: 'pull'; image: string; platform?: string }
  | { do: 'prepare' }
  | { do: 'create' }
  | { do: 'start'; id: string }
  | { do: 'unpause'; id: string }
  | { do: 'verify'; id: string }
  | { do: 'stop'; id: string; stopSeconds: number }
  | { do: 'rename'; id: string; to: string }
  | { do: 'remove'; id: string }
  | { do: 'awaitRemoval'; id: string }
  | { do: 'removeNetwork'; id: string }
  | { do: 'removeVolume'; name: string };

/** One thing to do. `remember`: what to remember once it is done. */
export type Step = Does & { remember?: Partial<Memory> };
export type StepOf<Name extends Step['do']> = Extract<Step, { do: Name }>;

export type Decision = Step | { do: 'end'; outcome: TaskOutcome };

export const completed = (action: string, containerId?: string, message?: string): Decision => ({
  do: 'end',
  outcome: { status: 'COMPLETED', result: { action, containerId, message } },
});

export const failed = (code: string, message: string): Decision => ({
  do: 'end',
  outcome: { status: 'FAILED', error: { code, message }, retryable: false },
});

/**
 * Made to the spec that is asked for and, where it is to follow its image, from what the image's name stands for now. What
 * this run has made is not doubted again: the name may move on at any time.
 */
export const isWanted = (
  { deploy }: DeployJob,
  { id, specHash, imageId }: ObservedContainer,
  seen: SeenContainers,
  { createdId }: Memory,
): boolean => specHash === deploy.specHash && (id === createdId || !seen.imageId || imageId === seen.imageId);

/** Towards a container's absence. */
export function dismantle({ id, status, running, stopSeconds }: ObservedContainer, remember?: Partial<Memory>): Step {
  if (status === 'removing') return { do: 'awaitRemoval', id };
  return running ? { do: 'stop', id, stopSeconds } : { do: 'remove', id, remember };
}
