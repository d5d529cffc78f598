/**
 * Pure: whether a container is good. It must run, be healthy if it has a health check, and must not have been started
 * again within the monitor time.
 */
import type { ObservedContainer } from '../docker/shapes/observe.ts';

export type Verdict =
  | { is: 'good' }
  /** Wants another look after an event, or when `ms` have passed. */
  | { is: 'pending'; ms: number; message: string }
  | { is: 'bad'; code: string; message: string; retryable?: boolean };

/** Identifies one run of a container's process. */
export type Run = Pick<ObservedContainer, 'startedAt' | 'restartCount'>;

export function judge(seen: ObservedContainer | null, run: Run, elapsedMs: number, monitorMs: number): Verdict {
  if (!seen || seen.status === 'removing') {
    return bad('CONTAINER_MISSING', 'somebody else removed the container while it was being checked');
  }
  if (!seen.running) return judgeEnded(seen);
  if (seen.status === 'restarting' || seen.startedAt !== run.startedAt || seen.restartCount !== run.restartCount) {
    return bad(
      'CONTAINER_EXITED',
      `its command ended soon after the start, and Docker restarts it again and again. See its log`,
    );
  }
  if (seen.lacksPorts) return noPorts;
  if (seen.health === 'UNHEALTHY') {
    return bad(
      'HEALTH_CHECK_FAILED',
      `its health check failed ${seen.failingProbes} times in a row. See the health log`,
    );
  }
  if (seen.health === 'STARTING') return judgeStarting(seen, elapsedMs);
  if (elapsedMs < monitorMs) return { is: 'pending', ms: monitorMs - elapsedMs, message: 'Watching that it stays up' };
  return { is: 'good' };
}

function judgeStarting({ healthDeadlineMs, healthLog, failingProbes }: ObservedContainer, elapsedMs: number): Verdict {
  const ms = healthDeadlineMs - elapsedMs;
  if (ms > 0) {
    const failing = failingProbes > 0 ? `; ${failingProbes} probes failed` : '';
    return { is: 'pending', ms, message: `Waiting for the health check${failing}` };
  }
  const seconds = Math.round(elapsedMs / 1000);
  if (healthLog.length > 0) return bad('HEALTH_CHECK_TIMEOUT', `its health check gave no verdict in ${seconds} s`);
  // A restart of Docker between a container's start and its first probe may lose the probes for good (live-restore).
  const message = `Docker did not run its health check once in ${seconds} s. This may pass with a new container`;
  return { ...bad('HEALTH_CHECK_TIMEOUT', message), retryable: true };
}

/** The server gives up a task of which it hears nothing, so a wait is reported this often. */
export const REPORT_EVERY_MS = 30_000;

/** Judges a job that others wait for: it is good once it has ended with exit code 0, however long that takes. */
export function judgeJob(seen: ObservedContainer | null, { restartCount }: Run, elapsedMs: number): Verdict {
  if (!seen || seen.status === 'removing') {
    return bad('CONTAINER_MISSING', 'somebody else removed the container before it had finished');
  }
  const runsAgain = seen.status === 'restarting' || seen.restartCount !== restartCount;
  if (runsAgain && seen.restartPolicy !== 'on-failure') {
    return bad(
      'CONTAINER_EXITED',
      `its command ended, and its restart policy "${seen.restartPolicy}" runs it again and again, so that it never finishes. Others wait for its end: let the policy be "no" or "on-failure"`,
    );
  }
  if (!seen.running) return judgeEnded({ ...seen, restartPolicy: 'no' });
  if (seen.lacksPorts) return noPorts;
  const reports = Math.floor(elapsedMs / REPORT_EVERY_MS);
  const again = seen.restartCount > 0 ? `, run ${seen.restartCount + 1}` : '';
  return {
    is: 'pending',
    ms: (reports + 1) * REPORT_EVERY_MS - elapsedMs,
    message: `Waiting for it to finish: ${(reports * REPORT_EVERY_MS) / 1000} s${again}`,
  };
}

/**
 * Whether an engine may run it again by itself although it has ended. Docker then says "restarting", and Podman for a moment
 * that it has exited.
 */
export const mayRunAgain = ({ running, status, exitCode, restartPolicy }: ObservedContainer): boolean =>
  !running && status === 'exited' && (restartPolicy === 'on-failure' ? exitCode !== 0 : restartPolicy !== 'no');

function judgeEnded({ status, exitCode, oomKilled, restartPolicy, startError }: ObservedContainer): Verdict {
  if (startError !== '') return bad('START_FAILED', startError);
  const mayEnd = restartPolicy === 'no' || restartPolicy === 'on-failure';
  if (status === 'exited' && exitCode === 0 && mayEnd) return { is: 'good' };
  if (oomKilled)
    return bad('CONTAINER_EXITED', 'it was killed for using more memory than it may. Raise its memory limit');
  return bad('CONTAINER_EXITED', `its command ended with exit code ${exitCode}. See its log`);
}

function bad(code: string, message: string): Extract<Verdict, { is: 'bad' }> {
  return { is: 'bad', code, message };
}

const noPorts = bad('START_FAILED', 'it runs without the ports that it should publish');
