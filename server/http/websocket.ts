import type { Server } from 'node:http';
import { GraphQLError } from 'graphql';
import { CloseCode } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { GraphiumError } from '../base/errors.ts';
import { topic } from '../db/notify.ts';
import { CLOSE_FORBIDDEN, type Socket } from '../protocol/sockets.ts';
import type { Caller } from '../schema/context.ts';
import { authenticate, createContext, type Services } from './context.ts';
import { LIMITS } from './limits.ts';
import type { Yoga } from './yoga.ts';

const PING_MS = 10_000;

type Extra = { socket: WebSocket; caller?: Caller; session?: Socket; stop?: () => void };

/**
 * GraphQL over WebSocket with everything that holds over HTTP: authentication, limits, masked errors. A request that is
 * wrong is answered as such and leaves the socket open; graphql-ws's own recipe closes it.
 */
export function attachSockets(server: Server, yoga: Yoga, services: Services, log: Logger): { close(): Promise<void> } {
  const { db, bus, sockets } = services;
  const wss = new WebSocketServer({
    server,
    path: '/graphql',
    perMessageDeflate: false,
    maxPayload: LIMITS.frameBytes,
  });
  wss.on('error', (error) => log.warn({ err: error }, 'WebSocket server'));

  const disposable = useServer<Record<string, unknown>, Extra>(
    {
      connectionInitWaitTimeout: LIMITS.connectionInitMs,
      execute: (args) => (args as unknown as Enveloped).rootValue.execute(args),
      subscribe: (args) => (args as unknown as Enveloped).rootValue.subscribe(args),
      async onConnect({ connectionParams, extra }) {
        const caller = await authenticate(db, connectionParams?.authorization).catch((error: unknown) => {
          if (error instanceof GraphiumError) return undefined;
          throw error;
        });
        if (!caller) {
          extra.socket.close(CloseCode.Unauthorized, 'send { "authorization": "Bearer gph_…" } with connection_init');
          return false;
        }
        // It may have closed meanwhile, and then nobody would take the listener off again.
        if (extra.socket.readyState !== extra.socket.OPEN) return false;
        extra.caller = caller;
        extra.session = { close: (code, reason) => extra.socket.close(code, reason) };
        extra.stop = bus.on([topic.token(caller.tokenId)], () => void closeIfRevoked(extra, connectionParams));
        return true;
      },
      async onSubscribe({ extra, subscriptions }, _id, payload) {
        if (Object.keys(subscriptions).length > LIMITS.subscriptionsPerSocket) {
          const message = `At most ${LIMITS.subscriptionsPerSocket} operations at a time over one socket.`;
          return [new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED' } })];
        }
        const context = createContext(services, extra.caller, extra.session);
        const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
          graphium: context,
          params: payload,
        });
        const document = attempt(() => parse(payload.query));
        if (document instanceof GraphQLError) return [document];
        // Some limits are answered by throwing, too.
        const errors = attempt(() => validate(schema, document));
        if (errors instanceof GraphQLError) return [errors];
        if (errors.length > 0) return errors;
        return {
          schema,
          document,
          operationName: payload.operationName,
          variableValues: payload.variables,
          contextValue: await contextFactory(),
          rootValue: { execute, subscribe },
        };
      },
      onError(_context, _id, _payload, errors) {
        for (const { extensions } of errors) extensions.code ??= 'BAD_INPUT';
      },
      // Not `onDisconnect`, which is left out for a socket that closes before it was acknowledged.
      async onClose({ extra }, code) {
        extra.stop?.();
        const graceful = code === 1000;
        if (extra.session) await sockets.detach(extra.session, graceful).catch(() => {});
      },
    },
    wss,
    PING_MS,
  );

  async function closeIfRevoked(extra: Extra, params: Record<string, unknown> | undefined) {
    const caller = await authenticate(db, params?.authorization).catch((error: unknown) => error);
    if (caller instanceof GraphiumError) extra.socket.close(CLOSE_FORBIDDEN, 'the token was revoked');
  }

  return { close: async () => disposable.dispose() };
}

type Enveloped = { rootValue: { execute: (args: unknown) => never; subscribe: (args: unknown) => never } };

function attempt<T>(work: () => T): T | GraphQLError {
  try {
    return work();
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
}
