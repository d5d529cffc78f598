import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import { expect, inject, test } from 'vitest';
import { socketOptions, toOptionsUrl } from '../../../server/db/connect.ts';
import { createFakeAgent } from '../../support/fake-agent.ts';
import { createDatabase, dropDatabase } from '../../support/postgres.ts';
import { ask, startServer } from '../../support/server.ts';

test('a host that falls silent behind an open socket is offline half a minute after its last word', {
  timeout: 60_000,
}, async () => {
  const databaseUrl = await createDatabase(inject('postgresUrl'));
  const server = await startServer({ databaseUrl });
  const sql = postgres(toOptionsUrl(databaseUrl), { ...socketOptions(databaseUrl), max: 1 });
  const join = await ask<{ createJoinToken: { secret: string } }>(
    server,
    server.adminToken,
    'mutation { createJoinToken(name: "silent") { secret } }',
  );
  const { enrollAgent } = await ask<{ enrollAgent: { agentId: string; secret: string } }>(
    server,
    join.createJoinToken.secret,
    'mutation { enrollAgent(name: "silent") { agentId secret } }',
  );
  const agent = createFakeAgent(server, { id: enrollAgent.agentId, name: 'silent', secret: enrollAgent.secret });
  const wire = await agent.connect();
  const leftSeconds = async () => {
    const [row] = await sql`select extract(epoch from session_expires_at - now())::float as left from agents`;
    return row?.left as number;
  };
  await delay(5_000);
  await wire.ask('{ __typename }');
  await delay(8_000);
  expect(await leftSeconds()).toBeGreaterThan(20);
  wire.socket.pause();
  const silentSince = performance.now();
  await delay(14_000);
  const silentSeconds = (performance.now() - silentSince) / 1_000;
  expect(await leftSeconds()).toBeLessThan(30 - silentSeconds + 1);
  // One that reads nothing would not notice for half a minute that it is closed.
  wire.socket.resume();
  await sql.end();
  await agent.close();
  await server.stop();
  await dropDatabase(databaseUrl);
});
