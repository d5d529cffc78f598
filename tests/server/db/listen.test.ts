import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createBus } from '../../../server/base/live.ts';
import { listen } from '../../../server/db/listen.ts';
import { notify } from '../../../server/db/notify.ts';
import { until } from '../../support/agents.ts';
import { createPostgresProxy } from '../../support/postgres-proxy.ts';
import { useSeed } from '../../support/seed.ts';

const seed = useSeed();

test('a connection that falls silent is noticed and made anew, and what was missed is looked up', async () => {
  const proxy = await createPostgresProxy(seed.databaseUrl);
  const bus = createBus();
  const warned: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => warned.push(JSON.parse(line).msg) });
  const listener = await listen(proxy.url, bus, log, { heartbeatMs: 100 });
  let heard = 0;
  bus.on(['tasks'], () => heard++);
  try {
    await notify(seed.db, ['tasks']);
    await until(
      async () => heard,
      (n) => n === 1,
    );
    proxy.silence();
    await notify(seed.db, ['tasks']);
    await until(
      async () => heard,
      (n) => n === 2,
    );
    expect(warned).toContain('the connection that listens has fallen silent; opening another');
    await notify(seed.db, ['tasks']);
    await until(
      async () => heard,
      (n) => n === 3,
    );
  } finally {
    await listener.close();
    await proxy.close();
  }
});

test('its own heartbeats, and those of other servers, reach nobody', async () => {
  const proxy = await createPostgresProxy(seed.databaseUrl);
  const [one, other] = [createBus(), createBus()];
  const poked: string[] = [];
  const log = pino({ level: 'silent' });
  const spy = { poke: (topic: string) => poked.push(topic), pokeAll: () => poked.push('all') };
  const listeners = [
    await listen(proxy.url, spy, log, { heartbeatMs: 200 }),
    await listen(proxy.url, other, log, { heartbeatMs: 200 }),
  ];
  const [before] =
    await seed.sql`select count(*)::int as n from pg_stat_activity where application_name = 'graphium listen' and datname = current_database()`;
  for (let round = 0; round < 20; round++) await seed.sql`select pg_sleep(0.05)`;
  const [after] =
    await seed.sql`select count(*)::int as n from pg_stat_activity where application_name = 'graphium listen' and datname = current_database()`;
  expect(after).toEqual(before);
  expect(poked).toEqual([]);
  for (const listener of listeners) await listener.close();
  one.close();
  await proxy.close();
});
