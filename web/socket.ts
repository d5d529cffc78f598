import { createClient, type Client as GraphQLWs, type SubscribePayload } from 'graphql-ws';
import type { ExecutionResult } from 'urql';
import { type BackOff, backOffMs, wait } from './backoff.ts';
import { createStore, type Store } from './store.ts';

/**
 * The page's only WebSocket.
 * - It stays open while the user is signed in, so `state` is right on every screen.
 * - A subscription outlives its connection: it is sent again on the next one, and the server answers with the full
 *   state. Its `error` is always an answer of the server, never a lost connection.
 * - graphql-ws gives up for good after some close codes (1011, 4400, 4429, 4500 …). Then a new client takes over.
 */
export type Socket = {
  state: Store<SocketState>;
  subscribe(payload: SubscribePayload, sink: Sink): () => void;
  close(): void;
};
export type SocketState = 'connecting' | 'open' | 'lost';
export type Sink = { next(value: ExecutionResult): void; error(error: unknown): void; complete(): void };

const PING_EVERY_MS = 10_000;
const PONG_WITHIN_MS = 5_000;
const RETRY: BackOff = { firstMs: 300, mostMs: 4_000 };
/** A server that shuts down may complete its subscriptions just before it closes the socket. */
const COMPLETE_SETTLES_MS = 400;

export function createSocket(url: string, token: string, onRefused: () => void): Socket {
  const state = createStore<SocketState>('connecting');
  const waiting = new Set<() => void>();
  let failures = 0;
  let closed = false;
  let rebuild: ReturnType<typeof setTimeout> | undefined;
  let client = open();

  function open(): GraphQLWs {
    return openClient(url, token, {
      onConnected() {
        failures = 0;
        state.set('open');
      },
      onLost() {
        if (!closed) state.set('lost');
      },
      onAbandoned: abandon,
    });
  }

  function abandon(event: unknown): void {
    if (closed) return;
    if (isRefusal(event)) {
      onRefused();
      return;
    }
    state.set('lost');
    rebuild = setTimeout(
      () => {
        client = open();
        for (const resume of [...waiting]) resume();
      },
      backOffMs(failures++, RETRY),
    );
  }

  return {
    state,
    subscribe: (payload, sink) => subscribeForGood({ client: () => client, state, waiting }, payload, sink),
    close() {
      closed = true;
      clearTimeout(rebuild);
      waiting.clear();
      // It rejects when the server is down, and then there is nothing to close.
      Promise.resolve(client.dispose()).catch(() => undefined);
    },
  };
}

type Watchers = {
  onConnected(): void;
  onLost(): void;
  /** Called once, when the client has given up. */
  onAbandoned(event: unknown): void;
};

/** Makes a client that notices a half-open connection and reconnects by itself for as long as it can. */
function openClient(url: string, token: string, watchers: Watchers): GraphQLWs {
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  const lose = () => {
    clearTimeout(watchdog);
    watchers.onLost();
  };
  const client: GraphQLWs = createClient({
    url,
    lazy: false,
    connectionParams: { authorization: `Bearer ${token}` },
    connectionAckWaitTimeout: 10_000,
    keepAlive: PING_EVERY_MS,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: (event) => !isRefusal(event),
    retryWait: (retries) => wait(backOffMs(retries, RETRY)),
    onNonLazyError: watchers.onAbandoned,
    on: {
      connected: watchers.onConnected,
      ping(received) {
        if (received) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => client.terminate(), PONG_WITHIN_MS);
      },
      pong(received) {
        if (received) clearTimeout(watchdog);
      },
      closed: lose,
      error: lose,
    },
  });
  return client;
}

type Connections = { client(): GraphQLWs; state: Store<SocketState>; waiting: Set<() => void> };

/** Ends only when the server says so. Those in `waiting` resume when a new client has replaced one that gave up. */
function subscribeForGood({ client, state, waiting }: Connections, payload: SubscribePayload, sink: Sink): () => void {
  let stop = () => {};
  let ended = false;
  const resume = () => {
    waiting.delete(resume);
    if (!ended) start();
  };
  const start = () => {
    stop = client().subscribe<Record<string, unknown>>(payload, {
      next: (value) => sink.next(value as ExecutionResult),
      error(error) {
        if (ended) return;
        if (isLostConnection(error)) waiting.add(resume);
        else sink.error(error);
      },
      complete() {
        setTimeout(() => {
          if (ended) return;
          if (state.get() === 'open') sink.complete();
          else start();
        }, COMPLETE_SETTLES_MS);
      },
    });
  };
  start();
  return () => {
    ended = true;
    waiting.delete(resume);
    stop();
  };
}

function isCloseEvent(value: unknown): value is { code: number; reason: string } {
  return typeof value === 'object' && value !== null && 'code' in value && 'reason' in value;
}

function isLostConnection(value: unknown): boolean {
  return isCloseEvent(value) || value instanceof Event;
}

/** 4401: the token is unknown. 4403: it was revoked or has expired. Trying again would not help. */
function isRefusal(value: unknown): value is { code: number; reason: string } {
  return isCloseEvent(value) && (value.code === 4401 || value.code === 4403);
}
