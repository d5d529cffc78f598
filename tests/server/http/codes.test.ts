import { describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../../../server/base/errors.ts';
import { useSeed } from '../../support/seed.ts';
import { openWire } from '../../support/wire.ts';

/** Whatever a request is refused with, its code is one of the catalogue. */
const seed = useSeed();

const REQUESTS: [what: string, body: unknown][] = [
  ['a field that is not there', { query: '{ nope }' }],
  ['a value of another type', { query: '{ stack(name: 1) { name } }' }],
  ['no GraphQL', { query: '{ stack(' }],
  ['an empty document', { query: '' }],
  ['no query', {}],
  ['a query that is none', { query: 5 }],
  ['an operation that is not in the document', { query: 'query A { viewer { name } }', operationName: 'B' }],
  ['several operations and no name', { query: 'query A { viewer { name } } query B { viewer { name } }' }],
  ['variables that are none', { query: '{ viewer { name } }', variables: 'x' }],
  ['a variable that is missing', { query: 'query($n: String!) { stack(name: $n) { name } }' }],
  ['a key that no request has', { query: '{ viewer { name } }', other: 1 }],
];

describe('over HTTP', () => {
  test.each(REQUESTS)('%s is BAD_INPUT', async (_, body) => {
    const response = await fetch(`${seed.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${seed.admin}` },
      body: JSON.stringify(body),
    });
    const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(errors.map(() => 'BAD_INPUT'));
    expect(errors.length).toBeGreaterThan(0);
  });

  test('GET of a mutation has a code of the catalogue', async () => {
    const query = encodeURIComponent('mutation { deleteStack(name: "x") { id } }');
    const response = await fetch(`${seed.url}/graphql?query=${query}`, {
      headers: { authorization: `Bearer ${seed.admin}` },
    });
    const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
    for (const { extensions } of errors) expect(Object.keys(ERROR_CODES)).toContain(extensions.code);
  });
});

test.each(REQUESTS.slice(0, 3))('over a socket %s is BAD_INPUT', async (_, body) => {
  const wire = await openWire(seed.url, { authorization: `Bearer ${seed.admin}` });
  const { errors } = await wire.ask((body as { query: string }).query);
  expect(errors?.map(({ extensions }) => extensions.code)).toEqual(errors?.map(() => 'BAD_INPUT'));
  expect(errors?.length).toBeGreaterThan(0);
  await wire.close();
});
