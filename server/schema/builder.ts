import SchemaBuilder, { type EnumRef } from '@pothos/core';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import { GraphQLScalarType, Kind } from 'graphql';
import { GraphiumError } from '../base/errors.ts';
import type { Context, Role } from './context.ts';

/**
 * Who may read a field: every root field and every object type names its scope, and a test walks the schema and fails on
 * one that has none.
 */
export type Scopes = {
  /** No token at all; for values that hang below a field that was checked. */
  anyone: boolean;
  /** Any valid token. */
  authenticated: boolean;
  viewer: boolean;
  operator: boolean;
  admin: boolean;
  agent: boolean;
  join: boolean;
};

type SchemaTypes = {
  Context: Context;
  AuthScopes: Scopes;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    JSON: { Input: unknown; Output: unknown };
  };
};

const RANK: Record<Role, number> = { VIEWER: 1, OPERATOR: 2, ADMIN: 3 };

export const builder = new SchemaBuilder<SchemaTypes>({
  plugins: [ScopeAuthPlugin],
  defaultFieldNullability: false,
  scopeAuth: {
    authorizeOnSubscribe: true,
    authScopes: ({ caller }) => {
      const rank = caller?.kind === 'USER' ? RANK[caller.role] : 0;
      return {
        anyone: true,
        authenticated: caller !== undefined,
        viewer: rank >= RANK.VIEWER,
        operator: rank >= RANK.OPERATOR,
        admin: rank >= RANK.ADMIN,
        agent: caller?.kind === 'AGENT',
        join: caller?.kind === 'JOIN',
      };
    },
    unauthorizedError: (_parent, { caller }, info) => {
      if (!caller) return new GraphiumError('UNAUTHENTICATED', 'Send a token: "Authorization: Bearer gph_…".');
      const whose =
        caller.kind === 'USER' ? `a user token with the role ${caller.role}` : `a token of kind ${caller.kind}`;
      return new GraphiumError('FORBIDDEN', `${info.parentType.name}.${info.fieldName} is not for ${whose}.`);
    },
  },
});

builder.addScalarType(
  'DateTime',
  new GraphQLScalarType<Date, string>({
    name: 'DateTime',
    description: 'A moment by the clock of the database, ISO 8601 in UTC: `2026-01-31T08:00:00.000Z`.',
    serialize: (value) => (value instanceof Date ? value : new Date(String(value))).toISOString(),
    parseValue: toDate,
    parseLiteral: (node) => toDate(node.kind === Kind.STRING ? node.value : undefined),
  }),
);

function toDate(value: unknown): Date {
  const date = typeof value === 'string' ? new Date(value) : new Date(Number.NaN);
  if (Number.isNaN(date.getTime()))
    throw new GraphiumError('BAD_INPUT', 'Expected a moment such as "2026-01-31T08:00:00Z".');
  return date;
}

builder.addScalarType(
  'JSON',
  new GraphQLScalarType({ name: 'JSON', description: 'Any JSON value; the field that has it says which shape.' }),
);

builder.queryType({ description: 'What can be read.' });
builder.mutationType({ description: 'What can be changed. Stack mutations only write tasks; agents do the work.' });
builder.subscriptionType({ description: 'The same as the queries, sent now and after every change.' });

/** An enum whose values all have a description. */
export function describedEnum<const T extends Record<string, string>>(name: string, description: string, texts: T) {
  const values = Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, { value: key, description: text }]),
  );
  // `Object.fromEntries` widens the keys, which are the values.
  return builder.enumType<string, typeof values>(name, { description, values }) as unknown as EnumRef<
    typeof builder.$inferSchemaTypes,
    keyof T & string
  >;
}

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Ids are UUIDs; anything else names nothing. @throws GraphiumError NOT_FOUND */
export function checkId(what: string, id: string): string {
  if (!UUID.test(id)) throw new GraphiumError('NOT_FOUND', `There is no ${what} "${id}".`);
  return id;
}

/** @throws GraphiumError BAD_INPUT */
export function checkPage(first: number): number {
  if (first < 1 || first > 500) throw new GraphiumError('BAD_INPUT', `first: expected 1 to 500, got ${first}.`);
  return first;
}
