import { DrizzleQueryError } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { toErrorEntry, toPlainLine } from '../../../../server/base/log.ts';

test('an entry is one line that a person reads', () => {
  const entry = {
    level: 'info',
    time: '2026-01-31T08:00:01.250Z',
    who: 'ann',
    ms: 12,
    what: 'deployStack',
    msg: 'mutation',
  };
  expect(toPlainLine(JSON.stringify(entry))).toBe('08:00:01.250 info  mutation who=ann ms=12 what=deployStack\n');
});

test('no value can look like another field or another line', () => {
  const entry = { level: 'info', time: '2026-01-31T08:00:01.250Z', who: 'ann what=x\nb', msg: 'mutation' };
  expect(toPlainLine(JSON.stringify(entry))).toBe('08:00:01.250 info  mutation who="ann what=x\\nb"\n');
  const terminal = { ...entry, who: '\u009b2J\u202e', msg: '\u001b[2J' };
  expect(toPlainLine(JSON.stringify(terminal))).toBe('08:00:01.250 info  \\u001b[2J who=\\u009b2J\\u202e\n');
});

test('an error of the database is told without the values that the statement had', () => {
  const cause = Object.assign(new Error('null value in column "name"'), {
    code: '23502',
    detail: 'Failing row contains (top-secret).',
  });
  const query = new DrizzleQueryError('insert into "tokens" ("hash") values ($1)', ['top-secret'], cause);
  for (const error of [query, new Error('could not issue', { cause: query })]) {
    const entry = toErrorEntry(error);
    expect(entry).toMatchObject({
      message: 'null value in column "name"',
      code: '23502',
      sql: 'insert tokens',
      stack: expect.stringMatching(/^Error: null value in column "name"\n {4}at /),
    });
    expect(JSON.stringify(entry)).not.toContain('top-secret');
  }
});

test('every other error is told as it is', () => {
  expect(toErrorEntry(new TypeError('x is not a function'))).toMatchObject({
    type: 'TypeError',
    message: 'x is not a function',
    stack: expect.stringContaining('log.test.ts'),
  });
});
