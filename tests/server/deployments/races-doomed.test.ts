import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { container, stackFile, useSeed } from '../../support/seed.ts';

const seed = useSeed();
const range = (n: number) => Array.from({ length: n }, (_, index) => index);

/** Postgres counts deadlocks when a session says so, or after a while. */
async function deadlocks(): Promise<number> {
  await seed.sql`select pg_stat_force_next_flush()`;
  const [row] = await seed.sql`select deadlocks::int as n from pg_stat_database where datname = current_database()`;
  return row?.n ?? 0;
}

test('a failure that dooms a wide deployment while another host reports its tasks: no deadlock', async () => {
  const a = await seed.agent('doomed-a');
  const b = await seed.agent('doomed-b');
  const before = await deadlocks();
  const file = (round: number) =>
    stackFile('doomed', [
      container('doomed-bad', a.name, { environment: { N: `${round}` } }),
      ...range(40).map((n) => container(`doomed-${n}`, b.name, { environment: { N: `${round}` } })),
    ]);
  const settle = async () => {
    for (const agent of [a, b, a]) await agent.work();
    await seed.sweep();
  };
  await seed.deploy(file(0));
  await settle();
  for (const round of range(12)) {
    const { id } = await seed.deploy(file(round + 1));
    for (const agent of [a, b])
      for (const pull of await agent.start((await agent.pending()).map((task) => task.id))) await agent.finish(pull);
    const [bad] = await a.start((await a.pending()).map((task) => task.id));
    const running = await b.start((await b.pending()).map((task) => task.id));
    expect(running).toHaveLength(40);
    let isOver = false;
    const reporting = (async () => {
      for (let sequence = 1; !isOver; sequence++) {
        const phase = sequence % 2 ? 'STARTING' : 'CREATING';
        await b.tryReport(
          running.map((task) => ({ taskId: task.id, attempt: task.attempt, sequence, status: 'RUNNING', phase })),
        );
      }
    })();
    await delay(10);
    await a.finish(bad ?? { id: '', attempt: 0 }, 'FAILED');
    isOver = true;
    await reporting;
    for (const task of running) await b.finish(task, 'CANCELLED');
    await settle();
    await settle();
    expect((await seed.deployment(id)).status, `round ${round}`).toBe('ROLLED_BACK');
  }
  expect(await deadlocks()).toBe(before);
});
