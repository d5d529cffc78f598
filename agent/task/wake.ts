/** Waiting for something to happen to one container: an event of Docker, a time that has passed, or a cancellation. */
import type { Engine } from '../docker/engine.ts';

export type Wake = { next(ms: number, cancel: AbortSignal): Promise<void>; close(): void };

/** What a container that is being made and started does anyway. */
const EXPECTED = new Set(['create', 'start', 'rename']);

/** Events that come between two waits are not missed: the next wait ends at once. */
export function createWake(engine: Pick<Engine, 'events'>, containerId: string): Wake {
  let happened = false;
  let rouse: (() => void) | undefined;
  const subscription = engine.events((event) => {
    if (event.containerId !== '' && event.containerId !== containerId) return;
    if (EXPECTED.has(event.action)) return;
    happened = true;
    rouse?.();
  });
  return {
    next: (ms, cancel) =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          cancel.removeEventListener('abort', done);
          happened = false;
          rouse = undefined;
          resolve();
        };
        const timer = setTimeout(done, ms);
        rouse = done;
        cancel.addEventListener('abort', done, { once: true });
        if (happened || cancel.aborted) done();
      }),
    close: () => subscription.close(),
  };
}
