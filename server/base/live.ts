/**
 * The only in-process bus. A topic carries no data: whoever is poked reads again.
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
  /** The topics with this prefix that somebody listens to. */
  topics(prefix: string): string[];
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
      return new Live(read, options, (poked) => on(topics, poked), open);
    },
    topics: (prefix) => [...listeners.keys()].filter((topic) => topic.startsWith(prefix)),
    size: () => [...listeners.values()].reduce((sum, set) => sum + set.size, 0),
    close() {
      for (const end of [...open]) end();
    },
  };
}

/**
 * What one subscriber reads: first at once, then after every poke. It is an iterator by hand because a generator leaks
 * until its next event, and graphql-yoga's pub/sub loses what happens before the first `next()`.
 * Invariants:
 * - It listens from the moment it is made.
 * - A poke during a read causes one more read, and so do any number of them.
 * - `return()` resolves a pending `next()` at once, whatever that waits for, and then nothing is left behind.
 */
class Live<T> implements AsyncIterableIterator<T> {
  readonly #read: () => Promise<T>;
  readonly #options: LiveOptions<T>;
  readonly #unsubscribe: () => void;
  readonly #open: Set<() => void>;
  #ended = false;
  /** A poke came since the last read began. */
  #dirty = true;
  #lastReadAt = Number.NEGATIVE_INFINITY;
  #lastKey: string | undefined;
  /** Resolves what waits for a poke. */
  #wake = () => {};
  /** Resolves what waits for anything. No promise for the end: each race against it would be kept until then. */
  #abandon = () => {};

  constructor(
    read: () => Promise<T>,
    options: LiveOptions<T>,
    subscribe: (poked: () => void) => () => void,
    open: Set<() => void>,
  ) {
    this.#read = read;
    this.#options = options;
    this.#open = open.add(this.#end);
    this.#unsubscribe = subscribe(() => {
      this.#dirty = true;
      this.#wake();
    });
  }

  async next(): Promise<IteratorResult<T>> {
    while (await this.#isReadDue()) {
      const outcome = await this.#readUnlessEnded();
      if (!outcome) break;
      if (!this.#isNews(outcome.value)) continue;
      if (this.#options.isLast?.(outcome.value)) this.#end();
      return { done: false, value: outcome.value };
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<T>> {
    this.#end();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<IteratorResult<T>> {
    this.#end();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Waits for a poke and for the end of the interval. @returns false once it has ended */
  async #isReadDue(): Promise<boolean> {
    if (!this.#ended && !this.#dirty) await this.#nextPoke();
    const waitMs = this.#lastReadAt + (this.#options.minIntervalMs ?? 0) - performance.now();
    if (!this.#ended && waitMs > 0) await this.#pause(waitMs);
    return !this.#ended;
  }

  #nextPoke(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = this.#abandon = resolve;
    return promise;
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#abandon = resolve;
    await promise;
    clearTimeout(timer);
  }

  /** Once it has ended nobody waits for what is being read, neither for the value nor for the error. */
  async #readUnlessEnded(): Promise<{ value: T } | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<{ value: T } | undefined>();
    this.#abandon = () => resolve(undefined);
    this.#dirty = false;
    this.#lastReadAt = performance.now();
    this.#read().then((value) => resolve({ value }), reject);
    try {
      const outcome = await promise;
      return this.#ended ? undefined : outcome;
    } catch (error) {
      if (this.#ended) return undefined;
      this.#end();
      throw error;
    }
  }

  #isNews(value: T): boolean {
    const key = this.#options.key?.(value);
    const isSame = key !== undefined && key === this.#lastKey;
    this.#lastKey = key;
    return !isSame;
  }

  readonly #end = () => {
    if (this.#ended) return;
    this.#ended = true;
    this.#unsubscribe();
    this.#open.delete(this.#end);
    this.#abandon();
    this.#options.onEnd?.();
  };
}
