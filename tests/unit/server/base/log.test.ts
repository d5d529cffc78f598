import { expect, test } from 'vitest';
import { toPlainLine } from '../../../../server/base/log.ts';

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
});
