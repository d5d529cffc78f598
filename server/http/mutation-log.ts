import { defaultFieldResolver, type GraphQLFieldResolver, type GraphQLSchema, getNamedType } from 'graphql';
import type { Context } from '../schema/context.ts';
import { stackById } from '../stacks/loaders.ts';
import { codeOf } from './mask.ts';

type Resolver = GraphQLFieldResolver<unknown, Context>;
type Args = Readonly<Record<string, unknown>>;

/** A name is that of the caller's choice, also where it is refused. */
const MAX_NAME = 100;

/**
 * Logs one line for each mutation: who called what, on which stack, with which deployment, how long it took and, where it
 * was refused or failed, its code. Nothing else of its arguments, for they hold secrets. The resolvers are wrapped so that
 * HTTP and WebSocket have it alike, and refusals by scope too.
 */
export function withMutationLog(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    field.resolve = logged(field.resolve ?? defaultFieldResolver, field.name, getNamedType(field.type).name);
  }
  return schema;
}

function logged(resolve: Resolver, what: string, type: string): Resolver {
  return async (root, args: Args, context, info) => {
    const startedAt = performance.now();
    const say = (found: { stack?: string; deployment?: string; code?: string }) => {
      const ms = Math.round(performance.now() - startedAt);
      const who = context.caller?.name ?? null;
      context.log[levelOf(context, found.code)]({ who, what, ...found, ms }, 'mutation');
    };
    try {
      const result: unknown = await resolve(root, args, context, info);
      const deployment = type === 'Deployment' ? (result as { id: string; stackId: string }) : undefined;
      const stack = stackOf(args, type) ?? (deployment && (await findStackName(context, deployment.stackId)));
      say({ stack, deployment: deployment?.id });
      return result;
    } catch (error) {
      say({ stack: stackOf(args, type), code: codeOf(error) });
      throw error;
    }
  };
}

/** Agents' mutations are many and tell a person little, unless an agent does what is not for agents. */
const levelOf = ({ caller }: Context, code: string | undefined) =>
  caller?.kind === 'AGENT' && code !== 'FORBIDDEN' ? 'debug' : 'info';

/** The stack that the arguments name. A `name` is a stack's only where a stack or its deployment is returned. */
function stackOf({ stack, name }: Args, type: string): string | undefined {
  const given = stack ?? (type === 'Deployment' || type === 'Stack' ? name : undefined);
  return typeof given === 'string' ? given.slice(0, MAX_NAME) : undefined;
}

/** What was done is done: the line goes without the name where the database does not answer any more. */
const findStackName = ({ load }: Context, id: string): Promise<string | undefined> =>
  load(stackById, id).then(
    (row) => row.name,
    () => undefined,
  );
