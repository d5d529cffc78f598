import { expect, test } from 'vitest';
import { createAttempts } from '../../../../server/http/attempts.ts';
import { networkOf } from '../../../../server/http/presence.ts';

test('an address that tries too much waits for the next minute; others, and known tokens, do not', () => {
  let now = 0;
  const told: string[] = [];
  const attempts = createAttempts(
    3,
    (address, failures) => told.push(`${address} ${failures}`),
    () => now,
  );
  attempts.succeeded('known');
  now = 59_000;
  for (const _ of [1, 2, 3]) {
    attempts.check('10.0.0.1', 'new');
    attempts.failed('10.0.0.1');
  }
  const refused = expect.objectContaining({
    code: 'RATE_LIMITED',
    details: { retryAfterSeconds: 1, http: { status: 429, headers: { 'retry-after': '1' } } },
  });
  expect(() => attempts.check('10.0.0.1', 'new')).toThrow(refused);
  expect(() => attempts.check('10.0.0.1', undefined)).toThrow(refused);
  attempts.check('10.0.0.2', 'new');
  attempts.check('10.0.0.1', 'known');
  now = 60_000;
  attempts.check('10.0.0.1', 'new');
  for (const _ of [1, 2, 3]) attempts.failed('10.0.0.1');
  // It came in the minute before.
  attempts.check('10.0.0.1', 'known');
  now = 120_000;
  for (const _ of [1, 2, 3]) attempts.failed('10.0.0.1');
  expect(() => attempts.check('10.0.0.1', 'known')).toThrow(/try again in 60 s/);
  expect(told).toEqual(['10.0.0.1 1', '10.0.0.1 3', '10.0.0.1 1', '10.0.0.1 3', '10.0.0.1 1', '10.0.0.1 3']);
});

test('however many addresses there are, no more is told than somebody could read', () => {
  let now = 0;
  const told: string[] = [];
  const attempts = createAttempts(
    100,
    (address) => told.push(address),
    () => now,
  );
  for (let n = 0; n < 10_000; n++) attempts.failed(`10.0.${n >> 8}.${n & 255}`);
  expect(told).toHaveLength(100);
  now = 60_000;
  attempts.failed('10.1.0.1');
  expect(told.at(-1)).toBe('10.1.0.1');
});

test('all addresses of a network of IPv6 are one', () => {
  expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
  expect(networkOf('2001:db8:1:2::9')).toBe('2001:db8:1:2::/64');
  expect(networkOf('2001:DB8::1')).toBe('2001:db8:0:0::/64');
  expect(networkOf('::1')).toBe('0:0:0:0::/64');
  expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
  for (const other of ['127.0.0.1', '::ffff:127.0.0.1', 'this process']) expect(networkOf(other)).toBe(other);
});
