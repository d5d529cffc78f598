/** The words in which a task and what came of it are told; types only. */

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
  /** Not yet checked JSON; `docker/spec.ts` knows its shape. */
  spec: unknown;
};

export type LayerProgress = { id: string; status: string; currentBytes?: number; totalBytes?: number };

export type TaskProgress = {
  message?: string;
  currentBytes?: number;
  totalBytes?: number;
  layers?: LayerProgress[];
};

export type TaskUpdate = { phase: TaskPhase; progress?: TaskProgress };

/** What stands under the container's name at the end: the one from before, the wanted one, nothing. Absent: not known. */
export type ContainerLeft = 'OLD' | 'NEW' | 'NONE';

export type TaskFailure = {
  /** Stable; see `docker/errors.ts`. */
  code: string;
  /** What failed and what to do about it. */
  message: string;
  exitCode?: number;
  oomKilled?: boolean;
  /** Output of the last probes, oldest first. */
  healthLog?: string[];
  /** The container's last lines, oldest first. */
  logs?: string[];
  left?: ContainerLeft;
};

/** `action` is one word (created, replaced, unchanged, absent, ...); `message` says it in a sentence where that helps. */
export type TaskResult = { containerId?: string; action: string; message?: string; left?: ContainerLeft };

export type TaskOutcome =
  | { status: 'COMPLETED'; result: TaskResult }
  | { status: 'FAILED'; error: TaskFailure; retryable: boolean }
  | { status: 'CANCELLED'; result: TaskResult };

type LogLine = { (fields: object, message: string): void; (message: string): void };
/** What we use of pino's logger. */
export type Logger = { debug: LogLine; info: LogLine; warn: LogLine; error: LogLine };
