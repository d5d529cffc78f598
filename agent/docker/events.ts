/**
 * One stream of Docker's container events for all listeners.
 *
 * Invariants: it is open while anybody listens, and reconnects by itself. After every connect, including the first,
 * listeners get one `resync` without a container, because they may have missed events until then.
 */
import { type Backoff, backoffMs, pause } from '../base/backoff.ts';
import { toLines } from './streams.ts';

export type ContainerEvent = { containerId: string; action: string };
export type Listener = (event: ContainerEvent) => void;
export type Subscription = { close(): void };
export type EventHub = { listen(listener: Listener): Subscription; close(): void };

type EventStream = AsyncIterable<Buffer> & { destroy(): void };
const BACKOFF: Backoff = { firstMs: 100, longestMs: 5_000 };

export function createEventHub(open: (signal: AbortSignal) => Promise<EventStream>): EventHub {
  const listeners = new Set<Listener>();
  let running: AbortController | undefined;

  const emit = (event: ContainerEvent) => {
    for (const listener of [...listeners]) listener(event);
  };

  const follow = async (signal: AbortSignal) => {
    let failures = 0;
    while (!signal.aborted) {
      try {
        const stream = await open(signal);
        failures = 0;
        const destroy = () => stream.destroy();
        signal.addEventListener('abort', destroy, { once: true });
        if (signal.aborted) destroy();
        emit({ containerId: '', action: 'resync' });
        for await (const event of ownEvents(stream)) emit(event);
        signal.removeEventListener('abort', destroy);
      } catch {
        // If the engine is away or the stream broke, connecting again is all that helps.
      }
      failures += 1;
      if (!signal.aborted) await pause(backoffMs(BACKOFF, failures, Math.random), signal);
    }
  };

  const stop = () => {
    running?.abort();
    running = undefined;
  };

  return {
    listen: (listener) => {
      listeners.add(listener);
      if (!running) {
        running = new AbortController();
        void follow(running.signal);
      }
      return {
        close: () => {
          listeners.delete(listener);
          if (listeners.size === 0) stop();
        },
      };
    },
    close: () => {
      listeners.clear();
      stop();
    },
  };
}

type DockerEvent = { id?: string; Action?: string; Actor?: { ID?: string; Attributes?: Record<string, string> } };

/** Leaves out containers without Graphium's labels. A filter of the engine would do that too, but not Podman's. */
async function* ownEvents(stream: EventStream): AsyncGenerator<ContainerEvent> {
  for await (const line of toLines(stream)) {
    const { id = '', Action: action = '', Actor: actor } = JSON.parse(line) as DockerEvent;
    if (actor?.Attributes?.['graphium.cluster'] === undefined) continue;
    yield { containerId: actor.ID ?? id, action: action === 'remove' ? 'destroy' : action };
  }
}
