import { expect, test } from 'vitest';
import { backoffMs, pause, spreadMs } from '../../../../agent/base/backoff.ts';

const BACKOFF = { firstMs: 100, longestMs: 5_000 };

test.each([
  [1, 100],
  [2, 200],
  [3, 400],
  [6, 3_200],
  [7, 5_000],
  [5_000, 5_000],
])('after failure %i the wait is any part of %i ms', (failures, ceilingMs) => {
  expect(backoffMs(BACKOFF, failures, () => 1)).toBe(ceilingMs);
  expect(backoffMs(BACKOFF, failures, () => 0.5)).toBe(ceilingMs / 2);
  expect(backoffMs(BACKOFF, failures, () => 0)).toBe(0);
});

test('a period is up to a fifth shorter or longer', () => {
  expect([0, 0.5, 1].map((part) => Math.round(spreadMs(1_000, () => part)))).toEqual([800, 1_000, 1_200]);
});

test('a pause ends with its signal, and at once if that is aborted already', async () => {
  const stop = new AbortController();
  const pausing = pause(60_000, stop.signal);
  stop.abort();
  await pausing;
  await pause(60_000, stop.signal);
});
