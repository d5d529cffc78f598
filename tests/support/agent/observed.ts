import type { DeployJob } from '../../../agent/decide/decision.ts';
import type { ObservedContainer } from '../../../agent/docker/shapes/observe.ts';
import type { DeploySpec } from '../../../agent/docker/shapes/spec.ts';

/** Ours, wanted and running, unless told otherwise. */
export const container = (overrides: Partial<ObservedContainer> = {}): ObservedContainer => ({
  id: 'c1',
  ours: true,
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
export const old = (overrides: Partial<ObservedContainer> = {}) =>
  container({ id: 'old', specHash: 'before', revision: 1, ...overrides });

export const deploy = (kind: DeployJob['kind'] = 'DEPLOY', rest: Partial<DeploySpec> = {}): DeployJob => ({
  kind,
  taskId: 't1',
  stack: 's',
  name: 'web',
  deploy: { version: 1, revision: 2, specHash: 'wanted', container: {} as never, networks: [], volumes: [], ...rest },
});
export const failure = {
  cause: 'failed',
  failure: { code: 'X', message: 'broken.' },
  retryable: false,
  notes: [] as string[],
} as const;
export const cancelled = { cause: 'cancelled', notes: [] as string[] } as const;

export const ends = (status: string, rest: object = {}) => ({ do: 'end', outcome: { status, ...rest } });
export const fails = (code: string) => ends('FAILED', { error: { code } });
export const completes = (action: string, containerId?: string) =>
  ends('COMPLETED', { result: { action, containerId } });
