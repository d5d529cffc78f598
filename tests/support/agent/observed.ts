import type { DeployJob } from '../../../agent/decide/decision.ts';
import { type Memory, type Phase, type Undo, type Undoing, undoing, type Work } from '../../../agent/decide/memory.ts';
import type { ObservedContainer } from '../../../agent/docker/shapes/observe.ts';
import type { DeploySpec } from '../../../agent/docker/shapes/spec.ts';
import { PLAIN } from './specs.ts';

/** Ours, wanted and running, unless told otherwise. */
export const container = (overrides: Partial<ObservedContainer> = {}): ObservedContainer => ({
  id: 'c1',
  ours: true,
  composeProject: null,
  stack: 'web',
  specHash: 'wanted',
  revision: 2,
  taskId: 'earlier',
  imageId: 'sha256:1',
  status: 'running',
  running: true,
  everStarted: true,
  startedAt: '2026-01-01T00:00:00Z',
  restartCount: 0,
  restartPolicy: 'no',
  exitCode: 0,
  oomKilled: false,
  startError: '',
  health: 'NONE',
  failingProbes: 0,
  healthLog: [],
  healthDeadlineMs: 1_000,
  lacksPorts: false,
  stopSeconds: 10,
  tty: false,
  ...overrides,
});
export const stopped = { status: 'exited', running: false } as const;
export const created = { status: 'created', running: false, everStarted: false, startedAt: '' } as const;
export const previous = (overrides: Partial<ObservedContainer> = {}) =>
  container({ id: 'previous', specHash: 'before', revision: 1, ...overrides });

const CONTAINER: DeploySpec['container'] = { ...PLAIN, name: 'web', image: 'i' };

export const deploy = (kind: DeployJob['kind'] = 'DEPLOY', rest: Partial<DeploySpec> = {}): DeployJob => ({
  kind,
  taskId: 't1',
  stack: 's',
  name: 'web',
  deploy: { version: 1, revision: 2, specHash: 'wanted', container: CONTAINER, networks: [], volumes: [], ...rest },
});
export const failure: Undo = {
  cause: 'failed',
  failure: { code: 'X', message: 'broken.' },
  retryable: false,
  notes: [],
};
export const cancelled: Undo = { cause: 'cancelled', notes: [] };

/** What a run may have done; the container is `c1`. */
export const madeC1: Work = { is: 'created', id: 'c1' };
export const startedC1 = (was: 'untouched' | 'stopped' | 'created' = 'untouched'): Work => ({
  is: 'started',
  id: 'c1',
  was,
});
export const goodC1: Phase = { is: 'good', id: 'c1', was: 'untouched' };
/** The memory of a run that takes back what it did. */
export const undone = (undo: Undo, rest: Partial<Omit<Undoing, 'is' | 'undo'>> = {}): Partial<Memory> => ({
  phase: { ...undoing(undo), ...rest },
});

export const ends = (status: string, rest: object = {}) => ({ do: 'end', outcome: { status, ...rest } });
export const fails = (code: string) => ends('FAILED', { error: { code } });
export const completes = (action: string, containerId?: string, message?: string) =>
  ends('COMPLETED', { result: { action, containerId, ...(message !== undefined && { message }) } });
