export type BackOff = { firstMs: number; mostMs: number };

/**
 * How long to wait after so many failures in a row. Full jitter: the wait is any time up to a limit that doubles with
 * every failure, so that many open pages do not come back at the same moment.
 */
export function backOffMs(failures: number, { firstMs, mostMs }: BackOff): number {
  return Math.random() * Math.min(mostMs, firstMs * 2 ** Math.min(failures, 10));
}

export function wait(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
