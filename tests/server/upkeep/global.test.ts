import { beforeEach, expect, test } from 'vitest';
import { composeFile } from '../../support/compose-file.ts';
import type { FakeHost } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';

/** A global service has one container on every agent that fits, and follows them by itself. */
const seed = useSeed();
let name = '';
let count = 0;
beforeEach(() => {
  name = `all${++count}`;
});

/** An agent with the label that the service of this test asks for, or without. */
async function labelled(agent: string, isWanted = true): Promise<FakeHost> {
  const host = await seed.host(agent, { online: false });
  await relabel(host, isWanted);
  return host;
}
async function relabel({ agent }: FakeHost, isWanted: boolean): Promise<void> {
  await seed.ask('mutation($n: String!, $l: [LabelInput!]!) { setAgentLabels(name: $n, labels: $l) { name } }', {
    n: agent.name,
    l: isWanted ? [{ key: name, value: 'yes' }] : [],
  });
}
const file = (more: object = {}) =>
  composeFile(name, {
    web: {
      image: 'app:1',
      deploy: { mode: 'global', placement: { constraints: [`node.labels.${name}==yes`] } },
      ...more,
    },
  });
const latest = async () =>
  (
    await seed.sql`select d.id, d.kind, d.status, d.created_by, d.revision from deployments d
      join stacks s on s.id = d.stack_id where s.name = ${name} order by d.created_at desc limit 1`
  )[0] ?? {};

test('a new agent that fits gets its container by itself; those of the others stay as they are', async () => {
  const first = await labelled(`${name}-h1`);
  await first.agent.open();
  await seed.compose(file());
  await first.work();
  const before = first.get(`${name}-web-1`);
  const second = await labelled(`${name}-h2`);
  await labelled(`${name}-h3`, false);
  // An enrolled agent is not online yet.
  await seed.sweep();
  expect(await latest()).toMatchObject({ kind: 'DEPLOY' });
  await second.agent.open();
  await seed.sweep();
  expect(await latest()).toMatchObject({ kind: 'REPAIR', created_by: 'graphium', revision: 2 });
  expect(await second.work()).toEqual(['PULL', `DEPLOY ${name}-web-2`]);
  expect(await first.work()).toEqual([]);
  expect(first.get(`${name}-web-1`)).toBe(before);
  expect(await latest()).toMatchObject({ status: 'SUCCEEDED' });
  const { id } = await latest();
  for (let again = 0; again < 3; again++) await seed.sweep();
  expect((await latest()).id).toBe(id);
});

test('one that is removed loses it, and one that is only offline keeps it', async () => {
  const hosts = [await labelled(`${name}-h1`), await labelled(`${name}-h2`), await labelled(`${name}-h3`)] as const;
  for (const host of hosts) await host.agent.open();
  await seed.compose(file());
  for (const host of [...hosts, ...hosts]) await host.work();
  await seed.expire(hosts[1].agent);
  await seed.sweep();
  expect(await latest()).toMatchObject({ kind: 'DEPLOY' });
  await seed.ask('mutation($n: String!) { removeAgent(name: $n, force: true) { name } }', { n: hosts[2].agent.name });
  await seed.sweep();
  expect(await latest()).toMatchObject({ kind: 'REPAIR', status: 'SUCCEEDED' });
  const { stack } = await seed.ask<{ stack: { wanted: { agent: string }[]; revisions: object[] } }>(
    `{ stack(name: "${name}") { wanted { agent } revisions(first: 1) { note } } }`,
  );
  expect(stack.wanted.map(({ agent }) => agent)).toEqual([`${name}-h1`, `${name}-h2`]);
  expect(stack.revisions).toEqual([{ note: 'agents came or went' }]);
});

test('one that is labelled anew gets it or loses it', async () => {
  const [h1, h2] = [await labelled(`${name}-h1`), await labelled(`${name}-h2`, false)];
  for (const host of [h1, h2]) await host.agent.open();
  await seed.compose(file());
  await h1.work();
  await relabel(h2, true);
  await h2.agent.open();
  await seed.sweep();
  expect(await h2.work()).toEqual(['PULL', `DEPLOY ${name}-web-2`]);
  await relabel(h1, false);
  await h1.agent.open();
  await seed.sweep();
  expect(await h1.work()).toEqual([`DELETE ${name}-web-1`]);
  expect(await h2.work()).toEqual([]);
  expect(h2.names()).toEqual([`${name}-web-2`]);
});

test('agents are followed neither while a deployment is at work nor in a stopped stack', async () => {
  const h1 = await labelled(`${name}-h1`);
  await h1.agent.open();
  const { id } = await seed.compose(file());
  const h2 = await labelled(`${name}-h2`);
  await h2.agent.open();
  await seed.sweep();
  expect((await latest()).id).toBe(id);
  await h1.work();
  await seed.operate('stopStack', name);
  await h1.work();
  await seed.sweep();
  expect(await latest()).toMatchObject({ kind: 'STOP', status: 'SUCCEEDED' });
  expect(await h2.agent.pending()).toEqual([]);
});

test('without an agent that fits it stays as it is, and nobody is troubled', async () => {
  const h1 = await labelled(`${name}-h1`);
  await h1.agent.open();
  await seed.compose(file());
  await h1.work();
  await relabel(h1, false);
  await h1.agent.open();
  seed.logged.length = 0;
  await seed.sweep();
  expect(await latest()).toMatchObject({ kind: 'DEPLOY' });
  expect(seed.logged.filter((line) => Number(line.level) >= 40)).toEqual([]);
  expect((await seed.refused('deployStack', { source: { compose: file({ image: 'app:2' }) } })).code).toBe(
    'NO_AGENT_FITS',
  );
});
