/** Shapes of the `jsonb` columns. */
import type { ContainerSpec, NetworkSpec, VolumeSpec } from '../spec/spec.ts';

export type Labels = Record<string, string>;

export type EngineFacts = {
  version: string;
  apiVersion: string;
  os: string;
  arch: string;
  cpus: number;
  memoryBytes: number;
};

/** What the policy file of a host allows, as its agent reports it; of what it leaves out nothing is allowed. */
export type ReportedPolicy = Record<string, unknown>;

export type LayerProgress = {
  id: string;
  status: string;
  currentBytes?: number | null | undefined;
  totalBytes?: number | null | undefined;
};

export type TaskProgress = {
  message?: string | null | undefined;
  currentBytes?: number | null | undefined;
  totalBytes?: number | null | undefined;
  layers?: readonly LayerProgress[] | null | undefined;
};

/** Why a task failed; as a deployment's cause it also says which task, agent and container. */
export type TaskFailure = {
  code: string;
  message: string;
  taskId?: string | null | undefined;
  agent?: string | null | undefined;
  containerName?: string | null | undefined;
  exitCode?: number | null | undefined;
  oomKilled?: boolean | null | undefined;
  healthLog?: readonly string[] | null | undefined;
  logs?: readonly string[] | null | undefined;
  left?: ContainerLeft | null | undefined;
};

/** Something in a stack file that is accepted and yet worth a look, and where it stands. */
export type Warning = { code: string; message: string; path: string; line: number; column: number };

/** What stands under the container's name when its task has ended: the previous one, the wanted one, or nothing. */
export type ContainerLeft = 'PREVIOUS' | 'NEW' | 'NONE';

export type TaskResult = {
  containerId?: string | null | undefined;
  action: string;
  left?: ContainerLeft | null | undefined;
  message?: string | null | undefined;
};

/** Characters of a text that an agent reports; a line of a log has 2,000. */
const MAX_REPORTED_TEXT = 8_000;
/** Entries of a list that an agent reports; a log has 100 lines. */
const MAX_REPORTED_ENTRIES = 500;

/**
 * Returns the value with all its texts as Postgres accepts them, without NUL and without half surrogate pairs, and no longer
 * than an honest agent's. The output of a container may hold anything, and must never keep a report from being accepted;
 * but each report is stored, and sent to all who watch. A text that is cut says so; of a list the last entries stay.
 */
export function toStorable<T>(value: T): T {
  const text = JSON.stringify(value, (_key, inner) => {
    if (typeof inner === 'string') return cut(inner.replaceAll('\0', '')).toWellFormed();
    return Array.isArray(inner) ? inner.slice(-MAX_REPORTED_ENTRIES) : inner;
  });
  return text === undefined ? value : (JSON.parse(text) as T);
}

const cut = (text: string): string =>
  text.length <= MAX_REPORTED_TEXT
    ? text
    : `${text.slice(0, MAX_REPORTED_TEXT)}… (cut: it has ${text.length} characters)`;

/** What an agent gets to do a task. `version` lets an older agent refuse what it does not know. */
export type ContainerTaskSpec = {
  version: 1;
  revision: number;
  specHash: string;
  container: ContainerSpec;
  networks: NetworkSpec[];
  volumes: VolumeSpec[];
  /** The previous container runs until the new one is good. Absent: it is stopped first. */
  order?: 'start-first';
  /** How long the container must stay up to count as good. Absent: the agent's default. */
  monitorMs?: number;
  /** The container is good only once it has ended with exit code 0, because others wait for its work. */
  awaitExit?: true;
  /** Values of variables that are somewhere in the container's spec, by name, and that are not to be reported. */
  variables?: Record<string, string>;
};

export type PullTaskSpec = { version: 1; image: string; policy: 'missing' | 'always'; platform?: string };

/** `keep`: a container with this spec hash is the one that is wanted, and goes on. */
export type StopTaskSpec = { version: 1; keep?: string };

/** `upTo`: a container of a newer revision is not the one that was to be removed, and stays. */
export type DeleteTaskSpec = { version: 1; upTo?: number };

export type CleanTaskSpec = { version: 1; networks: string[]; volumes: string[]; upTo?: number };

export type TaskSpecs = {
  PULL: PullTaskSpec;
  DEPLOY: ContainerTaskSpec;
  START: ContainerTaskSpec;
  RESTART: ContainerTaskSpec;
  STOP: StopTaskSpec;
  DELETE: DeleteTaskSpec;
  CLEAN: CleanTaskSpec;
};

export type TaskKind = keyof TaskSpecs;
export type TaskSpec = TaskSpecs[TaskKind];

declare const stored: unique symbol;
/** A value as a row has it, with what is confidential sealed; `secrets/at-rest.ts` opens it. */
export type Stored<T> = { [stored]: T };

/** What a task does: its kind and the spec that belongs to it. */
export type TaskWork = { [Kind in TaskKind]: { kind: Kind; spec: TaskSpecs[Kind] } }[TaskKind];
