/** Waits while the engine does not answer, because a restart of Docker is nobody's failure. */
import { pause } from '../base/backoff.ts';
import { isUnreachable, TaskError } from '../docker/errors.ts';
import type { TaskContext } from './context.ts';

const EVERY_MS = 500;

export const isEngineAway = (error: unknown): boolean =>
  isUnreachable(error) || (error instanceof TaskError && error.failure.code === 'ENGINE_UNREACHABLE');

/** Resolves with when the engine answers again: 'never' if that takes too long or the task must stop. */
export async function awaitEngine({
  engine,
  update,
  cancel,
  log,
  engineWaitMs = 0,
}: TaskContext): Promise<'at once' | 'later' | 'never'> {
  let asked = 0;
  const deadline = performance.now() + engineWaitMs;
  log.warn({}, 'the Docker engine does not answer: waiting for it');
  while (!cancel.aborted && performance.now() < deadline) {
    update({ phase: 'PREPARING', progress: { message: 'Waiting for the Docker engine, which does not answer' } });
    asked += 1;
    try {
      await engine.facts();
      return asked === 1 ? 'at once' : 'later';
    } catch {
      await pause(EVERY_MS, cancel);
    }
  }
  return 'never';
}
