const LONGEST_MS = 5_000;
const SHORTEST_MS = 20;

export type NextLook = {
  /** A pause or a retry is over: agents are to be poked. */
  isOver: boolean;
  /** When the next one is over, on the clock of `now`; infinite if there is none. */
  expectedAt: number;
  /** How long to wait before looking again; undefined: until somebody wakes the clock. */
  waitMs: number | undefined;
};

/**
 * Pure: what the clock does after it has looked.
 * @param expectedAt what the look before returned, so that an end is not missed although looking took longer
 * @param dueMs until the next pause or retry is over, negative if one is; undefined if there is none
 */
export function nextLook(seen: { expectedAt: number; now: number; dueMs: number | undefined }): NextLook {
  const { expectedAt, now, dueMs } = seen;
  const isOver = expectedAt <= now || (dueMs !== undefined && dueMs <= 0);
  if (dueMs === undefined) return { isOver, expectedAt: Number.POSITIVE_INFINITY, waitMs: undefined };
  return {
    isOver,
    expectedAt: dueMs <= 0 ? Number.POSITIVE_INFINITY : now + dueMs,
    waitMs: Math.min(LONGEST_MS, Math.max(dueMs, SHORTEST_MS)),
  };
}
