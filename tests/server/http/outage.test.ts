import { expect, test } from 'vitest';
import { until } from '../../support/agents.ts';
import { container, stackFile, useSeed } from '../../support/seed.ts';

/** All connections to Postgres are cut, as when it restarts. */
const seed = useSeed({ sweeper: true });

const asked = <T>(read: () => Promise<T>) =>
  until(
    () => read().catch(() => undefined),
    (value) => value !== undefined,
  );
const cut = async () => {
  // The connection that carries it may be one that was cut before.
  await asked(
    () => seed.sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`,
  );
};
const listening = async () => {
  const rows = await asked(
    () => seed.sql`select 1 from pg_stat_activity
      where datname = current_database() and application_name = 'graphium listen'`,
  );
  return rows?.length ?? 0;
};

test('a subscription hears of what changes later', async () => {
  const wire = await seed.wire();
  const agents = wire.subscribe<{ agents: { name: string }[] }>('subscription { agents { name } }');
  expect((await agents.next())?.data?.agents).toEqual([]);
  for (let round = 1; round <= 3; round++) {
    await cut();
    await until(listening, (n) => n === 1, { timeoutMs: 5_000, intervalMs: 20 });
    await asked(() => seed.agent(`after-${round}`, { online: false }));
    let names: string[] = [];
    while (names.length < round) {
      const result = await agents.next();
      if (!result?.data) throw new Error(`the subscription ended: ${JSON.stringify(result)}`);
      names = result.data.agents.map((agent) => agent.name);
    }
    expect(names).toContain(`after-${round}`);
  }
  expect(wire.isOpen()).toBe(true);
});

test('an agent’s stream goes on as well: a deployment arrives', async () => {
  const agent = await asked(() => seed.agent('streaming', { online: false }));
  const wire = await agent?.connect();
  if (!agent || !wire) throw new Error('no agent');
  const stream = agent.stream(wire);
  await stream.next();
  await cut();
  await until(listening, (n) => n === 1, { timeoutMs: 5_000, intervalMs: 20 });
  await asked(() => seed.deploy(stackFile('later', [container('later', 'streaming')])));
  for (;;) {
    const result = await stream.next();
    if (!result?.data) throw new Error(`the stream ended: ${JSON.stringify(result)}`);
    if (result.data.pendingTasks.length > 0) break;
  }
});

test('the sweep survives, and fails nothing', async () => {
  await cut();
  await until(
    () =>
      seed.sweep().then(
        () => true,
        () => false,
      ),
    (done) => done,
  );
  const before = await seed.sql`select max(alive_at) as at from servers`;
  await until(
    async () => (await seed.sql`select max(alive_at) as at from servers`)[0]?.at,
    (at) => at > before[0]?.at,
    { timeoutMs: 8_000, intervalMs: 200, what: 'a sign of life from the sweeper' },
  );
  expect(await seed.sql`select id from tasks where status = 'FAILED'`).toEqual([]);
});
