import { expect, test } from 'vitest';
import { nextLook } from '../../../../server/upkeep/next-look.ts';

const NEVER = Number.POSITIVE_INFINITY;

test.each([
  ['nothing is due', { expectedAt: NEVER, dueMs: undefined }, { isOver: false, expectedAt: NEVER, waitMs: undefined }],
  ['a pause ends soon', { expectedAt: NEVER, dueMs: 300 }, { isOver: false, expectedAt: 1_300, waitMs: 300 }],
  ['a pause ends at once', { expectedAt: NEVER, dueMs: 3 }, { isOver: false, expectedAt: 1_003, waitMs: 20 }],
  ['a retry is far away', { expectedAt: NEVER, dueMs: 60_000 }, { isOver: false, expectedAt: 61_000, waitMs: 5_000 }],
  ['a pause is over', { expectedAt: NEVER, dueMs: -40 }, { isOver: true, expectedAt: NEVER, waitMs: 20 }],
  ['it was missed while looking', { expectedAt: 990, dueMs: undefined }, { isOver: true, expectedAt: NEVER }],
  ['it was missed, and another comes', { expectedAt: 1_000, dueMs: 50 }, { isOver: true, expectedAt: 1_050 }],
])('%s', (_name, seen, expected) => {
  expect(nextLook({ now: 1_000, ...seen })).toMatchObject(expected);
});
