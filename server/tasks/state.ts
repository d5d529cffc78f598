/** Pure: which moves of a task exist, and what a report of an agent makes of one. The guards are in `store.ts`. */

export type TaskStatus = 'PENDING' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED';

export const TERMINAL: readonly TaskStatus[] = ['COMPLETED', 'FAILED', 'CANCELLED'];

export type Mover = 'agent start' | 'agent report' | 'session' | 'sweep' | 'user' | 'blocker';

const MOVES: Record<Mover, readonly (readonly [from: TaskStatus, to: TaskStatus])[]> = {
  'agent start': [['PENDING', 'RUNNING']],
  'agent report': [
    ['RUNNING', 'RUNNING'],
    ['RUNNING', 'COMPLETED'],
    ['RUNNING', 'FAILED'],
    ['RUNNING', 'CANCELLED'],
    ['RUNNING', 'PENDING'],
  ],
  /** The agent came back without it. */
  session: [['RUNNING', 'PENDING']],
  /** The lease was lost, or no progress came before the deadline. */
  sweep: [
    ['RUNNING', 'PENDING'],
    ['RUNNING', 'FAILED'],
  ],
  /** Cancelled, superseded, or the agent was removed (which alone ends RUNNING tasks without asking it). */
  user: [
    ['PENDING', 'CANCELLED'],
    ['RUNNING', 'CANCELLED'],
  ],
  /** What it waited for failed or was cancelled. */
  blocker: [['PENDING', 'CANCELLED']],
};

export function canMove(mover: Mover, from: TaskStatus, to: TaskStatus): boolean {
  return MOVES[mover].some(([a, b]) => a === from && b === to);
}

export type Report = { status: TaskStatus; retryable: boolean };

export type Effect =
  | { status: 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED' }
  /** Tried again by the same agent after `delayMs`. */
  | { status: 'PENDING'; delayMs: number };

const BACKOFF_BASE_MS = 1_000;
const BACKOFF_CAP_MS = 60_000;

/**
 * @param task.failures how often it failed before this report
 * @param random 0 to 1, for full jitter: agents that failed together do not come back together
 * @returns undefined when an agent may not report this status
 */
export function effectOf(
  report: Report,
  task: { failures: number; maxFailures: number; cancelRequested: boolean },
  random: number,
): Effect | undefined {
  switch (report.status) {
    case 'RUNNING':
    case 'COMPLETED':
    case 'CANCELLED':
      return { status: report.status };
    case 'FAILED': {
      const failures = task.failures + 1;
      const retry = report.retryable && failures < task.maxFailures && !task.cancelRequested;
      return retry ? { status: 'PENDING', delayMs: backoffMs(failures, random) } : { status: 'FAILED' };
    }
    case 'PENDING':
      return undefined;
  }
}

export function backoffMs(failures: number, random: number): number {
  return Math.round(random * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** (failures - 1)));
}
