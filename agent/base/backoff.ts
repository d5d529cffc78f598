/** How long the agent waits before the next attempt, and between repeated requests. */
import { setTimeout as sleep } from 'node:timers/promises';

export type Backoff = { firstMs: number; longestMs: number };

/**
 * Returns a random part of a ceiling that doubles with each failure (full jitter), so that many agents that lost one
 * server do not come back together. The first failure is number 1.
 */
export function backoffMs({ firstMs, longestMs }: Backoff, failures: number, random: () => number): number {
  const doublings = Math.max(0, failures - 1);
  return random() * Math.min(longestMs, firstMs * 2 ** doublings);
}

/** Resolves after the time, or as soon as the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

/** Returns the period, up to 20 % shorter or longer, so that agents that began together do not stay together. */
export const spreadMs = (periodMs: number, random: () => number): number => periodMs * (0.8 + 0.4 * random());
