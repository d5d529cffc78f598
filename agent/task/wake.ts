/** Waits for something to happen to one container: an event of Docker, a time that has passed, or a cancellation. */
import type { Engine } from '../docker/engine.ts';

export type Wake = { next(ms: number, cancel: AbortSignal): Promise<void>; close(): void };

/** A container that is being made and started does these anyway. */
const EXPECTED = new Set(['create', 'start', 'rename']);

/** An event between two waits is not missed: the next wait ends at once. */
export function createWake(engine: Pick<Engine, 'events'>, containerId: string): Wake {
  let happened = false;
  let wake: (() => void) | undefined;
  const subscription = engine.events((event) => {
    if (event.containerId !== '' && event.containerId !== containerId) return;
    if (EXPECTED.has(event.action)) return;
    happened = true;
    wake?.();
  });
  return {
    next: (ms, cancel) =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          cancel.removeEventListener('abort', done);
          happened = false;
          wake = undefined;
          resolve();
        };
        const timer = setTimeout(done, ms);
        wake = done;
        cancel.addEventListener('abort', done, { once: true });
        if (happened || cancel.aborted) done();
      }),
    close: () => subscription.close(),
  };
}
