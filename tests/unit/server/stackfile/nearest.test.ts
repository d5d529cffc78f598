import { expect, test } from 'vitest';
import { parseCompose } from '../../../../server/stackfile/compose/parse.ts';
import { findNearest } from '../../../../server/stackfile/nearest.ts';

test.each([
  ['ngnix', ['nginx', 'db'], 'nginx'],
  ['databse', ['web', 'database'], 'database'],
  ['wbe', ['web'], 'web'],
  ['DB', ['db'], 'db'],
  // As many errors as letters are another word.
  ['db', ['web'], undefined],
  ['web', ['db'], undefined],
  ['a', ['b'], undefined],
])('%s among %j: %s', (word, candidates, nearest) => expect(findNearest(word, candidates)).toBe(nearest));

test('no service is taken for what it waits for itself', () => {
  const parsed = parseCompose('name: x\nservices:\n  web:\n    image: a\n    depends_on: [webb]\n', {
    variables: {},
    profiles: [],
  });
  const messages = parsed.ok ? [] : parsed.problems.map(({ message }) => message);
  expect(messages).toEqual([expect.stringMatching(/found "webb"$/)]);
});
