import type { Logger } from 'pino';

/** Does the work for each item; one that fails is logged and stops none of the others. */
export async function each<T>(
  items: readonly T[],
  log: Logger,
  message: string,
  work: (item: T) => Promise<void>,
): Promise<void> {
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      log.error({ err: error, item }, message);
    }
  }
}
