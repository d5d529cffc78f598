import type { IncomingMessage } from 'node:http';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { Logger } from 'pino';
import { originOf } from '../base/server-url.ts';
import type { Context } from '../schema/context.ts';
import { type Attempts, addressOf, authenticateFrom } from './attempts.ts';
import { createContext, type Services } from './context.ts';
import { limitPlugins } from './limits.ts';
import { createMask, giveCodes } from './mask.ts';
import { schema } from './schema.ts';

/** Over a WebSocket the context was made when the operation came in. */
type ServerContext = { graphium?: Context; req?: IncomingMessage };
export type Yoga = YogaServerInstance<ServerContext, Context>;

export function createGraphql(services: Services, attempts: Attempts, log: Logger): Yoga {
  return createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: '/graphql',
    landingPage: false,
    // The page comes from this very origin, and nothing else in a browser has a business here.
    cors: false,
    multipart: false,
    batching: false,
    // Errors are logged where they are masked; yoga would log the expected ones as well.
    logging: false,
    maskedErrors: { maskError: createMask(log) },
    plugins: [
      ...limitPlugins(),
      { onResultProcess: ({ result }) => giveCodes('errors' in result ? (result.errors ?? []) : []) },
    ],
    context: async ({ graphium, request, req }) => {
      if (graphium) return graphium;
      const caller = await authenticateFrom(addressOf(req), request.headers.get('authorization'), {
        attempts,
        services,
      });
      return createContext(services, log, caller, {
        origin: originOf(request.url, request.headers),
        address: addressOf(req),
      });
    },
    graphiql: false,
  });
}
