import { type DocumentNode, type ExecutionArgs, GraphQLError } from 'graphql';
import type { OperationResult, SubscribePayload } from 'graphql-ws';
import type { Context } from '../schema/context.ts';
import type { Yoga } from './yoga.ts';

type Run = (args: ExecutionArgs) => OperationResult;
/** Yoga's functions for one operation, with its plugins; they travel in the root value, which no resolver reads. */
type Enveloped = { execute: Run; subscribe: Run };

/** What graphql-ws needs to run an operation as yoga would, or what is wrong with the operation. */
export async function prepareOperation(
  yoga: Yoga,
  graphium: Context,
  payload: SubscribePayload,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
    graphium,
    params: payload,
  });
  const document = attempt<DocumentNode>(() => parse(payload.query));
  if (document instanceof GraphQLError) return [document];
  // Some limits are answered by throwing, too.
  const errors = attempt(() => validate(schema, document));
  if (errors instanceof GraphQLError) return [errors];
  if (errors.length > 0) return errors;
  const rootValue: Enveloped = { execute, subscribe };
  return {
    schema,
    document,
    operationName: payload.operationName,
    variableValues: payload.variables,
    contextValue: await contextFactory(),
    rootValue,
  };
}

export const execute: Run = (args) => envelopedOf(args).execute(args);
export const subscribe: Run = (args) => envelopedOf(args).subscribe(args);

const envelopedOf = ({ rootValue }: ExecutionArgs) => rootValue as Enveloped;

function attempt<T>(work: () => T): T | GraphQLError {
  try {
    return work();
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
}
