/** What a task does while the engine does not answer: it waits, for a restart of Docker is nobody's failure. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isUnreachable, TaskError } from '../docker/errors.ts';
import type { TaskContext } from './context.ts';

const everyMs = 500;

export const isEngineAway = (error: unknown): boolean =>
  isUnreachable(error) || (error instanceof TaskError && error.failure.code === 'ENGINE_UNREACHABLE');

/** Resolves with whether the engine answers again; false when it takes too long or the task is to stop. */
export async function awaitEngine({ engine, update, cancel, log, engineWaitMs = 0 }: TaskContext): Promise<boolean> {
  const deadline = performance.now() + engineWaitMs;
  log.warn({}, 'the Docker engine does not answer: waiting for it');
  while (!cancel.aborted && performance.now() < deadline) {
    update({ phase: 'PREPARING', progress: { message: 'Waiting for the Docker engine, which does not answer' } });
    try {
      await engine.facts();
      return true;
    } catch {
      await sleep(everyMs, undefined, { signal: cancel }).catch(() => {});
    }
  }
  return false;
}
