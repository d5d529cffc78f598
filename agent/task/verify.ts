/** Waits, holding no slot, until a container is good or is not; then it takes the evidence, before anything is cleaned up. */

import type { TaskFailure } from '../base/outcome.ts';
import type { DeployJob, Memory } from '../decide/decision.ts';
import { judge, judgeJob, type Run, tellEveryMs, type Verdict } from '../decide/judge.ts';
import { TaskError } from '../docker/errors.ts';
import { type ObservedContainer, toObserved } from '../docker/shapes/observe.ts';
import type { TaskContext } from './context.ts';
import { createWake } from './wake.ts';

const defaultMonitorMs = 1_000;
/** Should an event be lost all the same. */
const longestWaitMs = 5_000;

export async function verify(
  id: string,
  { name, deploy }: DeployJob,
  memory: Memory,
  context: TaskContext,
): Promise<Partial<Memory> | undefined> {
  const { engine, identity, cancel } = context;
  const monitorMs = deploy.monitorMs ?? context.monitorMs ?? defaultMonitorMs;
  const tell = createTeller(context);
  const wake = createWake(engine, id);
  const startedMs = performance.now();
  let run: Run | undefined;
  try {
    while (!cancel.aborted) {
      const inspect = await engine.findContainer(id);
      const seen = inspect && toObserved(inspect, identity);
      // A container made a moment ago that was restarted already has failed before we looked.
      run ??= {
        startedAt: seen?.startedAt ?? '',
        restartCount: id === memory.createdId ? 0 : (seen?.restartCount ?? 0),
      };
      const elapsedMs = performance.now() - startedMs;
      const verdict = deploy.awaitExit ? judgeJob(seen, run, elapsedMs) : judge(seen, run, elapsedMs, monitorMs);
      if (verdict.is === 'good') return undefined;
      if (verdict.is === 'bad') throw await toFailure(name, verdict, seen, context);
      tell(verdict.message);
      await wake.next(Math.min(verdict.ms, longestWaitMs), cancel);
    }
    return { goodId: null };
  } finally {
    wake.close();
  }
}

/** What is new, and now and then also what is not. */
function createTeller({ update }: TaskContext): (message: string) => void {
  let told = '';
  let toldAtMs = 0;
  return (message) => {
    const now = performance.now();
    if (message === told && now - toldAtMs < tellEveryMs - longestWaitMs) return;
    update({ phase: 'VERIFYING', progress: { message } });
    told = message;
    toldAtMs = now;
  };
}

async function toFailure(
  name: string,
  { code, message }: Extract<Verdict, { is: 'bad' }>,
  seen: ObservedContainer | null,
  context: TaskContext,
): Promise<TaskError> {
  return new TaskError({ code, message: `${name}: ${message}.`, ...(seen && (await takeEvidence(seen, context))) });
}

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
