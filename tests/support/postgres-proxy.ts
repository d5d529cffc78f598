import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { socketOptions } from '../../server/db/connect.ts';

/** A way to a Postgres that can be cut, or fall silent as a router does that has forgotten the connection. */
export type PostgresProxy = {
  url: string;
  /** What goes through the connections that are open now is lost from now on, and neither side hears of it. */
  silence(): void;
  connections(): number;
  close(): Promise<void>;
};

/** @param port 0: any that is free */
export async function createPostgresProxy(databaseUrl: string, port = 0): Promise<PostgresProxy> {
  const { host = '' } = socketOptions(databaseUrl);
  const sockets = new Set<Socket>();
  const silent = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(`${host}/.s.PGSQL.5432`);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => silent.has(client) || to.write(chunk));
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
    client.once('close', () => silent.delete(client));
    upstream.once('close', () => silent.delete(client));
    clients.add(client);
    client.once('close', () => clients.delete(client));
  });
  const clients = new Set<Socket>();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const name = new URL(databaseUrl.replace('@/', '@localhost/')).pathname;
  const user = new URL(databaseUrl.replace('@/', '@localhost/')).username;
  return {
    url: `postgres://${user}@127.0.0.1:${(server.address() as AddressInfo).port}${name}`,
    silence() {
      for (const client of clients) silent.add(client);
    },
    connections: () => clients.size,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
