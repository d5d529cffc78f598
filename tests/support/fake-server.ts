import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

export type Via = 'WS' | 'HTTP';
/** Gives an operation's data, or throws `{ code }`. */
export type Answer = (operation: string, variables: Record<string, unknown>, via: Via) => unknown;
export type UpgradeMode = 'accept' | 'forbid' | 'page' | 'reset' | 'silent';

/**
 * As much of a Graphium server as it takes to be hostile to an agent: GraphQL by POST and graphql-transport-ws on one
 * port. The test decides every answer by the operation's name; nothing is executed.
 */
export type FakeServer = {
  url: string;
  upgrade: UpgradeMode;
  /** If true, messages are read but never answered, not even pings. */
  mute: boolean;
  /** If false, POSTs are answered with the 502 page of a proxy. */
  http: boolean;
  /** Operations in the order they came, such as `WS OpenSession`. */
  journal: string[];
  /** How often a WebSocket was asked for. */
  dials: number;
  pings: number;
  tokens: Set<string>;
  openSockets(): WebSocket[];
  /** Sends data on every open subscription. */
  push(data: unknown): void;
  close(): Promise<void>;
};

export async function createFakeServer(answer: Answer): Promise<FakeServer> {
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer();
  const subscriptions = new Map<WebSocket, string>();
  const raw = new Set<Duplex>();
  const fake: FakeServer = {
    url: '',
    upgrade: 'accept',
    mute: false,
    http: true,
    journal: [],
    dials: 0,
    pings: 0,
    tokens: new Set(),
    openSockets: () => [...sockets.clients],
    push: (data) => {
      for (const [socket, id] of subscriptions) socket.send(JSON.stringify({ id, type: 'next', payload: { data } }));
    },
    close: async () => {
      for (const socket of sockets.clients) socket.terminate();
      for (const socket of raw) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const execute = async (payload: Operation, via: Via) => {
    const name = /(?:query|mutation|subscription) (\w+)/.exec(payload.query)?.[1] ?? '';
    fake.journal.push(`${via} ${name}`);
    try {
      return { data: await answer(name, payload.variables, via) };
    } catch (error) {
      return { errors: [{ message: 'refused', extensions: error }] };
    }
  };
  servePosts(server, fake, execute);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    fake.dials += 1;
    raw.add(socket);
    socket.on('error', () => {});
    if (fake.upgrade === 'forbid') socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
    else if (fake.upgrade === 'page')
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello');
    else if (fake.upgrade === 'reset') socket.destroy();
    else sockets.handleUpgrade(request, socket, head, (opened) => serveSocket(opened, fake, subscriptions, execute));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return fake;
}

type Operation = { query: string; variables: Record<string, unknown> };
type Execute = (payload: Operation, via: Via) => Promise<{ data?: unknown; errors?: unknown[] }>;

function servePosts(server: Server, fake: FakeServer, execute: Execute) {
  server.on('request', async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (!fake.http) return response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>');
    fake.tokens.add(String(request.headers.authorization));
    const result = await execute(JSON.parse(Buffer.concat(chunks).toString()) as Operation, 'HTTP');
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
  });
}

function serveSocket(socket: WebSocket, fake: FakeServer, subscriptions: Map<WebSocket, string>, execute: Execute) {
  socket.on('close', () => subscriptions.delete(socket));
  socket.on('message', async (frame) => {
    if (fake.mute || fake.upgrade === 'silent') return;
    const message = JSON.parse(String(frame)) as {
      id: string;
      type: string;
      payload: Operation & { authorization: string };
    };
    if (message.type === 'ping') {
      fake.pings += 1;
      socket.send('{"type":"pong"}');
    }
    if (message.type === 'connection_init') {
      fake.tokens.add(message.payload.authorization);
      socket.send('{"type":"connection_ack"}');
    }
    if (message.type !== 'subscribe') return;
    const { id, payload } = message;
    const stays = payload.query.startsWith('subscription');
    if (stays) subscriptions.set(socket, id);
    const result = await execute(payload, 'WS');
    if (fake.mute) return;
    socket.send(JSON.stringify({ id, type: 'next', payload: result }));
    if (!stays) socket.send(JSON.stringify({ id, type: 'complete' }));
  });
}
