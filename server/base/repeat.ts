import { setTimeout as delay } from 'node:timers/promises';

/** In milliseconds. A round that takes longer is no longer waited for: its connection may be dead. */
const ROUND_LIMIT = 60_000;
const CLOSE_LIMIT = 5_000;

export type Repeated = { close(): Promise<void> };

/** Does the work every `ms` milliseconds on a timer of its own, so that nothing else can hold it up, and never twice at once. */
export function repeat(ms: number, work: () => Promise<unknown>): Repeated {
  let running: Promise<unknown> | undefined;
  let startedAt = 0;
  const timer = setInterval(() => {
    if (running && performance.now() - startedAt < ROUND_LIMIT) return;
    startedAt = performance.now();
    const round = work().finally(() => {
      if (running === round) running = undefined;
    });
    running = round;
  }, ms);
  return {
    async close() {
      clearInterval(timer);
      await Promise.race([running, delay(CLOSE_LIMIT, undefined, { ref: false })]);
    },
  };
}
