import { Client, fetchExchange, mapExchange, subscriptionExchange } from 'urql';
import { noteServerDate } from './clock.ts';
import { isUnauthenticated } from './errors.ts';
import { signOut } from './session.ts';
import { createSocket, type Socket } from './socket.ts';

export type Connection = { client: Client; socket: Socket; close(): void };

const EXPIRED = 'Your token is no longer valid: it was revoked or has expired. Sign in with another one.';

/** Sends queries and mutations over HTTP and subscriptions over one WebSocket. It needs no cache: screens subscribe. */
export function createConnection(token: string): Connection {
  const url = new URL('/graphql', window.location.href);
  const socketUrl = new URL(url);
  socketUrl.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = createSocket(socketUrl.href, token, () => signOut(EXPIRED));
  const client = new Client({
    url: url.href,
    preferGetMethod: false,
    fetch: fetchNotingDate,
    fetchOptions: { headers: { authorization: `Bearer ${token}` } },
    exchanges: [
      mapExchange({
        onError(error) {
          if (isUnauthenticated(error)) signOut(EXPIRED);
        },
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables, operationName }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query: query ?? '', variables: variables ?? null, operationName }, sink),
          }),
        }),
      }),
    ],
  });
  return { client, socket, close: socket.close };
}

/** Makes a client to try a token that is not signed in yet. The caller handles its errors. */
export function createProbe(token: string): Client {
  return new Client({
    url: new URL('/graphql', window.location.href).href,
    preferGetMethod: false,
    fetch: fetchNotingDate,
    fetchOptions: { headers: { authorization: `Bearer ${token}` } },
    exchanges: [fetchExchange],
  });
}

const fetchNotingDate: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  noteServerDate(response.headers.get('date'));
  return response;
};
