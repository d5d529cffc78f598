import { expect, test } from 'vitest';
import { redact } from '../../../../agent/decide/redact.ts';

const failed = (error: object) =>
  ({ status: 'FAILED', error: { code: 'X', message: 'no', ...error }, retryable: false }) as const;

test('what a container printed of its secrets is not reported, the longest first', () => {
  const logs = ['login with hunter22', 'hunter22-and-more', 'nothing'];
  const outcome = redact(failed({ logs, healthLog: ['exit 1: hunter22'], message: 'said hunter22' }), [
    'hunter22\n',
    'hunter22-and-more',
  ]);
  expect(outcome).toMatchObject({
    error: {
      logs: ['login with (secret)', '(secret)', 'nothing'],
      healthLog: ['exit 1: (secret)'],
      message: 'said (secret)',
    },
  });
});

test('each line of a secret counts, and what is too short to be one does not', () => {
  const outcome = redact(failed({ logs: ['key: abcdefgh', 'on'] }), ['BEGIN\nabcdefgh\nEND', 'on']);
  expect(outcome).toMatchObject({ error: { logs: ['key: (secret)', 'on'] } });
});

test('other outcomes are left as they are', () => {
  const done = { status: 'COMPLETED', result: { action: 'created' } } as const;
  expect(redact(done, ['abcdefgh'])).toBe(done);
});
