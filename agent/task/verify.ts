/** Waits without a slot until a container is good or bad. If it is bad, the evidence is taken before anything is cleaned up. */

import { pause } from '../base/backoff.ts';
import type { TaskFailure } from '../base/outcome.ts';
import type { DeployJob } from '../decide/decision.ts';
import { judge, judgeJob, mayRunAgain, REPORT_EVERY_MS, type Run, type Verdict } from '../decide/judge.ts';
import { isMadeHere, type Memory } from '../decide/memory.ts';
import { TaskError } from '../docker/errors.ts';
import { type ObservedContainer, toObserved } from '../docker/shapes/observe.ts';
import type { TaskContext } from './context.ts';
import { createWake } from './wake.ts';

const DEFAULT_MONITOR_MS = 1_000;
/** Bounds the delay if an event of Docker is lost. */
const LONGEST_WAIT_MS = 5_000;
const RUN_AGAIN_MS = 1_000;

/** Resolves with a patch of the memory: nothing if the container is good, the phase from before if it was cancelled. */
export async function verify(
  id: string,
  { name, deploy }: DeployJob,
  memory: Memory,
  context: TaskContext,
): Promise<Partial<Memory> | undefined> {
  const { engine, cancel } = context;
  const monitorMs = deploy.monitorMs ?? context.monitorMs ?? DEFAULT_MONITOR_MS;
  const report = createProgress(context);
  const wake = createWake(engine, id);
  const startedMs = performance.now();
  let run: Run | undefined;
  try {
    while (!cancel.aborted) {
      const seen = await lookAt(id, context);
      // If this run made the container and it has been restarted already, it failed before we looked.
      run ??= {
        startedAt: seen?.startedAt ?? '',
        restartCount: isMadeHere(memory.phase, id) ? 0 : (seen?.restartCount ?? 0),
      };
      const elapsedMs = performance.now() - startedMs;
      const verdict = deploy.awaitExit ? judgeJob(seen, run, elapsedMs) : judge(seen, run, elapsedMs, monitorMs);
      if (verdict.is === 'good') return undefined;
      if (verdict.is === 'bad') throw await toFailure(name, verdict, seen, context);
      report(verdict.message);
      await wake.next(Math.min(verdict.ms, LONGEST_WAIT_MS), cancel);
    }
    return { phase: memory.phase };
  } finally {
    wake.close();
  }
}

/** Looks again after a moment where the engine may be about to run the container again. */
async function lookAt(id: string, { engine, identity, cancel }: TaskContext): Promise<ObservedContainer | null> {
  const look = async () => {
    const inspect = await engine.findContainer(id);
    return inspect && toObserved(inspect, identity);
  };
  const seen = await look();
  if (!seen || !mayRunAgain(seen)) return seen;
  await pause(RUN_AGAIN_MS, cancel);
  return look();
}

/** Reports a message when it is new, and repeats it now and then. */
function createProgress({ update }: TaskContext): (message: string) => void {
  let reported = '';
  let reportedAtMs = 0;
  return (message) => {
    const now = performance.now();
    if (message === reported && now - reportedAtMs < REPORT_EVERY_MS - LONGEST_WAIT_MS) return;
    update({ phase: 'VERIFYING', progress: { message } });
    reported = message;
    reportedAtMs = now;
  };
}

async function toFailure(
  name: string,
  { code, message, retryable }: Extract<Verdict, { is: 'bad' }>,
  seen: ObservedContainer | null,
  context: TaskContext,
): Promise<TaskError> {
  const evidence = seen && (await takeEvidence(seen, context));
  return new TaskError({ code, message: `${name}: ${message}.`, ...evidence }, retryable);
}

/** Collects what explains why the container failed. */
export async function takeEvidence(
  seen: ObservedContainer,
  { engine, log }: TaskContext,
): Promise<Partial<TaskFailure>> {
  const logs = await engine.logs(seen.id, seen.tty).catch((error: unknown) => {
    log.warn({ container: seen.id, error: String(error) }, 'could not read the log of a container that failed');
    return [];
  });
  return {
    logs,
    ...(seen.status !== 'running' && seen.status !== 'created' && { exitCode: seen.exitCode }),
    ...(seen.oomKilled && { oomKilled: true }),
    ...(seen.healthLog.length > 0 && { healthLog: seen.healthLog }),
  };
}
