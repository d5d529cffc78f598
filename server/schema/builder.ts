import SchemaBuilder, { type EnumRef } from '@pothos/core';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import { type GraphQLResolveInfo, GraphQLScalarType, Kind } from 'graphql';
import { GraphiumError } from '../base/errors.ts';
import type { Context, Role } from './context.ts';

/** Who may read a field. Every root field and every object type names its scope; a test fails if one does not. */
export type Scopes = {
  /** Everybody, even without a token: the catalogue of errors, and types whose values hang below a checked field. */
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

const NEEDED: Record<keyof Scopes, string> = {
  anyone: 'no token',
  authenticated: 'a token',
  viewer: 'a user token',
  operator: 'a user token with the role OPERATOR or ADMIN',
  admin: 'a user token with the role ADMIN',
  agent: 'the credential of an agent',
  join: 'a join token',
};

/** A field's own scopes go before those of its type. */
function neededFor({ parentType, fieldName }: GraphQLResolveInfo): string {
  const field = scopesOf(parentType.getFields()[fieldName]?.extensions);
  const scopes = field.length > 0 ? field : scopesOf(parentType.extensions);
  return scopes.map((scope) => NEEDED[scope]).join(' or ') || 'another token';
}

function scopesOf(extensions: Readonly<Record<string, unknown>> | undefined): (keyof Scopes)[] {
  const options = extensions?.pothosOptions as { authScopes?: Partial<Scopes> } | undefined;
  return Object.keys(options?.authScopes ?? {}) as (keyof Scopes)[];
}

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
      const message = `${info.parentType.name}.${info.fieldName} is not for ${whose}: it needs ${neededFor(info)}.`;
      return new GraphiumError('FORBIDDEN', message);
    },
  },
});

builder.addScalarType(
  'DateTime',
  new GraphQLScalarType<Date, string>({
    name: 'DateTime',
    description:
      'A date and time by the clock of the database, in UTC and ISO 8601 format, such as `2026-01-31T08:00:00.000Z`.',
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
  new GraphQLScalarType({
    name: 'JSON',
    description: 'Any JSON value. Each field or argument of this type says which shape it has.',
  }),
);

builder.queryType({ description: 'Reads the current state.' });
builder.mutationType({
  description:
    'Changes the state. Operations on stacks return as soon as their tasks are planned; agents carry them out.',
});
builder.subscriptionType({
  description: 'Follows the state: each subscription sends it at once and again after every change.',
});

/** Declares an enum from its values and their descriptions. */
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

/** IDs are UUIDs, so anything else cannot exist. */
export const isId = (id: string): boolean => UUID.test(id);

/** @throws GraphiumError NOT_FOUND */
export function checkId(what: string, id: string): string {
  if (!isId(id)) throw new GraphiumError('NOT_FOUND', `There is no ${what} "${id}".`);
  return id;
}

/** @throws GraphiumError BAD_INPUT */
export function checkPage(first: number, most = 500): number {
  if (first < 1 || first > most) throw new GraphiumError('BAD_INPUT', `first: expected 1 to ${most}, got ${first}.`);
  return first;
}
