/**
 * One stream of Docker's container events for all who listen. Invariants: it is open while anybody listens; it reconnects
 * by itself; after every connect, the first too, listeners get one `resync` without a container, because events may have
 * been missed until then.
 */
import { toLines } from './streams.ts';

export type ContainerEvent = { containerId: string; action: string };
export type Listener = (event: ContainerEvent) => void;
export type Subscription = { close(): void };
export type EventHub = { listen(listener: Listener): Subscription; close(): void };

type EventStream = AsyncIterable<Buffer> & { destroy(): void };
const firstRetryMs = 100;
const lastRetryMs = 5_000;

export function createEventHub(open: (signal: AbortSignal) => Promise<EventStream>): EventHub {
  const listeners = new Set<Listener>();
  let running: AbortController | undefined;

  const emit = (event: ContainerEvent) => {
    for (const listener of [...listeners]) listener(event);
  };

  const follow = async (signal: AbortSignal) => {
    let retryMs = firstRetryMs;
    while (!signal.aborted) {
      try {
        const stream = await open(signal);
        retryMs = firstRetryMs;
        const destroy = () => stream.destroy();
        signal.addEventListener('abort', destroy, { once: true });
        if (signal.aborted) destroy();
        emit({ containerId: '', action: 'resync' });
        for await (const line of toLines(stream)) emit(toEvent(line));
        signal.removeEventListener('abort', destroy);
      } catch {
        // The engine is away or the stream broke: both are answered by connecting again.
      }
      if (!signal.aborted) await pause(retryMs * (0.5 + Math.random() / 2), signal);
      retryMs = Math.min(retryMs * 2, lastRetryMs);
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

function toEvent(line: string): ContainerEvent {
  const event = JSON.parse(line) as { id?: string; Action?: string; Actor?: { ID?: string } };
  return { containerId: event.Actor?.ID ?? event.id ?? '', action: event.Action ?? '' };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
