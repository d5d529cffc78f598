/** The types in which a task and its outcome are expressed. */

export type TaskKind = 'PULL' | 'DEPLOY' | 'STOP' | 'START' | 'RESTART' | 'DELETE' | 'CLEAN';

export type TaskPhase =
  | 'PULLING'
  | 'PREPARING'
  | 'CREATING'
  | 'STARTING'
  | 'VERIFYING'
  | 'STOPPING'
  | 'REMOVING'
  | 'RESTORING'
  | 'CLEANING';

export type AgentTask = {
  id: string;
  kind: TaskKind;
  attempt: number;
  stack: string;
  containerName: string | null;
  /** JSON that is not checked yet; `docker/shapes/spec.ts` has its shape. */
  spec: unknown;
  /** JSON that is not checked yet, beside the spec. */
  variables?: unknown;
};

export type LayerProgress = { id: string; status: string; currentBytes?: number; totalBytes?: number };

export type TaskProgress = {
  message?: string;
  currentBytes?: number;
  totalBytes?: number;
  layers?: LayerProgress[];
};

export type TaskUpdate = { phase: TaskPhase; progress?: TaskProgress };

/** Which container has the name at the end: the one from before, the wanted one, or none. It is left out if unknown. */
export type ContainerLeft = 'PREVIOUS' | 'NEW' | 'NONE';

export type TaskFailure = {
  /** A stable code; `docker/errors.ts` lists them. */
  code: string;
  /** Says what failed and what to do about it. */
  message: string;
  exitCode?: number;
  oomKilled?: boolean;
  /** The output of the last probes, oldest first. */
  healthLog?: string[];
  /** The container's last lines, oldest first. */
  logs?: string[];
  left?: ContainerLeft;
};

/** `action` is one word (created, replaced, unchanged, absent, ...). `message` explains it in a sentence where that helps. */
export type TaskResult = { containerId?: string; action: string; message?: string; left?: ContainerLeft };

export type TaskOutcome =
  | { status: 'COMPLETED'; result: TaskResult }
  | { status: 'FAILED'; error: TaskFailure; retryable: boolean }
  | { status: 'CANCELLED'; result: TaskResult };

type LogLine = { (fields: object, message: string): void; (message: string): void };
/** The part of pino's logger that is used here. */
export type Logger = { debug: LogLine; info: LogLine; warn: LogLine; error: LogLine };
