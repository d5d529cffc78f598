import type { Task } from './documents.ts';

export type Counts = {
  total: number;
  completed: number;
  failed: number;
  cancelled: number;
  running: number;
  pending: number;
};
export type HostTasks = { agent: string; tasks: Task[]; counts: Counts };
export type Filter = 'all' | 'unfinished' | 'failed';

/** Guesses from its phase how far a running task is. Only the progress bar uses it. */
const PHASE_SHARE: Record<NonNullable<Task['phase']>, number> = {
  PULLING: 0.05,
  PREPARING: 0.1,
  CREATING: 0.3,
  STARTING: 0.5,
  VERIFYING: 0.75,
  STOPPING: 0.4,
  REMOVING: 0.7,
  RESTORING: 0.5,
  CLEANING: 0.5,
};

/** Sorts tasks by when they run, so that the order does not change while somebody watches. */
const KIND_ORDER: Record<Task['kind'], number> = {
  PULL: 0,
  DEPLOY: 1,
  START: 1,
  RESTART: 1,
  STOP: 1,
  DELETE: 2,
  CLEAN: 3,
};

const byName = new Intl.Collator('en', { numeric: true });

/** Returns what a task is about: its container, its image, or what the stack still has on the host. */
export function toSubject(task: Task): string {
  return task.containerName ?? task.image ?? 'networks and volumes';
}

/** Returns the bytes of an image pull: the task's own sum or else that of its layers, and null if neither is known. */
export function toBytes(task: Task): { current: number; total: number } | null {
  const { progress } = task;
  if (!progress) return null;
  if (progress.totalBytes) return { current: progress.currentBytes ?? 0, total: progress.totalBytes };
  const total = progress.layers.reduce((sum, layer) => sum + (layer.totalBytes ?? 0), 0);
  const current = progress.layers.reduce((sum, layer) => sum + (layer.currentBytes ?? 0), 0);
  return total > 0 ? { current, total } : null;
}

/** Returns how far a task is, from 0 to 1. A task that failed or was cancelled is at its end as well. */
export function toShare(task: Task): number {
  if (task.status === 'PENDING') return 0;
  if (task.status !== 'RUNNING') return 1;
  const bytes = toBytes(task);
  if (bytes) return Math.min(0.98, bytes.current / bytes.total);
  return task.phase ? PHASE_SHARE[task.phase] : 0.03;
}

export function toCounts(tasks: Task[]): Counts {
  const of = (status: Task['status']) => tasks.filter((task) => task.status === status).length;
  return {
    total: tasks.length,
    completed: of('COMPLETED'),
    failed: of('FAILED'),
    cancelled: of('CANCELLED'),
    running: of('RUNNING'),
    pending: of('PENDING'),
  };
}

/** Returns the share of the work that is over, and the share of tasks that failed or were cancelled. */
export function toOverall(tasks: Task[]): { value: number; failed: number } {
  if (tasks.length === 0) return { value: 1, failed: 0 };
  const value = tasks.reduce((sum, task) => sum + toShare(task), 0) / tasks.length;
  const failed = tasks.filter((task) => task.status === 'FAILED' || task.status === 'CANCELLED').length / tasks.length;
  return { value, failed };
}

export function toHosts(tasks: Task[], filter: Filter): HostTasks[] {
  const hosts = Map.groupBy(tasks, (task) => task.agent);
  return [...hosts]
    .map(([agent, all]) => ({
      agent,
      tasks: all.filter((task) => isShown(task, filter)).sort(byOrder),
      counts: toCounts(all),
    }))
    .filter((host) => host.tasks.length > 0)
    .sort((a, b) => byName.compare(a.agent, b.agent));
}

export function isShown(task: Task, filter: Filter): boolean {
  if (filter === 'unfinished') return task.status === 'PENDING' || task.status === 'RUNNING';
  return filter === 'all' || task.status === 'FAILED';
}

function byOrder(a: Task, b: Task): number {
  return (
    KIND_ORDER[a.kind] - KIND_ORDER[b.kind] ||
    byName.compare(a.containerName ?? a.image ?? '', b.containerName ?? b.image ?? '') ||
    byName.compare(a.id, b.id)
  );
}
