import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { costOf } from '../../../../server/http/cost.ts';
import { LIMITS } from '../../../../server/http/limits.ts';
import { schema } from '../../../../server/http/schema.ts';

const cost = (query: string, variableValues: Record<string, unknown> = {}) =>
  costOf({ schema, document: parse(query), variableValues });
const PAGE = (first: string) => `deployments(${first}) { nodes { id status cause { code message } } }`;

test('the items of a page count as often as there may be, however that is said', () => {
  const literal = cost(`{ ${PAGE('first: 100')} }`);
  expect(literal).toBeGreaterThan(500);
  expect(cost(`query($n: Int!) { ${PAGE('first: $n')} }`, { n: 100 })).toBe(literal);
  expect(cost(`query($n: Int! = 100) { ${PAGE('first: $n')} }`)).toBe(literal);
  expect(cost(`query($n: Int! = 1) { ${PAGE('first: $n')} }`, { n: 100 })).toBe(literal);
  expect(cost(`{ ...F } fragment F on Query { ... on Query { ${PAGE('first: 100')} } }`)).toBe(literal);
  expect(cost(`{ a: ${PAGE('first: 100')} b: ${PAGE('first: 100')} }`)).toBe(2 * literal);
});

test('lists without a page multiply what is below them', () => {
  const flat = cost('{ stacks { name } }');
  const nested = cost('{ stacks { containers { name } } }');
  expect(flat).toBeGreaterThan(20);
  expect(nested).toBeGreaterThan(20 * 20);
});

test('what brought a server down is far too much, and a full page of what the page shows is not', () => {
  const attack = 'query($n: Int!) { deployments(first: $n) { nodes { tasks { events { at } } } } }';
  expect(cost(attack, { n: 500 })).toBeGreaterThan(5 * LIMITS.cost);
  expect(cost(`{ ${PAGE('first: 500')} }`)).toBeLessThan(LIMITS.cost);
});

test('introspection counts little, and fragments that are spread often are counted in no time', () => {
  expect(cost('{ __schema { types { fields { args { type { name } } } } } }')).toBeLessThan(100);
  const chain = Array.from({ length: 40 }, (_, n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`).join(' ');
  const from = performance.now();
  expect(cost(`{ ...F0 } ${chain} fragment F40 on Query { viewer { name } }`)).toBeGreaterThan(LIMITS.cost);
  expect(performance.now() - from).toBeLessThan(1_000);
});
