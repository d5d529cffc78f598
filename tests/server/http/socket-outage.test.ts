import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { useSeed } from '../../support/seed.ts';

const seed = useSeed();

test('a socket that opens while the database fails is closed with a code that clients come back after', async () => {
  await seed.sql`alter table tokens rename to tokens_away`;
  try {
    const socket = new WebSocket(`${seed.url.replace(/^http/, 'ws')}/graphql`, 'graphql-transport-ws');
    socket.on('open', () =>
      socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${seed.admin}` } })),
    );
    const [code, reason] = await new Promise<[number, string]>((resolve) => {
      socket.on('close', (...closed) => resolve([closed[0], String(closed[1])]));
    });
    expect(code).toBe(1013);
    expect(reason).toBe('Something went wrong in the server; its log has the details.');
  } finally {
    await seed.sql`alter table tokens_away rename to tokens`;
  }
  const wire = await seed.wire();
  expect(wire.isOpen()).toBe(true);
});
