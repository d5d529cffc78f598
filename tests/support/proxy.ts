import { createServer, connect as dial, type Socket } from 'node:net';
import { createServer as createTlsServer, connect as dialTls } from 'node:tls';

/**
 * Stands between an agent and its server and passes on bytes. It can refuse WebSocket upgrades, as a proxy does that
 * does not know them, and it can fall silent, as a link does whose other end is gone.
 */
export type TestProxy = {
  port: number;
  /** Answers upgrades with 403 and cuts the open WebSockets. */
  refuseUpgrades(): void;
  allowUpgrades(): void;
  /** Cuts each connection as soon as its answer comes, until that many answers were lost. */
  loseAnswers(count: number): void;
  /** Lets nothing through on the connections that are open now; new ones work. */
  silence(): void;
  upgraded(): number;
  close(): Promise<void>;
};

type Pair = { client: Socket; server: Socket; isUpgrade: boolean };

const REFUSAL = 'HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

/** @param tls its certificate for clients and its authority for the server; without it both sides are plain */
export async function createProxy(
  target: { host: string; port: number },
  listenOn: string,
  tls?: { cert: string; key: string; ca: string },
): Promise<TestProxy> {
  const pairs = new Set<Pair>();
  let refuses = false;
  let toLose = 0;
  const serve = (client: Socket) => {
    client.on('error', () => {});
    client.once('data', (first) => {
      const isUpgrade = /\r\nupgrade: *websocket/i.test(first.toString('latin1'));
      if (isUpgrade && refuses) return void client.end(REFUSAL);
      const server = tls ? dialTls({ ...target, ca: tls.ca }) : dial(target);
      const pair = { client, server, isUpgrade };
      pairs.add(pair);
      const end = () => {
        pairs.delete(pair);
        client.destroy();
        server.destroy();
      };
      for (const socket of [client, server]) socket.on('error', () => {}).on('close', end);
      server.write(first);
      client.pipe(server);
      if (toLose === 0) return void server.pipe(client);
      server.once('data', () => {
        toLose -= 1;
        end();
      });
    });
  };
  const listener = tls ? createTlsServer(tls, serve) : createServer(serve);
  await new Promise<void>((resolve) => listener.listen(0, listenOn, resolve));
  const address = listener.address();
  const cut = (which: (pair: Pair) => boolean) => {
    for (const { client, server } of [...pairs].filter(which)) {
      client.destroy();
      server.destroy();
    }
  };
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    refuseUpgrades() {
      refuses = true;
      cut(({ isUpgrade }) => isUpgrade);
    },
    allowUpgrades() {
      refuses = false;
    },
    loseAnswers(count) {
      toLose = count;
    },
    silence() {
      for (const { client, server } of pairs) {
        client.unpipe(server).pause();
        server.unpipe(client).pause();
      }
    },
    upgraded: () => [...pairs].filter(({ isUpgrade }) => isUpgrade).length,
    async close() {
      cut(() => true);
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
