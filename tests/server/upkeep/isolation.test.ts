import { describe, expect, test } from 'vitest';
import { connect, transact } from '../../../server/db/connect.ts';
import { recheckTokens } from '../../../server/tokens/recheck.ts';
import { endDeadTransactions } from '../../../server/upkeep/leases.ts';
import { sweepOnce } from '../../../server/upkeep/sweep.ts';
import { until } from '../../support/agents.ts';
import { composeFile, service } from '../../support/compose-file.ts';
import { useSeed } from '../../support/seed.ts';
import { openEvents } from '../../support/wire.ts';

/** No step of the upkeep can hold up another, nor can one stack, row or connection. */
const seed = useSeed();

const LOG = { info() {}, warn() {}, error() {}, debug() {} } as never;
const SERVER = '00000000-0000-4000-8000-000000000001';

async function repaired(name: string) {
  const host = await seed.host(name);
  await seed.compose(composeFile(name, { web: service(name, { image: 'app:1' }) }));
  await host.work();
  await seed.ask('mutation($n: String!) { setAutoRepair(name: $n, enabled: true) { name } }', { n: name });
  return host;
}
const repairsOf = async (name: string) =>
  (
    await seed.sql`select count(*)::int as n from deployments d join stacks s on s.id = d.stack_id
      where s.name = ${name} and d.kind = 'REPAIR'`
  )[0]?.n;

describe('auto-repair', () => {
  test('of one stack that cannot be read stops that of no other', async () => {
    const [bad, good] = [await repaired('poison-a'), await repaired('poison-b')];
    for (const host of [bad, good]) await host.change(host.names()[0] ?? '', null);
    await seed.sql`update stacks set revision = 99, good_revision = 99 where name = 'poison-a'`;
    await sweepOnce(seed.db, SERVER, LOG);
    expect(await repairsOf('poison-b')).toBe(1);
    await seed.sql`update stacks set deleted_at = now() where name = 'poison-a'`;
  });

  test('reads a stack again only when something has changed', async () => {
    const host = await repaired('quiet');
    const looks = new Map<string, string>();
    await sweepOnce(seed.db, SERVER, LOG, looks);
    const [{ id } = {}] = await seed.sql`select id from stacks where name = 'quiet'`;
    const seen = looks.get(id as string);
    expect(seen).toBeDefined();
    await host.observe();
    await sweepOnce(seed.db, SERVER, LOG, looks);
    expect(looks.get(id as string)).toBe(seen);
    expect(await repairsOf('quiet')).toBe(0);
    await host.change('quiet-web-1', null);
    await sweepOnce(seed.db, SERVER, LOG, looks);
    expect(await repairsOf('quiet')).toBe(1);
  });

  test('is the work of one server at a time', async () => {
    const host = await repaired('led');
    await host.change('led-web-1', null);
    await seed.sql`delete from servers`;
    await seed.sql`insert into servers (id) values (${SERVER})`;
    await sweepOnce(seed.db, 'ffffffff-0000-4000-8000-000000000002', LOG);
    expect(await repairsOf('led')).toBe(0);
    await seed.sql`update servers set alive_at = now() - interval '20 seconds' where id = ${SERVER}`;
    await sweepOnce(seed.db, 'ffffffff-0000-4000-8000-000000000002', LOG);
    expect(await repairsOf('led')).toBe(1);
    await seed.sql`delete from servers`;
  });
});

test('leases are renewed but for the agent whose row is held, and nobody is taken for replaced', async () => {
  const [held, free] = [await seed.agent('row-held'), await seed.agent('row-free')];
  const wires = [await held.connect(), await free.connect()];
  const lapse = () =>
    seed.sql`update agents set session_expires_at = now() + interval '1 second' where name like 'row-%'`;
  const left = async (name: string) =>
    (
      await seed.sql`select extract(epoch from session_expires_at - now())::int as s from agents where name = ${name}`
    )[0]?.s;
  await lapse();
  await seed.sql.begin(async (sql) => {
    await sql`select 1 from agents where name = 'row-held' for update`;
    await seed.sockets.renew();
    expect(await left('row-free')).toBeGreaterThan(20);
    expect(await left('row-held')).toBeLessThan(2);
  });
  expect(wires.map((wire) => wire.isOpen())).toEqual([true, true]);
  await seed.sockets.renew();
  expect(await left('row-held')).toBeGreaterThan(20);
});

test('a transaction of a server that stopped dead is ended, and those that move are not', async () => {
  const dead = connect(seed.databaseUrl, { max: 1 });
  const held = Promise.withResolvers<void>();
  const ended = transact(dead.db, async (tx) => {
    await tx.execute('select pg_advisory_xact_lock(7277344)');
    held.resolve();
    await new Promise(() => {});
  }).catch((error: unknown) => error);
  await held.promise;
  await endDeadTransactions(seed.db, LOG);
  const isHeld = async () =>
    (
      await seed.sql`select count(*)::int as n from pg_locks where locktype = 'advisory' and objid = 7277344
      and database = (select oid from pg_database where datname = current_database())`
    )[0]?.n;
  expect(await isHeld()).toBe(1);
  await endDeadTransactions(seed.db, LOG, 0);
  await until(isHeld, (n) => n === 0);
  await Promise.race([ended, dead.close()]);
});

test('a token that has expired ends what is open with it, without anybody saying so', async () => {
  const { id, secret } = await seed.token('VIEWER');
  const wire = await seed.wire(secret);
  const stream = await openEvents<object>(seed.url, secret, 'subscription { agents { name } }');
  await stream.next();
  await recheckTokens(seed.services);
  expect(wire.isOpen()).toBe(true);
  await seed.sql`update tokens set expires_at = now() - interval '1 second' where id = ${id}`;
  await recheckTokens(seed.services);
  expect((await wire.closed).code).toBe(4403);
  expect((await stream.next())?.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
});
