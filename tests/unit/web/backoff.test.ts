import { expect, it, vi } from 'vitest';
import { backOffMs } from '../../../web/backoff.ts';

it('waits any time up to a limit that doubles with every failure, and no longer than the longest', () => {
  const random = vi.spyOn(Math, 'random');
  const waits = (share: number) => {
    random.mockReturnValue(share);
    return [0, 1, 2, 5, 1_000].map((failures) => backOffMs(failures, { firstMs: 100, mostMs: 1_000 }));
  };
  expect(waits(1)).toEqual([100, 200, 400, 1_000, 1_000]);
  expect(waits(0.5)).toEqual([50, 100, 200, 500, 500]);
  expect(waits(0)).toEqual([0, 0, 0, 0, 0]);
  random.mockRestore();
});
