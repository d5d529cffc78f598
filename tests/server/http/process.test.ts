import { connect as connectTo, createServer, type Socket } from 'node:net';
import { expect, inject, test } from 'vitest';
import { LIMITS } from '../../../server/http/limits.ts';
import { until } from '../../support/agents.ts';
import { createDatabase, dropDatabase, withAdmin } from '../../support/postgres.ts';
import { createPostgresProxy } from '../../support/postgres-proxy.ts';
import { freePort, graphql, startServer } from '../../support/server.ts';

/** The server's process: how it starts beside a Postgres that is not there yet, and how it ends. */
test.each<[string, (socket: Socket) => void]>([
  ['resets connections', (socket) => socket.resetAndDestroy()],
  // As a proxy does that has no Postgres behind it.
  ['takes them and closes them', (socket) => socket.once('data', () => socket.end())],
])('it waits for a Postgres that is not there yet, and whose place %s', { timeout: 30_000 }, async (_, refuse) => {
  const databaseUrl = await createDatabase(inject('postgresUrl'));
  const port = await freePort();
  let tries = 0;
  const closed = createServer((socket) => {
    tries++;
    socket.on('error', () => {});
    refuse(socket);
  });
  await new Promise<void>((resolve) => closed.listen(port, '127.0.0.1', resolve));
  const { pathname, username } = new URL(databaseUrl.replace('@/', '@localhost/'));
  const starting = startServer({ databaseUrl: `postgres://${username}@127.0.0.1:${port}${pathname}` });
  await until(
    async () => tries,
    (n) => n >= 3,
    { what: 'three tries' },
  );
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  // It pauses between two of them.
  expect(tries).toBeLessThan(8);
  await new Promise((resolve) => closed.close(resolve));
  const proxy = await createPostgresProxy(databaseUrl, port);
  const server = await starting;
  expect(server.output()).toContain('the database does not answer; waiting for it');
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  await server.stop();
  await proxy.close();
  await dropDatabase(databaseUrl);
});

test('while Postgres is down, each request hears so soon', { timeout: 60_000 }, async () => {
  const databaseUrl = await createDatabase(inject('postgresUrl'));
  const port = await freePort();
  const proxy = await createPostgresProxy(databaseUrl, port);
  const server = await startServer({ databaseUrl: proxy.url });
  await proxy.close();
  const wait = async () => {
    const from = performance.now();
    const { errors } = await graphql(server, server.adminToken, '{ viewer { name } }');
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAVAILABLE', retryAfterSeconds: 2 });
    return performance.now() - from;
  };
  const waits: number[] = [];
  const end = performance.now() + 5_000;
  while (performance.now() < end) waits.push(...(await Promise.all(Array.from({ length: 20 }, wait))));
  expect(Math.max(...waits)).toBeLessThan(2_000);
  const back = await createPostgresProxy(databaseUrl, port);
  const again = () => graphql<{ viewer: { name: string } }>(server, server.adminToken, '{ viewer { name } }');
  await until(again, ({ data }) => data?.viewer?.name === 'first admin', { timeoutMs: 5_000, what: 'an answer' });
  await server.stop();
  await back.close();
  await dropDatabase(databaseUrl);
});

test('SIGTERM lets it answer what it was asked, and end', { timeout: 30_000 }, async () => {
  const databaseUrl = await createDatabase(inject('postgresUrl'));
  const server = await startServer({ databaseUrl });
  const create = 'mutation($n: String!) { createToken(name: $n, role: VIEWER) { token { name } } }';
  let answers: Promise<{ data: unknown }[]> | undefined;
  let ended: Promise<void> | undefined;
  await withAdmin(databaseUrl, async (admin) => {
    // Once its use is noted, the requests below wait for nothing but their own rows.
    const used = async () => (await admin`select last_used_at from tokens where kind = 'USER'`)[0]?.last_used_at;
    await graphql(server, server.adminToken, '{ viewer { name } }');
    await until(used, (at) => at !== null, { what: 'the use of the token' });
    await admin.begin(async (sql) => {
      await sql`lock table tokens in exclusive mode`;
      answers = Promise.all(
        Array.from({ length: LIMITS.turns.atATime + 2 }, (_, index) =>
          graphql(server, server.adminToken, create, { n: `t${index}` }),
        ),
      );
      const waiting = async () =>
        (await sql`select count(*)::int as n from pg_locks where not granted and relation = 'tokens'::regclass`)[0]?.n;
      await until(waiting, (n) => n === LIMITS.turns.atATime, { what: 'mutations under way, and two that wait' });
      ended = server.stop();
      await until(
        async () => server.output(),
        (text) => text.includes('stopping'),
      );
    });
  });
  for (const { data } of (await answers) ?? []) expect(data).toMatchObject({ createToken: {} });
  await ended;
  await dropDatabase(databaseUrl);
});

test('who takes for ever over a request is cut off', { timeout: 30_000 }, async () => {
  const databaseUrl = await createDatabase(inject('postgresUrl'));
  const server = await startServer({ databaseUrl });
  const { hostname, port } = new URL(server.url);
  const socket = connectTo(Number(port), hostname);
  const from = performance.now();
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk));
  socket.write('POST /graphql HTTP/1.1\r\nhost: graphium\r\n');
  await new Promise((resolve) => socket.once('close', resolve));
  expect(answer).toContain('408 Request Timeout');
  expect(performance.now() - from).toBeLessThan(20_000);
  await server.stop();
  await dropDatabase(databaseUrl);
});
