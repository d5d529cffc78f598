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
import { createMask } from './mask.ts';
import { execute, prepareOperation, subscribe } from './operation.ts';
import type { Yoga } from './yoga.ts';

const PING_MS = 10_000;

/** WebSocket's own "Try Again Later", after which clients connect again; graphql-ws's 4500 ends them for good. */
const CLOSE_TRY_AGAIN_LATER = 1013;

type InitPayload = Record<string, unknown>;
/** What belongs to one socket; all but `socket` once its token was accepted. */
type Extra = { socket: WebSocket; request: IncomingMessage; caller?: Caller; session?: Socket; stop?: () => void };
type Client = Connection<InitPayload, Extra>;
/** By the id of a token. */
type OpenSockets = Map<string, Set<WebSocket>>;
type Shared = { mask: ReturnType<typeof createMask>; open: OpenSockets; attempts: Attempts };

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
  const open: OpenSockets = new Map();
  const disposable = useServer<InitPayload, Extra>(
    {
      connectionInitWaitTimeout: LIMITS.connectionInitMs,
      execute,
      subscribe,
      onConnect: (client) => accept(client, services, { mask, open, attempts }),
      onSubscribe: ({ extra, subscriptions }, _id, payload) => {
        const context = createContext(services, log, extra.caller, extra.session, undefined);
        return checkCount(subscriptions) ?? prepareOperation(yoga, context, payload);
      },
      onError: (_client, _id, _payload, errors) => giveCodes(errors),
      // Not `onDisconnect`, which is left out for a socket that closes before it was acknowledged.
      onClose: ({ extra }, code) => {
        forget(extra, open);
        return release(extra, code === 1000, services);
      },
    },
    wss,
    PING_MS,
  );
  // graphql-ws would write each error of a client to the console, as a stack trace of many lines.
  wss.on('connection', (socket) => {
    socket.removeAllListeners('error');
    socket.on('error', (error) => log.info({ code: codeOfSocket(error) }, 'a client broke its WebSocket'));
  });
  return { close: async () => disposable.dispose() };
}

/** Lets a client in that sent a good token, and closes its socket when that token is revoked. */
async function accept(
  { connectionParams, extra }: Client,
  services: Services,
  { mask, open, attempts }: Shared,
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
  const others = open.get(caller.tokenId) ?? new Set();
  if (others.size >= LIMITS.socketsPerToken) {
    extra.socket.close(CLOSE_TRY_AGAIN_LATER, `this token has ${others.size} sockets open; try again in 10 s`);
    return false;
  }
  open.set(caller.tokenId, others.add(extra.socket));
  extra.caller = caller;
  extra.session = { close: (code, reason) => extra.socket.close(code, reason) };
  extra.stop = services.bus.on([topic.token(caller.tokenId)], () => {
    void closeIfRevoked(extra.socket, connectionParams, services);
  });
  return true;
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

/** Gives errors of GraphQL itself, such as those of its grammar, the code that they have over HTTP. */
function giveCodes(errors: readonly GraphQLError[]): void {
  for (const { extensions } of errors) extensions.code ??= 'BAD_INPUT';
}

function forget({ socket, caller }: Extra, open: OpenSockets): void {
  const sockets = caller && open.get(caller.tokenId);
  sockets?.delete(socket);
  if (sockets?.size === 0) open.delete(caller?.tokenId ?? '');
}

async function release({ session, stop }: Extra, isGraceful: boolean, { sockets }: Services): Promise<void> {
  stop?.();
  if (session) await sockets.detach(session, isGraceful).catch(() => {});
}
