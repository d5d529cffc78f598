import { expect, test } from 'vitest';
import { composeFile, service } from '../support/compose-file.ts';
import { workAll } from '../support/fake-host.ts';
import { useSeed } from '../support/seed.ts';

/** An agent whose credential was stolen reports what it likes. */
const seed = useSeed();

test('it cannot use up the numbers of another stack, nor keep it from being deployed', async () => {
  const [host, rogue] = [await seed.host('honest'), await seed.host('rogue')];
  const file = (image: string) => composeFile('shop', { web: service('honest', { image }) });
  await seed.compose(file('app:1'));
  await host.work();
  for (const revision of [2_147_483_647, 1_000_000]) {
    await rogue.add({ name: 'shop-web-1', stack: 'shop', revision });
    const { id } = await seed.compose(file(`app:${revision}`));
    await workAll([host, rogue]);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
  }
  const { stack } = await seed.ask<{ stack: { revision: number } }>('{ stack(name: "shop") { revision } }');
  expect(stack.revision).toBe(3);
});

const REPORT = 'mutation($epoch: Int!, $c: [ContainerReport!]!) { reportContainers(epoch: $epoch, containers: $c) }';
const container = (more: object) => ({
  id: 'x',
  name: 'x-1',
  stack: 'x',
  service: 'x',
  replica: 1,
  revision: 1,
  specHash: 'h',
  image: 'i',
  state: 'RUNNING',
  health: 'NONE',
  ports: [],
  ...more,
});

test('what no engine would say is refused or stored as text, never INTERNAL', async () => {
  const agent = await seed.agent('liar');
  const odd: object[] = [
    { name: 'nul\u0000byte' },
    { name: '\ud800' },
    { stack: "'; drop table agents; --" },
    { image: 'x'.repeat(100_000) },
    { taskId: 'not a uuid' },
    { replica: -1, revision: -1 },
    { startedAt: '+275760-09-13T00:00:00.000Z' },
    { ports: [{ containerPort: -1, protocol: 'TCP' }] },
  ];
  for (const more of odd) {
    const { errors } = await seed.try(REPORT, { epoch: agent.epoch(), c: [container(more)] }, agent.secret);
    expect(errors?.[0]?.extensions.code ?? 'accepted', JSON.stringify(more).slice(0, 80)).not.toBe('INTERNAL');
  }
  expect(
    (await seed.ask<{ agents: unknown[] }>('{ agents { name containers { name } } }')).agents.length,
  ).toBeGreaterThan(0);
  await seed.ask(REPORT, { epoch: agent.epoch(), c: [] }, agent.secret);
});

test("it cannot report on, start or read another agent's tasks", async () => {
  const [victim, thief] = [await seed.agent('victim'), await seed.agent('thief')];
  const { id } = await seed.compose(composeFile('theirs', { web: service('victim', { image: 'app:1' }) }));
  const [task] = await victim.pending();
  if (!task) throw new Error('no task');
  expect(await thief.pending()).toEqual([]);
  expect((await thief.tryStart([task.id])).data?.startTasks ?? []).toEqual([]);
  const report = { taskId: task.id, attempt: 1, sequence: 1, status: 'COMPLETED', result: { action: 'pulled' } };
  expect((await thief.tryReport([report])).errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  for (const query of ['{ stacks { name } }', `{ deployment(id: "${id}") { status } }`, '{ tokens { name } }']) {
    expect((await seed.try(query, {}, thief.secret)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  }
  expect((await seed.deployment(id)).tasks.every(({ status }) => status === 'PENDING')).toBe(true);
});
