import { WebSocket } from 'ws';
import type { GraphqlResult } from './server.ts';

/** The protocols of `/graphql` by hand, so that a test sees what really goes over the wire. */

export type Streamed = { type: 'next' | 'error' | 'complete'; payload?: unknown };

/** The results of one operation in their order. */
export type Operation<T> = {
  /** Waits for the next result; undefined once it has completed. Errors of any kind come as `errors`. */
  next(): Promise<GraphqlResult<T> | undefined>;
  /** Results that have arrived but were not taken yet. */
  waiting(): number;
  cancel(): void;
};

export type Wire = {
  socket: WebSocket;
  /** Resolves when the server or the client has closed it. */
  closed: Promise<{ code: number; reason: string }>;
  isOpen(): boolean;
  send(message: unknown): void;
  subscribe<T>(query: string, variables?: Record<string, unknown>): Operation<T>;
  /** The one result of a query or mutation. */
  ask<T>(query: string, variables?: Record<string, unknown>): Promise<GraphqlResult<T>>;
  close(code?: number): Promise<void>;
};

/** A graphql-transport-ws connection. @param init undefined: none is sent; else the payload of `connection_init` */
export async function openWire(url: string, init: Record<string, unknown> | undefined, search = ''): Promise<Wire> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/graphql${search}`, 'graphql-transport-ws');
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  const queues = new Map<string, ReturnType<typeof createQueue>>();
  const acknowledged = Promise.withResolvers<void>();
  socket.on('error', () => {});
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as Streamed & { id: string };
    if ((message.type as string) === 'connection_ack') acknowledged.resolve();
    queues.get(message.id)?.put(message);
  });
  void closed.then(() => {
    acknowledged.resolve();
    for (const queue of queues.values()) queue.put({ type: 'complete' });
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const send = (message: unknown) => socket.send(JSON.stringify(message));
  if (init) {
    send({ type: 'connection_init', payload: init });
    await acknowledged.promise;
  }

  let lastId = 0;
  function subscribe<T>(query: string, variables: Record<string, unknown> = {}): Operation<T> {
    const id = String(++lastId);
    const queue = createQueue();
    queues.set(id, queue);
    send({ id, type: 'subscribe', payload: { query, variables } });
    return {
      next: async () => toResult<T>(await queue.take()),
      waiting: queue.size,
      cancel: () => send({ id, type: 'complete' }),
    };
  }
  return {
    socket,
    closed,
    send,
    subscribe,
    isOpen: () => socket.readyState === WebSocket.OPEN,
    async ask<T>(query: string, variables: Record<string, unknown> = {}) {
      const result = await subscribe<T>(query, variables).next();
      if (!result) throw new Error('the operation completed without a result');
      return result;
    },
    async close(code = 1000) {
      socket.close(code);
      await closed;
    },
  };
}

/** A subscription as server-sent events over POST. */
export async function openEvents<T>(
  url: string,
  token: string,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Operation<T> & { status: number }> {
  const controller = new AbortController();
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ query, variables }),
    signal: controller.signal,
  });
  const queue = createQueue();
  void readEvents(response, queue.put)
    .catch(() => {})
    .finally(() => queue.put({ type: 'complete' }));
  return {
    status: response.status,
    next: async () => toResult<T>(await queue.take()),
    waiting: queue.size,
    cancel: () => controller.abort(),
  };
}

async function readEvents(response: Response, put: (message: Streamed) => void) {
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const fields = new Map(event.split('\n').map((line) => [line.split(': ')[0], line.slice(line.indexOf(':') + 1)]));
      const type = fields.get('event')?.trim();
      const data = fields.get('data')?.trim();
      if (type === 'next' && data) put({ type, payload: JSON.parse(data) });
      if (type === 'complete') put({ type });
    }
  }
}

function createQueue() {
  const messages: Streamed[] = [];
  let wake = () => {};
  return {
    put(message: Streamed) {
      messages.push(message);
      wake();
    },
    async take(): Promise<Streamed> {
      for (;;) {
        // Nothing comes after `complete`. It remains in the queue, so that every later take sees it.
        const first = messages[0]?.type === 'complete' ? messages[0] : messages.shift();
        if (first) return first;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    size: () => messages.filter((message) => message.type !== 'complete').length,
  };
}

function toResult<T>(message: Streamed): GraphqlResult<T> | undefined {
  if (message.type === 'complete') return undefined;
  if (message.type === 'error')
    return { data: null, errors: message.payload as NonNullable<GraphqlResult<T>['errors']> };
  return message.payload as GraphqlResult<T>;
}
