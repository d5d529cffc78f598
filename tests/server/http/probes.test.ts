import { expect, test } from 'vitest';
import { connect } from '../../../server/db/connect.ts';
import { createProbes } from '../../../server/http/probes.ts';
import { useSeed } from '../../support/seed.ts';

const seed = useSeed();

async function probe(path: string): Promise<[number, string, string | null]> {
  const response = await fetch(seed.url + path);
  return [response.status, await response.text(), response.headers.get('cache-control')];
}

test('a server that can work is alive and ready, and no token is asked for', async () => {
  expect(await probe('/healthz')).toEqual([200, 'alive\n', 'no-store']);
  expect(await probe('/readyz')).toEqual([200, 'ready\n', 'no-store']);
  expect((await probe('/readyz?verbose'))[0]).toBe(200);
});

test('a database from before the last migration is not ready, and ready once it is migrated', async () => {
  const [last] = await seed.sql`delete from drizzle.__drizzle_migrations
    where id = (select max(id) from drizzle.__drizzle_migrations) returning hash, created_at`;
  const [status, text] = await probe('/readyz');
  expect(status).toBe(503);
  expect(text).toContain('migrations');
  expect((await probe('/healthz'))[0]).toBe(200);
  await seed.sql`insert into drizzle.__drizzle_migrations (hash, created_at) values (${last?.hash}, ${last?.created_at})`;
  expect((await probe('/readyz'))[0]).toBe(200);
});

test('a database that hangs is not ready, however many ask, and none of them waits for long', async () => {
  await seed.sql.begin(async (sql) => {
    await sql`lock table drizzle.__drizzle_migrations`;
    const asked = performance.now();
    const answers = await Promise.all(Array.from({ length: 20 }, () => probe('/readyz')));
    expect(performance.now() - asked).toBeLessThan(6_000);
    for (const answer of answers) expect(answer).toEqual([503, 'the database did not answer within 2 s\n', 'no-store']);
    const [waiting] = await seed.sql`select count(*)::int as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    expect(waiting?.n).toBe(1);
    expect((await probe('/healthz'))[0]).toBe(200);
  });
  expect((await probe('/readyz'))[0]).toBe(200);
});

test('a database that is gone is not ready, while the process is alive', async () => {
  const { db, close } = connect(seed.databaseUrl.replace(/\/\w+\?/, '/there_is_none?'), { max: 1 });
  const answers: [number, string][] = [];
  const probes = createProbes(db);
  for (const path of ['/readyz', '/healthz']) {
    const ended = Promise.withResolvers<void>();
    const response = {
      writeHead: (status: number) => ({
        end: (text: string) => {
          answers.push([status, text]);
          ended.resolve();
        },
      }),
    };
    expect(probes.answer(path, response as never)).toBe(true);
    await ended.promise;
  }
  expect(answers).toEqual([
    [503, 'the database cannot be reached\n'],
    [200, 'alive\n'],
  ]);
  await close();
});
