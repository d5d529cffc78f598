/** Pure: what an agent's report makes of a task. */

export type TaskStatus = 'PENDING' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED';

export type Report = { status: TaskStatus; retryable: boolean };

export type Effect =
  | { status: 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED' }
  /** The same agent tries again after `delayMs`. */
  | { status: 'PENDING'; delayMs: number };

const BACKOFF_BASE_MS = 4_000;
const BACKOFF_CAP_MS = 60_000;

/**
 * @param task.failures the number of failures before this report
 * @param random 0 to 1, for full jitter, so that agents that failed together do not come back together
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

/** At least half of it is waited: a registry that is away for some seconds must not use up all tries. */
export function backoffMs(failures: number, random: number): number {
  const longest = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** (failures - 1));
  return Math.round(longest * (0.5 + random / 2));
}
