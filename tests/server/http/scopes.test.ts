import SchemaBuilder from '@pothos/core';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import {
  buildSchema,
  type GraphQLInputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isNonNullType,
} from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { ERROR_CODES, TASK_ERROR_CODES } from '../../../server/base/errors.ts';
import { schema } from '../../../server/http/schema.ts';
import { useSeed } from '../../support/seed.ts';
import { findUndescribed, findUnscoped, type RootField, rootFields } from '../../support/walk.ts';
import { openEvents } from '../../support/wire.ts';

/** Who may do what, by the schema's own word and then by trying. */
const seed = useSeed();
const tokens: Record<string, string> = {};
beforeAll(async () => {
  for (const role of ['VIEWER', 'OPERATOR', 'ADMIN'] as const) tokens[role] = (await seed.token(role)).secret;
  tokens.AGENT = (await seed.agent('scoped')).secret;
  tokens.JOIN = await seed.joinToken();
});

/** Which tokens a scope lets in; a scope that is not here is a mistake. */
const ALLOWED: Record<string, string[]> = {
  anyone: ['VIEWER', 'OPERATOR', 'ADMIN', 'AGENT', 'JOIN'],
  authenticated: ['VIEWER', 'OPERATOR', 'ADMIN', 'AGENT', 'JOIN'],
  viewer: ['VIEWER', 'OPERATOR', 'ADMIN'],
  operator: ['OPERATOR', 'ADMIN'],
  admin: ['ADMIN'],
  agent: ['AGENT'],
  join: ['JOIN'],
};
const KINDS = ['VIEWER', 'OPERATOR', 'ADMIN', 'AGENT', 'JOIN'];
const all = rootFields(schema);

/** An operation with some value for every argument: it must be refused before anybody looks at them. */
function operationFor({ kind, field }: RootField): string {
  const args = field.args.filter((arg) => isNonNullType(arg.type) && arg.defaultValue === undefined);
  const list = args.map((arg) => `${arg.name}: ${literalOf(arg.type)}`).join(', ');
  const selection = isLeafType(getNamedType(field.type)) ? '' : ' { __typename }';
  return `${kind.toLowerCase()} { ${field.name}${list ? `(${list})` : ''}${selection} }`;
}
function literalOf(type: GraphQLInputType): string {
  const named = getNamedType(type);
  if (isNonNullType(type) && 'ofType' in type.ofType) return '[]';
  if (isEnumType(named)) return named.getValues()[0]?.name ?? '';
  if (isInputObjectType(named)) {
    const all = Object.values(named.getFields());
    const fields = named.isOneOf ? all.slice(0, 1) : all.filter((field) => isNonNullType(field.type));
    return `{ ${fields.map((field) => `${field.name}: ${literalOf(field.type)}`).join(', ')} }`;
  }
  return { Int: '1', Float: '1.5', Boolean: 'true' }[named.name] ?? '"11111111-1111-4111-8111-111111111111"';
}
/** The code of the error that the field itself was answered with. */
async function codeOf(root: RootField, token: string | undefined): Promise<string | undefined> {
  const query = operationFor(root);
  if (root.kind !== 'Subscription') return (await seed.try(query, {}, token)).errors?.[0]?.extensions.code;
  if (token === undefined) return (await seed.try(query, {}, token)).errors?.[0]?.extensions.code;
  const stream = await openEvents(seed.url, token, query);
  const first = await stream.next();
  stream.cancel();
  return first?.errors?.[0]?.extensions.code;
}

test('every root field and every object type names its scope', () => {
  expect(findUnscoped(schema)).toEqual([]);
  expect(all.length).toBeGreaterThan(25);
  expect(all.filter(({ scope }) => !ALLOWED[scope ?? '']).map(({ name }) => name)).toEqual([]);
});

