import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Context } from '../schema/context.ts';
import { authenticate, createContext, type Services } from './context.ts';
import { limitPlugins } from './limits.ts';
import { createMask } from './mask.ts';
import { examples, headers, renderPlayground } from './playground.ts';
import { schema } from './schema.ts';

/** Over a WebSocket the context was made when the operation came in. */
type ServerContext = { graphium?: Context };
export type Yoga = YogaServerInstance<ServerContext, Context>;

export function createGraphql(services: Services, log: Logger): Yoga {
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
    plugins: limitPlugins(),
    context: async ({ graphium, request }) =>
      graphium ??
      createContext(services, await authenticate(services.db, request.headers.get('authorization')), undefined),
    renderGraphiQL: renderPlayground,
    graphiql: {
      title: 'Graphium playground',
      // Unlike a WebSocket, server-sent events take the headers that are set in the editor.
      subscriptionsProtocol: 'GRAPHQL_SSE',
      defaultTabs: examples,
      headers,
      shouldPersistHeaders: false,
    },
  });
}
