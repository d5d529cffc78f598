import { describe, expect, test } from 'vitest';
import { useSeed } from '../../support/seed.ts';
import { startTwoHosts } from '../../support/two-hosts.ts';

/** Drift repaired without anybody asking: with patience, and only where it was wanted. */
const seed = useSeed();

let count = 0;
const story = () => startTwoHosts(seed, `auto${++count}`);
const driftOf = async (name: string) =>
  (await seed.ask<{ stack: { drift: object[] } }>(`{ stack(name: "${name}") { drift { kind } } }`)).stack.drift;
const latestOf = async (name: string) =>
  (
    await seed.sql`select d.id, d.kind, d.status, d.created_by from deployments d join stacks s on s.id = d.stack_id
      where s.name = ${name} order by d.created_at desc limit 1`
  )[0];
const setAutoRepair = (name: string, enabled = true) =>
  seed.ask('mutation($n: String!, $e: Boolean!) { setAutoRepair(name: $n, enabled: $e) { autoRepair } }', {
    n: name,
    e: enabled,
  });

describe('autoRepair', () => {
  const repairsOf = async (name: string) =>
    (
      await seed.sql`select repairs, extract(epoch from repair_not_before - now())::float8 as wait from stacks
        where name = ${name}`
    )[0] as { repairs: number; wait: number | null };
  const passTime = (name: string, seconds: number) =>
    seed.sql`update stacks set repair_not_before = repair_not_before - make_interval(secs => ${seconds}) where name = ${name}`;

  test('repairs by itself, but not where nobody asked for it', async () => {
    const [asked, not] = [await story(), await story()];
    await setAutoRepair(asked.name);
    for (const { hosts, names } of [asked, not]) await hosts[0].change(names.a, null);
    await seed.sweep();
    expect(await latestOf(asked.name)).toMatchObject({ kind: 'REPAIR', created_by: 'graphium' });
    expect(await asked.hosts[0].work()).toContain(`DEPLOY ${asked.names.a}`);
    expect(await driftOf(asked.name)).toEqual([]);
    expect(await latestOf(not.name)).toMatchObject({ kind: 'DEPLOY' });
    expect(await not.hosts[0].agent.pending()).toEqual([]);
  });

  test('waits twice as long each time it comes back, up to 10 minutes: never a loop', async () => {
    const { name, hosts, names } = await story();
    await setAutoRepair(name);
    const ids = new Set<string>();
    for (const [n, waitSeconds] of [10, 20, 40, 80, 160, 320, 600, 600].entries()) {
      await hosts[0].change(names.a, { state: 'EXITED', exitCode: 1 });
      await seed.sweep();
      const { repairs, wait } = await repairsOf(name);
      expect(repairs).toBe(n + 1);
      expect(wait).toBeGreaterThan(waitSeconds - 5);
      expect(wait).toBeLessThanOrEqual(waitSeconds);
      ids.add((await latestOf(name))?.id);
      expect(ids.size).toBe(n + 1);
      await hosts[0].work();
      await hosts[0].change(names.a, { state: 'EXITED', exitCode: 1 });
      for (let again = 0; again < 3; again++) await seed.sweep();
      expect((await latestOf(name))?.id).toBe([...ids].at(-1));
      await passTime(name, waitSeconds + 1);
    }
  });

  test('begins anew after a good while without drift, and when it is switched on again', async () => {
    const { name, hosts, names } = await story();
    await setAutoRepair(name);
    await hosts[0].change(names.a, { state: 'EXITED', exitCode: 1 });
    await seed.sweep();
    await hosts[0].work();
    await passTime(name, 60);
    await seed.sweep();
    expect(await repairsOf(name)).toMatchObject({ repairs: 1 });
    await passTime(name, 700);
    await seed.sweep();
    expect(await repairsOf(name)).toEqual({ repairs: 0, wait: null });
    await hosts[0].change(names.a, { state: 'EXITED', exitCode: 1 });
    await seed.sweep();
    await setAutoRepair(name);
    expect(await repairsOf(name)).toEqual({ repairs: 0, wait: null });
  });

  test('never touches what it does not know, nor a stack that is being worked on', async () => {
    const { name, hosts, names, file } = await story();
    await setAutoRepair(name);
    await hosts[0].add({ name: `${name}-x-1`, stack: name });
    await seed.sweep();
    expect(await latestOf(name)).toMatchObject({ kind: 'DEPLOY' });
    await hosts[0].change(names.a, null);
    await seed.sweep();
    expect(await hosts[0].work()).toEqual(expect.not.arrayContaining([`DELETE ${name}-x-1`]));
    expect(hosts[0].names()).toEqual([names.a, `${name}-x-1`]);
    const { id } = await seed.compose(file('app:2'));
    await hosts[1].change(names.b, null);
    await passTime(name, 60);
    await seed.sweep();
    expect((await latestOf(name))?.id).toBe(id);
  });

  test('leaves hosts alone that are offline, and stops what runs in a stopped stack', async () => {
    const { name, hosts, names } = await story();
    await setAutoRepair(name);
    await hosts[0].change(names.a, null);
    await seed.expire(hosts[0].agent);
    await seed.sweep();
    expect(await latestOf(name)).toMatchObject({ kind: 'DEPLOY' });
    await hosts[0].agent.open();
    await seed.operate('stopStack', name);
    for (const host of hosts) await host.work();
    await hosts[1].change(names.b, { state: 'RUNNING' });
    await seed.sweep();
    expect(await latestOf(name)).toMatchObject({ kind: 'STOP', created_by: 'graphium' });
    await hosts[1].work();
    expect(await driftOf(name)).toEqual([]);
  });

  test('is kept by the next file, and said with one; a stack that is not there has none', async () => {
    const { name, file } = await story();
    const autoRepair = async () =>
      (await seed.ask<{ stack: { autoRepair: boolean } }>(`{ stack(name: "${name}") { autoRepair } }`)).stack
        .autoRepair;
    await seed.compose(file('app:1'), {}, { autoRepair: true });
    await seed.compose(file('app:2'));
    expect(await autoRepair()).toBe(true);
    await seed.compose(file('app:2'), {}, { autoRepair: false });
    expect(await autoRepair()).toBe(false);
    const { errors } = await seed.try('mutation { setAutoRepair(name: "nobody", enabled: true) { name } }');
    expect(errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  });
});
