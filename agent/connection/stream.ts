/**
 * Speaks with the server over one WebSocket (graphql-transport-ws).
 *
 * Invariants: a stream ends once, with one reason, and everything under way on it ends with that reason. It never dials
 * again, although graphql-ws would on close code 1000. It notices a link that went silent, because no layer below does.
 */
import { type Client, createClient } from 'graphql-ws/client';
import { WebSocket } from 'ws';
import { ApiError, fromClose, fromGraphQLErrors, fromSocketError, toApiError, type Wire } from './wire.ts';

/** The server refuses frames over 256 KiB, so anything bigger goes by HTTP, which takes 1 MiB. */
const MAX_SENT_BYTES = 200 * 1024;
/** A set of pending tasks is large, because it carries their specs. */
const MAX_RECEIVED_BYTES = 16 * 1024 * 1024;
/** A closing handshake over a dead link would take 30 s. */
const GOODBYE_MS = 1_000;

const TIMINGS = {
  /** Limits the time from dialing to the acknowledgement. */
  connectMs: 5_000,
  pingEveryMs: 5_000,
  pongWithinMs: 5_000,
  silenceMs: 25_000,
  operationMs: 15_000,
};

export type StreamTimings = typeof TIMINGS;

export type StreamOptions = {
  /** Begins with `ws://` or `wss://`. */
  url: string;
  token: string;
  /** Carries what is too big for a frame. */
  http: Wire;
  timings?: Partial<StreamTimings>;
};

/** Resolves when the server has acknowledged; rejects with ApiError. */
export async function openStream(options: StreamOptions): Promise<Wire> {
  const stream = new Stream(options);
  await stream.opened;
  return stream;
}

class Stream implements Wire {
  readonly transport = 'STREAM';
  readonly #opened = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<ApiError>();
  readonly opened = this.#opened.promise;
  readonly closed = this.#closed.promise;
  readonly #timings: StreamTimings;
  readonly #http: Wire;
  readonly #client: Client;
  readonly #connecting: NodeJS.Timeout;
  readonly #watchdog: Watchdog;
  /** Each ends one request that is under way. */
  readonly #failures = new Set<(error: ApiError) => void>();
  #socket: WebSocket | undefined;
  #acknowledged = false;
  #over: ApiError | undefined;

  constructor({ url, token, http, timings }: StreamOptions) {
    this.#timings = { ...TIMINGS, ...timings };
    this.#http = http;
    this.#watchdog = createWatchdog(this.#timings, (why) =>
      this.#end(new ApiError(this.#acknowledged ? 'NETWORK' : 'STREAM_REFUSED', why)),
    );
    const { connectMs } = this.#timings;
    const late = new ApiError('STREAM_REFUSED', `no stream within ${connectMs / 1000} s`);
    this.#connecting = setTimeout(() => this.#end(late), connectMs);
    this.#client = this.#createClient(url, token);
  }

  request(query: string, variables: unknown): Promise<unknown> {
    if (this.#over) return Promise.reject(this.#over);
    const payload = { query, variables: variables as Record<string, unknown> };
    if (Buffer.byteLength(JSON.stringify(payload)) > MAX_SENT_BYTES) return this.#http.request(query, variables);
    const { operationMs } = this.#timings;
    return new Promise((resolve, reject) => {
      const late = new ApiError('TIMEOUT', `no answer within ${operationMs / 1000} s`);
      const timer = setTimeout(() => this.#end(late), operationMs);
      const done = () => {
        clearTimeout(timer);
        this.#failures.delete(fail);
      };
      const fail = (error: ApiError) => {
        done();
        reject(error);
      };
      this.#failures.add(fail);
      this.#client.subscribe(payload, {
        next: ({ data, errors }) => {
          done();
          if (errors) reject(fromGraphQLErrors(errors));
          else resolve(data);
        },
        error: (error) => fail(toApiError(error)),
        complete: () => fail(new ApiError('CLOSED', 'the server ended the operation without an answer')),
      });
    });
  }

  subscribe(query: string, variables: unknown, next: (data: unknown) => void): void {
    if (this.#over) return;
    this.#client.subscribe(
      { query, variables: variables as Record<string, unknown> },
      {
        next: ({ data, errors }) => (errors ? this.#end(fromGraphQLErrors(errors)) : next(data)),
        error: (error) => this.#end(toApiError(error)),
        complete: () => this.#end(new ApiError('CLOSED', 'the server ended the subscription')),
      },
    );
  }

  close(): void {
    this.#end(new ApiError('CLOSED', 'the connection was closed by this agent'));
  }

  async leave(): Promise<void> {
    const socket = this.#socket;
    const goodbye = Promise.withResolvers<void>();
    if (socket?.readyState === WebSocket.OPEN) {
      socket.once('close', () => goodbye.resolve());
      socket.close(1000, 'stopping');
      setTimeout(() => socket.terminate(), GOODBYE_MS).unref();
      this.#socket = undefined;
    } else goodbye.resolve();
    this.close();
    await goodbye.promise;
  }

  #createClient(url: string, token: string): Client {
    const { heard, pinged, ponged } = this.#watchdog;
    return createClient({
      url,
      lazy: false,
      retryAttempts: 0,
      keepAlive: this.#timings.pingEveryMs,
      connectionParams: { authorization: `Bearer ${token}` },
      onNonLazyError: () => {},
      webSocketImpl: createSocketClass((socket) => {
        this.#socket = socket;
        socket.on('ping', heard);
      }),
      on: {
        connected: () => {
          this.#acknowledged = true;
          clearTimeout(this.#connecting);
          this.#opened.resolve();
        },
        message: heard,
        ping: (received) => received || pinged(),
        pong: (received) => received && ponged(),
        error: (error) => this.#end(fromSocketError(error, this.#acknowledged)),
        closed: (event) => {
          const { code, reason } = event as { code: number; reason: string };
          this.#end(fromClose(code, reason, this.#acknowledged));
        },
      },
    });
  }

  #end(error: ApiError) {
    if (this.#over) return;
    this.#over = error;
    clearTimeout(this.#connecting);
    this.#watchdog.stop();
    // Only a disposed client stops dialing. Its promise rejects when there was no connection.
    Promise.resolve(this.#client.dispose()).catch(() => {});
    this.#socket?.terminate();
    for (const fail of this.#failures) fail(error);
    this.#opened.reject(error);
    this.#closed.resolve(error);
  }
}

/** graphql-ws takes only a class, so a subclass passes the options and hands out the socket. */
function createSocketClass(created: (socket: WebSocket) => void) {
  return class AgentSocket extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols, {
        perMessageDeflate: false,
        maxPayload: MAX_RECEIVED_BYTES,
        rejectUnauthorized: true,
      });
      created(this);
    }
  };
}

type Watchdog = ReturnType<typeof createWatchdog>;

function createWatchdog({ pongWithinMs, silenceMs }: StreamTimings, dead: (why: string) => void) {
  let unanswered: NodeJS.Timeout | undefined;
  let stopped = false;
  const silence = setTimeout(() => dead(`nothing heard for ${silenceMs / 1000} s`), silenceMs);
  return {
    heard: () => {
      // refresh() would restart a cleared timer.
      if (!stopped) silence.refresh();
    },
    pinged: () => {
      clearTimeout(unanswered);
      unanswered = setTimeout(() => dead(`a ping was not answered within ${pongWithinMs / 1000} s`), pongWithinMs);
    },
    ponged: () => clearTimeout(unanswered),
    stop: () => {
      stopped = true;
      clearTimeout(unanswered);
      clearTimeout(silence);
    },
  };
}
