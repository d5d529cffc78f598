import type { IncomingMessage, Server } from 'node:http';
import { GraphQLError } from 'graphql';
import { CloseCode, type Context as Connection } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { GraphiumError } from '../base/errors.ts';
import { topic } from '../db/notify.ts';
import { CLOSE_FORBIDDEN, type Socket } from '../protocol/sockets.ts';
import type { Caller } from '../schema/context.ts';
import { type Attempts, addressOf, authenticateFrom } from './attempts.ts';
import { authenticate, createContext, type Services } from './context.ts';
import { LIMITS } from './limits.ts';
import { createMask, giveCodes } from './mask.ts';
import { execute, prepareOperation, subscribe } from './operation.ts';
import { createPresence, networkOf, type Presence } from './presence.ts';
import type { Yoga } from './yoga.ts';

const PING_MS = 10_000;

/** WebSocket's own "Try Again Later", after which clients connect again; graphql-ws's 4500 ends them for good. */
const CLOSE_TRY_AGAIN_LATER = 1013;

type InitPayload = Record<string, unknown>;
/** What belongs to one socket; all but `socket` once its token was accepted. */
type Extra = {
  socket: WebSocket;
  request: IncomingMessage;
  caller?: Caller;
  session?: Socket;
  stop?: () => void;
  leave?: () => void;
};
type Client = Connection<InitPayload, Extra>;
type Shared = {
  mask: ReturnType<typeof createMask>;
  /** The open sockets by the id of their token. */
  tokens: Presence;
  /** How a socket leaves those of its address: an agent's does when it is let in, for many hosts may share one. */
  arrivals: WeakMap<WebSocket, () => void>;
  attempts: Attempts;
};

/**
 * GraphQL over WebSocket with everything that holds over HTTP: authentication, limits, masked errors. A request that is
 * wrong is answered as such and leaves the socket open; graphql-ws's own recipe closes it.
 */
export function attachSockets(
  server: Server,
  yoga: Yoga,
  { services, attempts }: { services: Services; attempts: Attempts },
  log: Logger,
): { close(): Promise<void> } {
  const wss = new WebSocketServer({
    server,
    path: '/graphql',
    perMessageDeflate: false,
    maxPayload: LIMITS.frameBytes,
  });
  wss.on('error', (error) => log.warn({ err: error }, 'WebSocket server'));
  const mask = createMask(log);
  const tokens = createPresence();
  const addresses = createPresence();
  const arrivals: Shared['arrivals'] = new WeakMap();
  const disposable = useServer<InitPayload, Extra>(
    {
      connectionInitWaitTimeout: LIMITS.connectionInitMs,
      execute,
      subscribe,
      onConnect: (client) => accept(client, services, { mask, tokens, arrivals, attempts }),
      onSubscribe: ({ extra, subscriptions }, _id, payload) => {
        const context = createContext(services, log, extra.caller, {
          socket: extra.session,
          address: addressOf(extra.request),
        });
        return checkCount(subscriptions) ?? prepareOperation(yoga, context, payload);
      },
      onError: (_client, _id, _payload, errors) => giveCodes(errors),
      // Not `onDisconnect`, which is left out for a socket that closes before it was acknowledged.
      onClose: ({ extra }, code) => {
        extra.leave?.();
        return release(extra, code === 1000, services);
      },
    },
    wss,
    PING_MS,
  );
  // graphql-ws would write each error of a client to the console, as a stack trace of many lines.
  wss.on('connection', (socket, request) => {
    const address = addressOf(request);
    const leave = addresses.enter(networkOf(address));
    arrivals.set(socket, leave);
    socket.once('close', leave);
    if (addresses.of(networkOf(address)) > LIMITS.socketsPerAddress) {
      socket.close(
        CLOSE_TRY_AGAIN_LATER,
        `this address has ${LIMITS.socketsPerAddress} sockets open; try again in 10 s`,
      );
    }
    socket.removeAllListeners('error');
    socket.on('error', (error) => log.info({ code: codeOfSocket(error) }, 'a client broke its WebSocket'));
  });
  return { close: async () => disposable.dispose() };
}

/** Lets a client in that sent a good token, and closes its socket when that token is revoked. */
async function accept(
  { connectionParams, extra }: Client,
  services: Services,
  { mask, tokens, arrivals, attempts }: Shared,
): Promise<boolean> {
  const asked = authenticateFrom(addressOf(extra.request), connectionParams?.authorization, { attempts, services });
  const caller = await asked.catch(toError);
  if (caller instanceof Error && !isRefusal(caller)) {
    extra.socket.close(CLOSE_TRY_AGAIN_LATER, mask(caller).message);
    return false;
  }
  if (!caller || caller instanceof Error) {
    extra.socket.close(CloseCode.Unauthorized, 'send { "authorization": "Bearer gph_…" } with connection_init');
    return false;
  }
  // It may have closed meanwhile, and then nobody would take the listener off again.
  if (extra.socket.readyState !== extra.socket.OPEN) return false;
  const others = tokens.of(caller.tokenId);
  if (others >= LIMITS.socketsPerToken) {
    extra.socket.close(CLOSE_TRY_AGAIN_LATER, `this token has ${others} sockets open; try again in 10 s`);
    return false;
  }
  extra.leave = tokens.enter(caller.tokenId);
  if (caller.kind === 'AGENT') arrivals.get(extra.socket)?.();
  extra.caller = caller;
  extra.session = toSession(extra.socket);
  extra.stop = services.bus.on([topic.token(caller.tokenId)], () => {
    void closeIfRevoked(extra.socket, connectionParams, services);
  });
  return true;
}

function toSession(socket: WebSocket): Socket {
  const session: Socket = { close: (code, reason) => socket.close(code, reason), heardAt: performance.now() };
  const heard = () => {
    session.heardAt = performance.now();
  };
  socket.on('pong', heard).on('message', heard);
  return session;
}

/** Anything else may be better later. */
const isRefusal = (error: Error): boolean => error instanceof GraphiumError && error.code === 'UNAUTHENTICATED';

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

async function closeIfRevoked(socket: WebSocket, params: InitPayload | undefined, services: Services): Promise<void> {
  const caller = await authenticate(services, params?.authorization).catch((error: unknown) => error);
  if (caller instanceof GraphiumError) socket.close(CLOSE_FORBIDDEN, 'the token was revoked');
}

const codeOfSocket = (error: Error): string => ('code' in error ? String(error.code) : error.name);

function checkCount(subscriptions: Client['subscriptions']): GraphQLError[] | undefined {
  if (Object.keys(subscriptions).length <= LIMITS.subscriptionsPerSocket) return undefined;
  const message = `At most ${LIMITS.subscriptionsPerSocket} operations at a time over one socket.`;
  return [new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED' } })];
}

async function release({ session, stop }: Extra, isGraceful: boolean, { sockets }: Services): Promise<void> {
  stop?.();
  if (session) await sockets.detach(session, isGraceful).catch(() => {});
}
