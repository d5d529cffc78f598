import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
} from 'graphql';

/** Reads what a schema says about itself: who may read what, and what everything means. */
export type Kind = 'Query' | 'Mutation' | 'Subscription';
export type RootField = { kind: Kind; name: string; field: GraphQLField<unknown, unknown>; scope: string | undefined };

/**
 * The one scope that Pothos' scope-auth plugin keeps of `authScopes: { <scope>: true }`; undefined if there is none.
 */
export function scopeOf(extensions: unknown): string | undefined {
  const { pothosOptions } = (extensions ?? {}) as { pothosOptions?: { authScopes?: Record<string, unknown> } };
  const scopes = Object.entries(pothosOptions?.authScopes ?? {});
  return scopes.length === 1 && scopes[0]?.[1] === true ? scopes[0][0] : undefined;
}

export function rootFields(schema: GraphQLSchema): RootField[] {
  const roots = {
    Query: schema.getQueryType(),
    Mutation: schema.getMutationType(),
    Subscription: schema.getSubscriptionType(),
  };
  return (Object.keys(roots) as Kind[]).flatMap((kind) =>
    Object.values(roots[kind]?.getFields() ?? {}).map((field) => ({
      kind,
      name: field.name,
      field,
      scope: scopeOf(field.extensions),
    })),
  );
}

/** Finds root fields and object types that do not say who may read them. */
export function findUnscoped(schema: GraphQLSchema): string[] {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const fields = rootFields(schema).flatMap(({ kind, name, scope }) => (scope ? [] : [`${kind}.${name}`]));
  const types = Object.values(schema.getTypeMap())
    .filter((type) => (isObjectType(type) || isInterfaceType(type)) && !type.name.startsWith('__'))
    .filter((type) => !roots.includes(type as never) && scopeOf(type.extensions) === undefined)
    .map((type) => type.name);
  return [...fields, ...types];
}

/** Finds everything of our own that has no description. */
export function findUndescribed(schema: GraphQLSchema): string[] {
  return Object.values(schema.getTypeMap())
    .filter((type) => !type.name.startsWith('__') && !['Int', 'Float', 'String', 'Boolean', 'ID'].includes(type.name))
    .flatMap(partsOf)
    .flatMap(([path, part]) => (part.description?.trim() ? [] : [path]));
}

type Part = { description?: string | null | undefined };

function partsOf(type: GraphQLNamedType): [string, Part][] {
  const own: [string, Part] = [type.name, type];
  if (isEnumType(type))
    return [own, ...type.getValues().map((value): [string, Part] => [`${type.name}.${value.name}`, value])];
  if (isScalarType(type)) return [own];
  if (isInputObjectType(type)) {
    return [
      own,
      ...Object.values(type.getFields()).map((field): [string, Part] => [`${type.name}.${field.name}`, field]),
    ];
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return [own];
  return [
    own,
    ...Object.values(type.getFields()).flatMap((field): [string, Part][] => [
      [`${type.name}.${field.name}`, field],
      ...field.args.map((arg: GraphQLArgument): [string, Part] => [`${type.name}.${field.name}(${arg.name})`, arg]),
    ]),
  ];
}
