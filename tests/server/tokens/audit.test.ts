import { expect, test } from 'vitest';
import { useSeed } from '../../support/seed.ts';

const seed = useSeed();

type Entry = { id: string; actor: string; action: string; target: string; detail: object };
type Log = { auditLog: { nodes: Entry[]; pageInfo: { endCursor: string | null; hasNextPage: boolean } } };
const read = async (args: string) =>
  (
    await seed.ask<Log>(
      `{ auditLog${args} { nodes { id actor action target detail } pageInfo { endCursor hasNextPage } } }`,
    )
  ).auditLog;

test('an administrator reads who did what, newest first, page by page and by what was done', async () => {
  for (const name of ['one', 'two', 'three']) {
    await seed.enroll(name, await seed.joinToken(name));
    await seed.ask('mutation($n: String!) { setAgentLabels(name: $n, labels: []) { name } }', { n: name });
  }
  const first = await read('(action: "setAgentLabels", first: 2)');
  expect(first.nodes.map(({ actor, target }) => `${actor} ${target}`)).toEqual(['admin three', 'admin two']);
  expect(first.nodes[0]?.detail).toEqual({ before: {}, after: {} });
  expect(first.pageInfo.hasNextPage).toBe(true);
  const second = await read(`(action: "setAgentLabels", first: 2, after: "${first.pageInfo.endCursor}")`);
  expect(second.nodes.map(({ target }) => target)).toEqual(['one']);
  expect(second.pageInfo.hasNextPage).toBe(false);
  expect((await read('(target: "two")')).nodes.map(({ action }) => action).toSorted()).toContain('enrollAgent');
  expect((await read('(actor: "two", action: "setAgentLabels")')).nodes).toEqual([]);
  const [{ at } = {}] = await seed.sql`select max(at) as at from audit_log`;
  const later = new Date(Date.parse(String(at)) + 1).toISOString();
  expect((await read(`(since: "${later}")`)).nodes).toEqual([]);
});

test('each entry says where it came from; a token that is none is noted, and not by the hundred', async () => {
  await seed.ask('mutation { createToken(name: "from here", role: VIEWER) { secret } }');
  const addressed = '{ auditLog(ACTION) { nodes { actor address target detail } } }';
  const readAddresses = async (action: string) =>
    (await seed.ask<{ auditLog: { nodes: object[] } }>(addressed.replace('ACTION', `action: "${action}"`))).auditLog
      .nodes;
  expect(await readAddresses('createToken')).toMatchObject([{ actor: 'admin', address: '127.0.0.1' }]);
  for (let n = 0; n < 20; n++) await seed.try('{ viewer { name } }', {}, `gph_user_${'0'.repeat(22)}_nonsense`);
  await expect
    .poll(() => readAddresses('refuseToken'))
    .toEqual([{ actor: 'graphium', address: '127.0.0.1', target: '127.0.0.1', detail: { failures: 1 } }]);
});

test('nobody else does, and a cursor that is none is refused', async () => {
  for (const role of ['VIEWER', 'OPERATOR'] as const) {
    const { secret } = await seed.token(role);
    const { errors } = await seed.try('{ auditLog { nodes { id } } }', {}, secret);
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  }
  for (const args of ['(after: "x")', '(after: "-1")', '(first: 0)', '(first: 501)']) {
    const { errors } = await seed.try(`{ auditLog${args} { nodes { id } } }`);
    expect(errors?.[0]?.extensions.code, args).toBe('BAD_INPUT');
  }
});
