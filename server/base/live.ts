/**
 * The only in-process bus. A topic carries no data: who is poked reads again.
 * `live` is an iterator by hand because a generator subscription leaks until its next event, and graphql-yoga's pub/sub
 * loses what happens before the first `next()`.
 * Invariants: it listens from the moment it is made; any number of pokes during one read cause exactly one more read;
 * `return()` resolves a pending `next()` at once.
 */
export type LiveOptions<T> = {
  /** No two reads start closer together than this. */
  minIntervalMs?: number;
  /** Values with the same key as the one before are not delivered again. */
  key?: (value: T) => string;
  /** The iterator completes after delivering such a value. */
  isLast?: (value: T) => boolean;
  /** Called once when it ends, however it ends. */
  onEnd?: () => void;
};

export type Bus = {
  poke(topic: string): void;
  pokeAll(): void;
  /** Calls `listener` on every poke of one of the topics until the returned function is called. */
  on(topics: readonly string[], listener: () => void): () => void;
  live<T>(topics: readonly string[], read: () => Promise<T>, options?: LiveOptions<T>): AsyncIterableIterator<T>;
  /** Number of listeners: 0 when nothing leaks. */
  size(): number;
  /** Ends every living iterator. */
  close(): void;
};

export function createBus(): Bus {
  const listeners = new Map<string, Set<() => void>>();
  const open = new Set<() => void>();

  function on(topics: readonly string[], listener: () => void): () => void {
    for (const topic of topics) {
      const set = listeners.get(topic) ?? new Set();
      listeners.set(topic, set.add(listener));
    }
    return () => {
      for (const topic of topics) {
        const set = listeners.get(topic);
        set?.delete(listener);
        if (set?.size === 0) listeners.delete(topic);
      }
    };
  }

  return {
    on,
    poke(topic) {
      for (const listener of [...(listeners.get(topic) ?? [])]) listener();
    },
    pokeAll() {
      for (const listener of new Set([...listeners.values()].flatMap((set) => [...set]))) listener();
    },
    live(topics, read, options = {}) {
      return createLive((poked) => on(topics, poked), open, read, options);
    },
    size: () => [...listeners.values()].reduce((sum, set) => sum + set.size, 0),
    close() {
      for (const end of [...open]) end();
    },
  };
}

function createLive<T>(
  subscribe: (poked: () => void) => () => void,
  open: Set<() => void>,
  read: () => Promise<T>,
  { minIntervalMs = 0, key, isLast, onEnd }: LiveOptions<T>,
): AsyncIterableIterator<T> {
  let dirty = true;
  let ended = false;
  let last: { key: string } | undefined;
  let lastReadAt = Number.NEGATIVE_INFINITY;
  let wake = () => {};

  const unsubscribe = subscribe(() => {
    dirty = true;
    wake();
  });
  const over = Promise.withResolvers<undefined>();
  const end = () => {
    if (ended) return;
    ended = true;
    unsubscribe();
    open.delete(end);
    wake();
    over.resolve(undefined);
    onEnd?.();
  };
  open.add(end);

  const pokedOrEnded = () => new Promise<void>((resolve) => (wake = resolve));
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        if (!ended) return;
        clearTimeout(timer);
        resolve();
      };
    });

  const readOnce = () =>
    read().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );

  async function next(): Promise<IteratorResult<T>> {
    while (!ended) {
      if (!dirty) await pokedOrEnded();
      const waitMs = lastReadAt + minIntervalMs - performance.now();
      if (!ended && waitMs > 0) await pause(waitMs);
      if (ended) break;
      dirty = false;
      lastReadAt = performance.now();
      // Once it has ended nobody waits for what is being read, neither for the value nor for the error.
      const outcome = await Promise.race([readOnce(), over.promise]);
      if (ended || !outcome) break;
      if ('error' in outcome) {
        end();
        throw outcome.error;
      }
      const { value } = outcome;
      const newKey = key?.(value);
      if (newKey !== undefined && newKey === last?.key) continue;
      last = newKey === undefined ? undefined : { key: newKey };
      if (isLast?.(value)) end();
      return { done: false, value };
    }
    return { done: true, value: undefined };
  }

  return {
    next,
    async return() {
      end();
      return { done: true, value: undefined };
    },
    async throw(error) {
      end();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
