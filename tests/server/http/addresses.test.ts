import { expect, test } from 'vitest';
import { LIMITS } from '../../../server/http/limits.ts';
import { until } from '../../support/agents.ts';
import { withAdmin } from '../../support/postgres.ts';
import { useSeed } from '../../support/seed.ts';
import { openWire } from '../../support/wire.ts';

/** What one address may have under way, whatever its tokens. */
const seed = useSeed();

test('operations of several tokens wait for one another, those of an agent do not, and all are answered', async () => {
  const agent = await seed.agent('vm1');
  const tokens = await Promise.all(Array.from({ length: 3 }, () => seed.token('VIEWER')));
  const ask = (secret: string) => seed.try('{ stacks { name } }', {}, secret);
  // Once its use is noted, a request waits for nothing but the table.
  await Promise.all(tokens.map(({ secret }) => ask(secret)));
  let answers: Promise<unknown[]> | undefined;
  await withAdmin(seed.databaseUrl, (admin) =>
    admin.begin(async (sql) => {
      await sql`lock table stacks in access exclusive mode`;
      const all = tokens.flatMap(({ secret }) => Array.from({ length: LIMITS.turns.atATime }, () => ask(secret)));
      answers = Promise.all(all);
      const held = async () =>
        (await sql`select count(*)::int as n from pg_locks where not granted and relation = 'stacks'::regclass`)[0]?.n;
      await until(held, (n) => n === LIMITS.turnsOfAddress.atATime, { what: 'as many as an address may have' });
      await agent.observe([]);
      expect(await held()).toBe(LIMITS.turnsOfAddress.atATime);
    }),
  );
  const all = (await answers) ?? [];
  expect(all).toHaveLength(3 * LIMITS.turns.atATime);
  // On a busy machine the table may be held for longer than a statement waits for it, and then its request says so.
  const late = { errors: [expect.objectContaining({ extensions: expect.objectContaining({ code: 'UNAVAILABLE' }) })] };
  for (const answer of all) expect([{ data: { stacks: [] } }, expect.objectContaining(late)]).toContainEqual(answer);
});

test('one socket too many hears when to come back; agents that were let in do not count', {
  timeout: 30_000,
}, async () => {
  const agent = await seed.agent('vm2');
  const known = await Promise.all(Array.from({ length: 3 }, () => seed.wire(agent.secret)));
  const people = await seed.wire();
  const strangers = await Promise.all(
    Array.from({ length: LIMITS.socketsPerAddress - 1 }, () => openWire(seed.url, undefined)),
  );
  const reason = `this address has ${LIMITS.socketsPerAddress} sockets open; try again in 10 s`;
  const late = await openWire(seed.url, undefined);
  expect(await late.closed).toEqual({ code: 1013, reason });
  for (const wire of [people, ...known]) expect(wire.isOpen()).toBe(true);
  for (const stranger of strangers) stranger.socket.terminate();
  const next = await until(
    () => seed.wire(),
    (wire) => wire.isOpen(),
  );
  expect((await next.ask('{ viewer { name } }')).data).toEqual({ viewer: { name: 'admin' } });
});
