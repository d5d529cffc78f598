import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { getArgumentValues } from 'graphql/execution/values.js';
import type { Plugin } from 'graphql-yoga';

/** What a list without `first` counts as. */
const UNPAGED = 25;

/** Fields that are long texts, or that take the server long, count as often as that. */
const WEIGHTS = new Map([
  ['logs', 20],
  ['healthLog', 20],
  ['spec', 20],
  ['differences', 100],
  ['source', 100],
  ['input', 1_000],
]);

type Operation = {
  schema: GraphQLSchema;
  document: DocumentNode;
  operationName?: string | null | undefined;
  variableValues?: Record<string, unknown> | null | undefined;
};

/**
 * Refuses operations that ask for too much. Each field costs one for each object that it is read of: the fields below a list
 * count as often as it may have items, which is `first` as it is given, in the text or by a variable.
 */
export function costPlugin(limitOfOperation: number, limitOfSubscription: number): Plugin {
  const check = (args: Operation, limit: number): GraphQLError | undefined => {
    const cost = costOf(args);
    if (cost <= limit) return undefined;
    const message = `The operation may return ${cost} values, and ${limit} are allowed. Ask for fewer fields, or for smaller pages with first.`;
    return new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED' } });
  };
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const error = check(args as Operation, limitOfOperation);
      if (error) setResultAndStopExecution({ errors: [error] });
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const error = check(args as Operation, limitOfSubscription);
      if (error) setResultAndStopExecution({ errors: [error] });
    },
  };
}

export function costOf({ schema, document, operationName, variableValues }: Operation): number {
  const operation = getOperationAST(document, operationName);
  const root = operation && schema.getRootType(operation.operation);
  if (!operation || !root) return 0;
  const fragments = new Map(
    document.definitions.flatMap((one) =>
      one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one] as const] : [],
    ),
  );
  return new Counter(fragments, withDefaults(operation, variableValues ?? {})).of(root, operation.selectionSet);
}

/** The defaults of variables count as well; they are plain numbers where they matter here. */
function withDefaults({ variableDefinitions }: OperationDefinitionNode, given: Record<string, unknown>) {
  const defaults = (variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
    defaultValue?.kind === Kind.INT ? [[variable.name.value, Number(defaultValue.value)] as const] : [],
  );
  return { ...Object.fromEntries(defaults), ...given };
}

class Counter {
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #variables: Record<string, unknown>;
  /** The cost of a fragment on one object: it may be spread many times. */
  readonly #known = new Map<string, number>();

  constructor(fragments: ReadonlyMap<string, FragmentDefinitionNode>, variables: Record<string, unknown>) {
    this.#fragments = fragments;
    this.#variables = variables;
  }

  of(type: GraphQLOutputType, { selections }: SelectionSetNode): number {
    return selections.reduce((sum, selection) => {
      if (selection.kind === Kind.FIELD) return sum + this.#ofField(type, selection);
      if (selection.kind === Kind.INLINE_FRAGMENT) return sum + this.of(type, selection.selectionSet);
      return sum + this.#ofFragment(type, selection.name.value);
    }, 0);
  }

  #ofFragment(type: GraphQLOutputType, name: string): number {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const fragment = this.#fragments.get(name);
    const cost = fragment ? this.of(type, fragment.selectionSet) : 0;
    this.#known.set(name, cost);
    return cost;
  }

  #ofField(type: GraphQLOutputType, node: FieldNode): number {
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[node.name.value] : undefined;
    // Introspection is as large as the schema, which nobody can make larger.
    if (!field) return 1;
    const own = WEIGHTS.get(field.name) ?? 1;
    if (!node.selectionSet) return own;
    const named = getNamedType(field.type);
    if (!isCompositeType(named)) return own;
    return own + this.#timesOf(type as GraphQLObjectType, field, node) * this.of(named, node.selectionSet);
  }

  /** How many objects the field may stand for. The `nodes` of a page are as many as its `first` says, one level up. */
  #timesOf(parent: GraphQLObjectType, field: GraphQLField<unknown, unknown>, node: FieldNode): number {
    const first = this.#firstOf(field, node);
    if (first !== undefined) return first;
    if (!isListType(getNullableType(field.type))) return 1;
    return parent.name.endsWith('Connection') ? 1 : UNPAGED;
  }

  #firstOf(field: GraphQLField<unknown, unknown>, node: FieldNode): number | undefined {
    if (!field.args.some(({ name }) => name === 'first')) return undefined;
    const only = { ...node, arguments: node.arguments?.filter(({ name }) => name.value === 'first') ?? [] };
    const argument = { ...field, args: field.args.filter(({ name }) => name === 'first') };
    const { first } = getArgumentValues(argument, only, this.#variables);
    return typeof first === 'number' && first > 0 ? first : UNPAGED;
  }
}