test('only the catalogue of errors needs no token', async () => {
  expect(all.filter(({ scope }) => scope === 'anyone').map(({ name }) => name)).toEqual(['errorCodes']);
  const { data } = await seed.try<{ errorCodes: { kind: string; code: string; description: string }[] }>(
    '{ errorCodes { kind code description } }',
    {},
    '',
  );
  const described = (kind: string) =>
    Object.fromEntries(
      (data?.errorCodes ?? []).filter((one) => one.kind === kind).map(({ code, description }) => [code, description]),
    );
  expect(described('REQUEST')).toEqual(ERROR_CODES);
  expect(described('TASK')).toEqual(TASK_ERROR_CODES);
});

test('the walker fails on what has none', () => {
  const builder = new SchemaBuilder<{ AuthScopes: { viewer: boolean } }>({
    plugins: [ScopeAuthPlugin],
    scopeAuth: { authScopes: () => ({ viewer: true }) },
  });
  const Good = builder
    .objectRef<object>('Good')
    .implement({ authScopes: { viewer: true }, fields: (t) => ({ a: t.string({ resolve: () => '' }) }) });
  const Bad = builder.objectRef<object>('Bad').implement({ fields: (t) => ({ a: t.string({ resolve: () => '' }) }) });
  builder.queryType({
    fields: (t) => ({
      good: t.field({ type: Good, authScopes: { viewer: true }, resolve: () => ({}) }),
      bad: t.field({ type: Bad, resolve: () => ({}) }),
      hollow: t.string({ authScopes: {}, resolve: () => '' }),
    }),
  });
  expect(findUnscoped(builder.toSchema())).toEqual(['Query.bad', 'Query.hollow', 'Bad']);
});

test('everything has a description', () => {
  expect(findUndescribed(schema)).toEqual([]);
});

test('the walker fails on what has no description', () => {
  const bare = buildSchema(
    `"""q""" type Query { a(x: Int): E "b" b: Int } enum E { "v" V W } "i" input I { f: Int } scalar S`,
  );
  expect(findUndescribed(bare)).toEqual(['Query.a', 'Query.a(x)', 'E', 'E.W', 'I.f', 'S']);
});

describe.each(all)('$kind.$name', (root) => {
  test(root.scope === 'anyone' ? 'needs no token' : 'is refused without a token', async () => {
    expect(await codeOf(root, '')).toBe(root.scope === 'anyone' ? undefined : 'UNAUTHENTICATED');
  });

  test('is refused for every wrong kind and role of token, and for no right one', async () => {
    const allowed = ALLOWED[root.scope ?? ''] ?? [];
    for (const kind of KINDS) {
      // Using the join token up would spoil it for the fields after this one.
      if (allowed.includes(kind) && root.name === 'enrollAgent') continue;
      const code = await codeOf(root, tokens[kind]);
      if (allowed.includes(kind)) expect(code, kind).not.toBe('FORBIDDEN');
      else expect(code, kind).toBe('FORBIDDEN');
    }
  });
});

test('nothing that was refused left a trace', async () => {
  const rows =
    await seed.sql`select (select count(*)::int from deployments) as deployments, (select count(*)::int from stacks) as stacks`;
  expect(rows[0]).toEqual({ deployments: 0, stacks: 0 });
});

test('who is refused reads what is needed', async () => {
  const said = async (query: string, kind: string) =>
    (await seed.try(query, {}, tokens[kind])).errors?.[0]?.message.split(': ').at(-1);
  expect(await said('{ tokens { id } }', 'OPERATOR')).toBe('it needs a user token with the role ADMIN.');
  expect(await said('mutation { stopStack(name: "a") { id } }', 'VIEWER')).toBe(
    'it needs a user token with the role OPERATOR or ADMIN.',
  );
  expect(await said('{ stacks { name } }', 'AGENT')).toBe('it needs a user token.');
  expect(await said('mutation { enrollAgent(name: "a") { secret } }', 'ADMIN')).toBe('it needs a join token.');
});
