import { expect, test } from 'vitest';
import { hiddenOf, redact } from '../../../../agent/decide/redact.ts';

const failed = (error: object) =>
  ({ status: 'FAILED', error: { code: 'X', message: 'no', ...error }, retryable: false }) as const;
const secret = (content: string) => ({ kind: 'secret', content }) as never;
const container = (more: object) => ({
  name: 'shop-db-1',
  image: 'postgres:16',
  service: 'db',
  command: null,
  environment: {},
  healthCheck: null,
  ...more,
});
const logsOf = (more: object, ...logs: string[]) => {
  const { variables, ...rest } = more as { variables?: Record<string, string> };
  const outcome = redact(failed({ logs }), hiddenOf(container(rest), variables));
  return outcome.status === 'FAILED' ? outcome.error.logs : undefined;
};

test('what a container printed of its secrets is not reported, the longest first', () => {
  const files = [secret('hunter22\n'), secret('hunter22-and-more')];
  const logs = ['login with hunter22', 'hunter22-and-more', 'nothing'];
  const error = failed({ logs, healthLog: ['exit 1: hunter22'], message: 'said hunter22' });
  expect(redact(error, hiddenOf(container({ files })))).toMatchObject({
    error: {
      logs: ['login with (secret)', '(secret)', 'nothing'],
      healthLog: ['exit 1: (secret)'],
      message: 'said (secret)',
    },
  });
});

test('each line of a secret counts, and what is too short to be one does not', () => {
  const files = [secret('BEGIN\nabcdefgh\nEND'), secret('on')];
  expect(logsOf({ files }, 'key: abcdefgh', 'on')).toEqual(['key: (secret)', 'on']);
});

test('a value of the environment is replaced by its name, and a password in an address by itself too', () => {
  const environment = { DSN: 'postgres://app:hunter22@db/app', DB_HOST: 'db.internal', DEBUG: 'true' };
  expect(
    logsOf({ environment }, 'connecting to postgres://app:hunter22@db/app', 'hunter22?', 'no db.internal', 'true'),
  ).toEqual(['connecting to (value of DSN)', '(value of DSN)?', 'no (value of DB_HOST)', 'true']);
});

test('what the container’s own name or image says hides nothing', () => {
  expect(logsOf({ environment: { POSTGRES_USER: 'postgres' } }, 'role postgres')).toEqual(['role postgres']);
});

test('passwords in a command are hidden, its other words are not', () => {
  const command = ['redis-server', '--requirepass', 'hunter22', '--api-token=abcdef1', '--dir', '/srv/data'];
  expect(logsOf({ command }, 'hunter22 abcdef1 /srv/data redis-server')).toEqual([
    '(secret) (secret) /srv/data redis-server',
  ]);
});

test('the values of variables are hidden wherever they stand, unless the image or the name says them', () => {
  const variables = { PASSWORD: 'hunter22', TAG: 'postgres:16', SHORT: 'on' };
  const more = { variables, entrypoint: ['/run', 'hunter22'], command: ['sh', '-c', 'login -p hunter22'] };
  expect(logsOf(more, '+ login -p hunter22', 'on postgres:16')).toEqual([
    '+ login -p (value of PASSWORD)',
    'on postgres:16',
  ]);
});

test('so are passwords in an entrypoint and in a health check', () => {
  const healthCheck = { test: ['CMD', 'curl', '-H', 'Authorization: Bearer hunter23'] } as never;
  expect(logsOf({ healthCheck, entrypoint: ['/run', '--token', 'hunter22'] }, '> Bearer hunter23', 'hunter22')).toEqual(
    ['> Bearer (secret)', '(secret)'],
  );
});

test('long texts are searched once', () => {
  const begun = performance.now();
  const long = 'a'.repeat(200_000);
  expect(logsOf({ environment: { LONG: long }, command: [`-${'pass'.repeat(20_000)}!`] }, 'nothing')).toEqual([
    'nothing',
  ]);
  expect(performance.now() - begun).toBeLessThan(3_000);
});

test('what succeeded is redacted as well', () => {
  const done = { status: 'COMPLETED', result: { action: 'created', message: 'said hunter22' } } as const;
  expect(redact(done, hiddenOf(container({ files: [secret('hunter22')] })))).toEqual({
    status: 'COMPLETED',
    result: { action: 'created', message: 'said (secret)' },
  });
});
