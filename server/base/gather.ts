/**
 * Does together what comes in while something of the same key is being done: one transaction instead of many that wait for
 * the same lock, each with a connection of its own.
 * Invariant: at most one `work` of a key is under way, and what one item cannot have fails that item alone.
 */
export type Gather<T, R> = (key: string, item: T) => Promise<R>;

type Waiting<T, R> = { item: T; resolve(result: R): void; reject(error: unknown): void };

/**
 * @param work must do all items or none; returns their results in their order
 * @param options.isShared whether an error would be the same for each item by itself
 */
export function createGather<T, R>(
  work: (items: readonly T[]) => Promise<readonly R[]>,
  options: { most: number; isShared(error: unknown): boolean },
): Gather<T, R> {
  const queues = new Map<string, Waiting<T, R>[]>();

  async function drain(key: string, queue: Waiting<T, R>[]): Promise<void> {
    while (queue.length > 0) await doTogether(queue.splice(0, options.most));
    queues.delete(key);
  }

  async function doTogether(all: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await work(all.map(({ item }) => item));
      all.forEach(({ resolve }, index) => {
        resolve(results[index] as R);
      });
    } catch (error) {
      const isToldToAll = all.length === 1 || options.isShared(error);
      for (const one of all) await (isToldToAll ? one.reject(error) : doTogether([one]));
    }
  }

  return (key, item) =>
    new Promise((resolve, reject) => {
      const waiting = { item, resolve, reject };
      const queue = queues.get(key);
      if (queue) {
        queue.push(waiting);
        return;
      }
      const begun = [waiting];
      queues.set(key, begun);
      void drain(key, begun);
    });
}
