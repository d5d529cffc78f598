import { expect, test } from 'vitest';
import { backoffMs, effectOf, type TaskStatus } from '../../../../server/tasks/state.ts';

const task = (more: object = {}) => ({ failures: 0, maxFailures: 3, cancelRequested: false, ...more });
test.each<[TaskStatus, boolean, ReturnType<typeof task>, object | undefined]>([
  ['RUNNING', false, task(), { status: 'RUNNING' }],
  ['COMPLETED', true, task(), { status: 'COMPLETED' }],
  ['CANCELLED', true, task(), { status: 'CANCELLED' }],
  ['PENDING', true, task(), undefined],
  ['FAILED', false, task(), { status: 'FAILED' }],
  ['FAILED', true, task(), { status: 'PENDING', delayMs: 4_000 }],
  ['FAILED', true, task({ failures: 1 }), { status: 'PENDING', delayMs: 8_000 }],
  ['FAILED', true, task({ failures: 2 }), { status: 'FAILED' }],
  ['FAILED', true, task({ failures: 9 }), { status: 'FAILED' }],
  ['FAILED', true, task({ maxFailures: 1 }), { status: 'FAILED' }],
  ['FAILED', true, task({ cancelRequested: true }), { status: 'FAILED' }],
  ['FAILED', true, task({ failures: 8, maxFailures: 99 }), { status: 'PENDING', delayMs: 60_000 }],
])('a report %s, retryable %s, of %o', (status, retryable, of, effect) => {
  expect(effectOf({ status, retryable }, of, 1)).toEqual(effect);
});

test('back-off: full jitter below a doubling ceiling, capped at a minute', () => {
  expect([1, 2, 3, 7, 50].map((failures) => backoffMs(failures, 1))).toEqual([4_000, 8_000, 16_000, 60_000, 60_000]);
  expect(backoffMs(5, 0)).toBe(30_000);
  expect(backoffMs(3, 0.5)).toBe(12_000);
});
