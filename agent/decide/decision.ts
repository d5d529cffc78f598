/** The words in which a task is decided: what is asked (job), what the host has (seen), what this run did (memory). */
import type { TaskOutcome } from '../base/outcome.ts';
import type { ObservedContainer } from '../docker/shapes/observe.ts';
import type { DeploySpec } from '../docker/shapes/spec.ts';
import type { Memory } from './memory.ts';

type AnyJob = { taskId: string; stack: string };
export type DeployJob = AnyJob & { kind: 'DEPLOY' | 'START' | 'RESTART'; name: string; deploy: DeploySpec };
/** A container with the spec hash `keep` is the one that is wanted, and is not stopped. */
export type StopJob = AnyJob & { kind: 'STOP'; name: string; keep?: string | undefined };
/** A removal leaves containers of revisions newer than `upTo` alone: they were made after it was asked for. */
export type DeleteJob = AnyJob & { kind: 'DELETE'; name: string; upTo?: number | undefined };
export type CleanJob = AnyJob & { kind: 'CLEAN'; networks: string[]; volumes: string[]; upTo?: number | undefined };
export type PullJob = AnyJob & { kind: 'PULL'; image: string; policy: 'missing' | 'always'; platform?: string };
export type Job = DeployJob | StopJob | DeleteJob | CleanJob | PullJob;

export type SeenContainers = {
  named: ObservedContainer | null;
  /** The container under the name that a replaced one bears until its successor is good. */
  previous: ObservedContainer | null;
  /** The image that the spec's name stands for on this engine. Set if the container must follow it and it is present. */
  imageId?: string | null;
};
/** What a stack still has on this host. All of it belongs to Graphium. */
export type SeenStack = {
  containers: { id: string; name: string; status: string; revision: number }[];
  networks: { id: string; name: string }[];
  volumes: string[];
};
export type SeenImage = { present: boolean };

/** A job together with what the host shows of it. */
export type SeenJob =
  | ((DeployJob | StopJob | DeleteJob) & { seen: SeenContainers })
  | (CleanJob & { seen: SeenStack })
  | (PullJob & { seen: SeenImage });

export const previousName = (name: string): string => `${name}.graphium-previous`;

type Action =
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

/** One thing to do. Once it is done, `remember` becomes part of the memory. */
export type Step = Action & { remember?: Partial<Memory> };
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

/** Returns the container if Graphium made it. */
export const oursOf = (container: ObservedContainer | null): ObservedContainer | null =>
  container?.ours ? container : null;

/** Returns the next step towards the container's absence. */
export function dismantle({ id, status, running, stopSeconds }: ObservedContainer, remember?: Partial<Memory>): Step {
  if (status === 'removing') return { do: 'awaitRemoval', id };
  return running ? { do: 'stop', id, stopSeconds } : { do: 'remove', id, remember };
}
