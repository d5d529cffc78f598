import { expect, test } from 'vitest';
import { useSeed } from '../../support/seed.ts';

const seed = useSeed();

type Label = { key: string; value: string };
const SET =
  'mutation($name: String!, $labels: [LabelInput!]!) { setAgentLabels(name: $name, labels: $labels) { labels { key value } } }';
const set = (name: string, labels: Label[], secret?: string) =>
  seed.try<{ setAgentLabels: { labels: Label[] } }>(SET, { name, labels }, secret);
const zone = (value: string): Label => ({ key: 'zone', value });

async function labelsOf(name: string) {
  const query = 'query($name: String!) { agent(name: $name) { labels { key value } } }';
  return (await seed.ask<{ agent: { labels: Label[] } }>(query, { name })).agent.labels;
}

test('labels are replaced as a whole, watchers hear of it, and the audit log has both', async () => {
  await seed.enroll('one', await seed.joinToken('one', { zone: 'eu-1', ssd: 'yes' }));
  const wire = await seed.wire();
  const watched = wire.subscribe<{ agents: { labels: Label[] }[] }>('subscription { agents { labels { key value } } }');
  expect((await watched.next())?.data?.agents[0]?.labels).toHaveLength(2);
  const { data } = await set('one', [zone('us-9')]);
  expect(data?.setAgentLabels.labels).toEqual([zone('us-9')]);
  expect((await watched.next())?.data?.agents[0]?.labels).toEqual([zone('us-9')]);
  expect(await labelsOf('one')).toEqual([zone('us-9')]);
  const [entry] = await seed.sql`select detail from audit_log where action = 'setAgentLabels'`;
  expect(entry?.detail).toEqual({ before: { zone: 'eu-1', ssd: 'yes' }, after: { zone: 'us-9' } });
  await set('one', []);
  expect(await labelsOf('one')).toEqual([]);
});

test('the next plan sees them: a file that wants the label fits then', async () => {
  await seed.agent('placed');
  const file = `services:\n  web:\n    image: nginx\n    deploy:\n      placement:\n        constraints: ["node.labels.disk == ssd"]\n`;
  const query =
    'query($file: String!) { planStack(operation: { deploy: { source: { compose: $file }, name: "wants" } }) { items { agent } } }';
  const plan = () => seed.try(query, { file });
  expect((await plan()).errors?.[0]?.message).toContain('disk');
  await set('placed', [{ key: 'disk', value: 'ssd' }]);
  const { data, errors } = await plan();
  expect(errors).toBeUndefined();
  expect(JSON.stringify(data)).toContain('"agent":"placed"');
});

test('an agent that enrolls again keeps what was set, but for what its join token says', async () => {
  await seed.enroll('again', await seed.joinToken('again', { zone: 'eu-1' }));
  await set('again', [zone('us-9'), { key: 'disk', value: 'ssd' }]);
  const query = 'mutation($labels: [LabelInput!]) { enrollAgent(name: "again", labels: $labels) { name } }';
  await seed.ask(query, { labels: [zone('mine'), { key: 'rack', value: '7' }] }, await seed.joinToken('again'));
  expect(new Set(await labelsOf('again'))).toEqual(
    new Set([{ key: 'rack', value: '7' }, zone('us-9'), { key: 'disk', value: 'ssd' }]),
  );
  await seed.enroll('again', await seed.joinToken('again', { zone: 'eu-2' }));
  expect(await labelsOf('again')).toContainEqual(zone('eu-2'));
});

test('what is wrong is named and changes nothing', async () => {
  await seed.enroll('strict', await seed.joinToken('strict', { zone: 'eu-1' }));
  const many = Array.from({ length: 65 }, (_, index) => ({ key: `k${index}`, value: '' }));
  const bad: [Label[], RegExp][] = [
    [[{ key: '', value: 'x' }], /"" is no name for a label; expected /],
    [[{ key: 'a b', value: 'x' }], /"a b" is no name/],
    [[{ key: 'a', value: 'x\ny' }], /"a": expected a value of at most 255 characters on one line/],
    [[{ key: 'a', value: 'x'.repeat(256) }], /at most 255/],
    [[zone('a'), zone('b')], /"zone" is given twice/],
    [many, /at most 64, got 65/],
  ];
  const join = 'mutation($labels: [LabelInput!]) { createJoinToken(labels: $labels) { secret } }';
  for (const [labels, message] of bad) {
    for (const { errors } of [await set('strict', labels), await seed.try(join, { labels })]) {
      expect(errors?.[0]?.extensions.code).toBe('BAD_INPUT');
      expect(errors?.[0]?.message).toMatch(message);
    }
  }
  expect((await set('nobody', [])).errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  const { secret } = await seed.token('OPERATOR');
  expect((await set('strict', [], secret)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  expect(await labelsOf('strict')).toEqual([zone('eu-1')]);
});

test('a session tells the agent its labels, so that it can say which of its own do not count', async () => {
  const agent = await seed.agent('told', { online: false });
  await set('told', [zone('eu-1')]);
  const input = {
    instanceId: '5f8e31bd-2a9c-4e2e-9d6e-1f8d7c3b2a10',
    version: '1',
    transport: 'POLL',
    engine: { version: '28', apiVersion: '1.48', os: 'linux', arch: 'x86_64', cpus: 1, memoryBytes: 1 },
    running: [],
  };
  const open = 'mutation($input: SessionInput!) { openSession(input: $input) { labels { key value } } }';
  const { openSession } = await seed.ask<{ openSession: { labels: Label[] } }>(open, { input }, agent.secret);
  expect(openSession.labels).toEqual([zone('eu-1')]);
});
