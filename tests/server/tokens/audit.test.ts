import { pino } from 'pino';
import { expect, test } from 'vitest';
import { sealAuditLog } from '../../../server/tokens/audit-seals.ts';
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

type Check = { isIntact: boolean; problem: string | null; sealed: number; waiting: number; head: string | null };
const check = async (args = '') =>
  (await seed.ask<{ auditCheck: Check }>(`{ auditCheck${args} { isIntact problem sealed waiting head } }`)).auditCheck;

test('sealed entries prove what was done: a change, a gap and a chain made anew are told', async () => {
  const logged: { entries: number; seal: string }[] = [];
  const log = pino({}, { write: (line: string) => logged.push(JSON.parse(line)) });
  const createToken = () => seed.ask('mutation { createToken(name: "sealed", role: VIEWER) { secret } }');
  // More than one page of them, and what the database keeps in another order than it was written.
  await seed.sql`insert into audit_log (actor, action, target, detail)
    select 'test', 'count', n::text, '{"longer": 1, "b": null, "a": {"ü": [2]}}' from generate_series(1, 1200) n`;
  const { waiting } = await check();
  expect(waiting).toBeGreaterThan(1200);
  await Promise.all([sealAuditLog(seed.db, log), sealAuditLog(seed.db, log)]);
  const first = await check();
  expect(first).toMatchObject({ isIntact: true, problem: null, sealed: waiting, waiting: 0 });
  expect(logged.at(-1)).toMatchObject({ entries: waiting, seal: first.head });

  await createToken();
  expect(await check()).toMatchObject({ isIntact: true, sealed: waiting, waiting: 1 });
  await sealAuditLog(seed.db, log);
  const second = await check(`(keptHead: "${first.head}")`);
  expect(second).toMatchObject({ isIntact: true, sealed: waiting + 1, waiting: 0 });
  expect(second.head).not.toBe(first.head);

  await expect(seed.sql`delete from audit_seals`).rejects.toThrow('append-only');
  await expect(seed.sql`truncate audit_seals`).rejects.toThrow('append-only');
  const asOwner = async (statement: string) => {
    await seed.sql.begin(async (tx) => {
      await tx.unsafe('set local session_replication_role = replica');
      await tx.unsafe(statement);
    });
    return check(`(keptHead: "${second.head}")`);
  };
  const [{ id } = {}] = await seed.sql`select max(id)::int as id from audit_log`;
  expect(await asOwner(`update audit_log set actor = 'nobody' where id = ${id}`)).toMatchObject({
    isIntact: false,
    problem: `entry ${id} is not as it was sealed`,
  });
  expect(await asOwner(`update audit_log set actor = 'admin' where id = ${id}`)).toMatchObject({ isIntact: true });
  expect(await asOwner(`delete from audit_seals where number = 7`)).toMatchObject({ problem: 'seals 7 to 7 are gone' });
  expect(await asOwner(`delete from audit_log where id = ${id}`)).toMatchObject({ isIntact: false });
  await asOwner('delete from audit_seals');
  await sealAuditLog(seed.db, log);
  expect(await check()).toMatchObject({ isIntact: true });
  expect(await check(`(keptHead: "${second.head}")`)).toMatchObject({
    isIntact: false,
    problem: 'no seal is the kept one: entries at the end are gone, or the chain was made anew',
  });
});

test('only administrators have the log checked, and a head is 64 digits', async () => {
  const { secret } = await seed.token('OPERATOR');
  const refused = await seed.try('{ auditCheck { isIntact } }', {}, secret);
  expect(refused.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  const { errors } = await seed.try('{ auditCheck(keptHead: "x") { isIntact } }');
  expect(errors?.[0]?.extensions.code).toBe('BAD_INPUT');
});
