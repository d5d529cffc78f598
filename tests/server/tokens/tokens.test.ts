import { describe, expect, test } from 'vitest';
import { createFirstAdminToken, issueToken } from '../../../server/tokens/issue.ts';
import { createSecret, fromToken } from '../../../server/tokens/secret.ts';
import { countAdmins } from '../../../server/tokens/store.ts';
import { useSeed } from '../../support/seed.ts';
import { openEvents, openWire } from '../../support/wire.ts';

const seed = useSeed();

const VIEWER = '{ viewer { name kind role } }';
const REVOKE = 'mutation($id: ID!) { revokeToken(id: $id) { id revokedAt } }';
const codeOf = (result: { errors?: { extensions: { code: string } }[] } | undefined) =>
  result?.errors?.[0]?.extensions.code;
const raw = (path: string, init: RequestInit = {}) =>
  fetch(`${seed.url}${path}`, { method: 'POST', body: JSON.stringify({ query: VIEWER }), ...init });
const enroll = (join: string, name: string) =>
  seed.try<{ enrollAgent: { secret: string } }>(
    'mutation($n: String!) { enrollAgent(name: $n) { secret } }',
    { n: name },
    join,
  );

describe('is not accepted', () => {
  test('a token that is tampered with anywhere, cut, or of another kind', async () => {
    const { secret } = await seed.token('VIEWER');
    const flipped = (at: number) => secret.slice(0, at) + (secret[at] === 'a' ? 'b' : 'a') + secret.slice(at + 1);
    const other = await seed.token('VIEWER');
    const mixed = secret.slice(0, 42) + other.secret.slice(42);
    const bad = [
      flipped(secret.length - 2),
      flipped(45),
      flipped(12),
      secret.slice(0, -1),
      `${secret}a`,
      secret.replace('gph_user', 'gph_agent'),
      secret.replace('gph_user', 'gph_join'),
      secret.toUpperCase(),
      mixed,
      'gph_user',
      '',
      ' ',
      'x'.repeat(5_000),
    ];
    expect(codeOf(await seed.try(VIEWER, {}, secret))).toBeUndefined();
    for (const token of bad)
      expect(codeOf(await seed.try(VIEWER, {}, token)), token.slice(0, 60)).toBe('UNAUTHENTICATED');
  });

  test('one that has expired, and one that was revoked', async () => {
    const expired = await seed.token('ADMIN', { expiresAt: new Date(Date.now() - 1_000) });
    expect(codeOf(await seed.try(VIEWER, {}, expired.secret))).toBe('UNAUTHENTICATED');
    const { id, secret } = await seed.token('ADMIN');
    await seed.ask(REVOKE, { id });
    const result = await raw('/graphql', {
      headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    });
    expect(result.status).toBe(401);
    expect(codeOf((await result.json()) as never)).toBe('UNAUTHENTICATED');
  });

  test('one in the query string, in a cookie or in the body', async () => {
    const { secret } = await seed.token('ADMIN');
    const headers = { 'content-type': 'application/json' };
    const tries = [
      raw(`/graphql?token=${secret}&authorization=Bearer%20${secret}`, { headers }),
      raw('/graphql', { headers: { ...headers, cookie: `authorization=Bearer ${secret}; token=${secret}` } }),
      raw('/graphql', { headers, body: JSON.stringify({ query: VIEWER, authorization: `Bearer ${secret}` }) }),
      raw(`/graphql?query=${encodeURIComponent(VIEWER)}&access_token=${secret}`, { method: 'GET', body: null }),
    ];
    for (const response of await Promise.all(tries)) {
      const result = (await response.json()) as { data?: unknown };
      expect(result.data ?? null).toBeNull();
      expect(['UNAUTHENTICATED', 'BAD_INPUT']).toContain(codeOf(result as never));
    }
    const wire = await openWire(seed.url, {}, `?token=${secret}&authorization=Bearer%20${secret}`);
    expect((await wire.closed).code).toBe(4401);
  });

  test('over a socket: closed with 4401, before anything else', async () => {
    for (const init of [
      {},
      { authorization: 'x' },
      { authorization: `Bearer ${'x'.repeat(90)}` },
      { Authorization: 5 },
    ]) {
      const wire = await openWire(seed.url, init);
      expect((await wire.closed).code).toBe(4401);
    }
    const early = await openWire(seed.url, undefined);
    early.subscribe(VIEWER);
    expect((await early.closed).code).toBe(4401);
  });
});

test('only a hash is stored', async () => {
  const { secret } = await seed.token('VIEWER');
  const rows = await seed.sql`select to_jsonb(t)::text as row from tokens t`;
  const bare = fromToken(secret)?.secret ?? '-';
  expect(rows.filter(({ row }) => row.includes(bare))).toEqual([]);
});

describe('a join token', () => {
  test('works once, and of two at the same time one wins', async () => {
    const join = await seed.joinToken();
    const results = await Promise.all(['j1', 'j2', 'j3', 'j4'].map((name) => enroll(join, name)));
    expect(results.filter((result) => result.data?.enrollAgent)).toHaveLength(1);
    expect(results.map(codeOf).filter(Boolean)).toEqual(Array(3).fill('UNAUTHENTICATED'));
    expect(codeOf(await enroll(join, 'j5'))).toBe('UNAUTHENTICATED');
  });

  test('answers again whoever made the secret, alike, and nobody else', async () => {
    const join = await seed.joinToken();
    const secret = createSecret();
    const ask = (name: string, given: string | null) =>
      seed.try<{ enrollAgent: { agentId: string; name: string; secret: string } }>(
        'mutation($n: String!, $s: String) { enrollAgent(name: $n, secret: $s) { agentId name secret } }',
        { n: name, s: given },
        join,
      );
    expect(codeOf(await ask('again', 'short'))).toBe('BAD_INPUT');
    const answers = await Promise.all(['again', 'again', 'again'].map((name) => ask(name, secret)));
    const [first] = answers;
    expect(first?.data?.enrollAgent).toMatchObject({ name: 'again', secret: expect.stringContaining(secret) });
    for (const answer of [...answers, await ask('again', secret)]) expect(answer).toEqual(first);
    expect(codeOf(await ask('again', createSecret()))).toBe('UNAUTHENTICATED');
    expect(codeOf(await ask('again', null))).toBe('UNAUTHENTICATED');
    expect(codeOf(await ask('another', secret))).toBe('UNAUTHENTICATED');
    const { agents } = await seed.ask<{ agents: { name: string }[] }>('{ agents { name } }');
    expect(agents.filter(({ name }) => name === 'again')).toHaveLength(1);
    await seed.ask('mutation { removeAgent(name: "again") { name } }');
    expect(codeOf(await ask('again', secret))).toBe('UNAUTHENTICATED');
  });

  test('that was used is good for nothing else', async () => {
    const join = await seed.joinToken();
    await enroll(join, 'spent');
    expect(codeOf(await seed.try('{ stacks { name } }', {}, join))).toBe('FORBIDDEN');
    expect(codeOf(await enroll(join, 'spent'))).toBe('UNAUTHENTICATED');
  });

  test('ends after 15 minutes', async () => {
    const join = await seed.joinToken();
    const [row] =
      await seed.sql`select extract(epoch from expires_at - now())::int as left from tokens where id = ${fromToken(join)?.id ?? ''}`;
    expect(row?.left).toBeGreaterThan(890);
    expect(row?.left).toBeLessThanOrEqual(900);
    await seed.sql`update tokens set expires_at = now() where id = ${fromToken(join)?.id ?? ''}`;
    expect(codeOf(await enroll(join, 'late'))).toBe('UNAUTHENTICATED');
  });

  test('bound to a name enrolls no other, and is not used up by trying', async () => {
    const join = await seed.joinToken('bound');
    expect(codeOf(await enroll(join, 'other'))).toBe('FORBIDDEN');
    expect(codeOf(await enroll(join, 'bound'))).toBeUndefined();
  });

  test('for any name takes no existing one; for its name it takes its place and ends the old credential', async () => {
    const agent = await seed.agent('taken');
    const wire = await agent.connect();
    const join = await seed.joinToken();
    expect(codeOf(await enroll(join, 'taken'))).toBe('CONFLICT');
    expect(codeOf(await enroll(join, 'free'))).toBeUndefined();
    expect(codeOf(await enroll(await seed.joinToken('taken'), 'taken'))).toBeUndefined();
    expect([4403, 4410]).toContain((await wire.closed).code);
    expect(codeOf(await agent.tryOpen())).toBe('UNAUTHENTICATED');
  });

  test('enrolls no name that is none', async () => {
    const join = await seed.joinToken();
    for (const name of ['', '-x', 'a b', 'x'.repeat(64), 'ä', 'a/b', 'a\u0000'])
      expect(codeOf(await enroll(join, name)), name).toBe('BAD_INPUT');
  });
});

describe('revoking', () => {
  test('closes a WebSocket with 4403 and ends an SSE stream, both within a second', async () => {
    const { id, secret } = await seed.token('VIEWER');
    const wire = await seed.wire(secret);
    const events = await openEvents(seed.url, secret, 'subscription { agents { name } }');
    const running = wire.subscribe('subscription { stacks { name } }');
    await Promise.all([events.next(), running.next()]);
    const startedAt = performance.now();
    await seed.ask(REVOKE, { id });
    expect((await wire.closed).code).toBe(4403);
    for (let result = await events.next(); result; result = await events.next()) expect(result.data ?? null).toBeNull();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test("of an agent's token closes its socket, too", async () => {
    const agent = await seed.agent('revoked', { online: false });
    const wire = await agent.connect();
    await seed.ask(REVOKE, { id: fromToken(agent.secret)?.id });
    expect((await wire.closed).code).toBe(4403);
  });

  test('of the last ADMIN token is refused, also when two revoke each other', async () => {
    for (let round = 0; round < 10; round++) {
      const lonely = await seed.token('ADMIN');
      const pair = [lonely, await seed.token('ADMIN')];
      await seed.sql`update tokens set expires_at = now() where role = 'ADMIN' and id not in ${seed.sql(pair.map(({ id }) => id))}`;
      const results = await Promise.all(pair.map(({ secret }, n) => seed.try(REVOKE, { id: pair[1 - n]?.id }, secret)));
      expect(results.filter(codeOf), `round ${round}`).toHaveLength(1);
      await seed.sql`update tokens set expires_at = null, revoked_at = null where id = ${seed.adminId}`;
    }
    await seed.sql`update tokens set expires_at = now() where role = 'ADMIN' and id <> ${seed.adminId}`;
    expect(codeOf(await seed.try(REVOKE, { id: seed.adminId }))).toBe('CONFLICT');
    expect(codeOf(await seed.try(VIEWER))).toBeUndefined();
    expect(codeOf(await seed.try(REVOKE, { id: crypto.randomUUID() }))).toBe('NOT_FOUND');
  });

  test('an expired ADMIN does not count as one that is left', async () => {
    await issueToken(seed.db, 'USER', { name: 'x', role: 'ADMIN', createdBy: 'test', expiresAt: new Date(0) });
    expect(codeOf(await seed.try(REVOKE, { id: seed.adminId }))).toBe('CONFLICT');
  });
});

test('a start makes an ADMIN token where none is usable, for 30 days', async () => {
  expect(await createFirstAdminToken(seed.db)).toBeUndefined();
  await seed.sql`update tokens set expires_at = now() where role = 'ADMIN'`;
  const made = await createFirstAdminToken(seed.db);
  expect(codeOf(await seed.try(VIEWER, {}, made?.secret))).toBeUndefined();
  expect(await Promise.all([0, 29, 31].map((days) => countAdmins(seed.db, days)))).toEqual([1, 1, 0]);
  expect(await createFirstAdminToken(seed.db)).toBeUndefined();
  await seed.sql`update tokens set expires_at = null where id = ${seed.adminId}`;
});

test('createToken checks its input, and the expiry is the database’s', async () => {
  const query =
    'mutation($n: String!, $d: Int) { createToken(name: $n, role: VIEWER, expiresInDays: $d) { secret token { expiresAt } } }';
  for (const variables of [
    { n: '' },
    { n: ' ' },
    { n: 'x'.repeat(101) },
    { n: 'x', d: 0 },
    { n: 'x', d: 3_651 },
    { n: 'a\u0000' },
    { n: '\ud800' },
  ]) {
    expect(codeOf(await seed.try(query, variables)), JSON.stringify(variables)).toBe('BAD_INPUT');
  }
  const { createToken } = await seed.ask<{ createToken: { secret: string; token: { expiresAt: string } } }>(query, {
    n: 'ci',
    d: 1,
  });
  expect(Date.parse(createToken.token.expiresAt) - Date.now()).toBeLessThanOrEqual(86_400_000 + 5_000);
  expect(codeOf(await seed.try(VIEWER, {}, createToken.secret))).toBeUndefined();
});

test('a token says when somebody last came with it', async () => {
  const { id, secret } = await seed.token('VIEWER');
  const lastUse = async () =>
    (
      await seed.ask<{ tokens: { id: string; lastUsedAt: string | null }[] }>('{ tokens { id lastUsedAt } }')
    ).tokens.find((one) => one.id === id)?.lastUsedAt;
  expect(await lastUse()).toBeNull();
  await seed.ask(VIEWER, {}, secret);
  await expect.poll(lastUse).not.toBeNull();
  expect(Date.now() - Date.parse((await lastUse()) ?? '')).toBeLessThan(10_000);
});

describe('tokens', () => {
  const page = async (args: string) => {
    const result = await seed.try<{ tokens: { id: string }[] }>(`{ tokens(${args}) { id } }`, {});
    return result.data?.tokens.map(({ id }) => id) ?? codeOf(result);
  };

  test('come in pages that follow one another without a gap', async () => {
    // As many at the same moment as only the ID can tell apart.
    await seed.sql`insert into tokens (kind, hash, name, created_by)
      select 'USER', 'x', 'many', 'test' from generate_series(1, 7)`;
    const all = (await page('first: 1000')) as string[];
    expect(all.length).toBeGreaterThan(7);
    const read: string[] = [];
    for (let next = await page('first: 3'); next?.length; next = await page(`first: 3, after: "${read.at(-1)}"`)) {
      read.push(...next);
      if (read.length > all.length) break;
    }
    expect(read).toEqual(all);
  });

  test.each([
    ['first: 0', 'BAD_INPUT'],
    ['first: 1001', 'BAD_INPUT'],
    ['after: "x"', 'NOT_FOUND'],
    ['after: "00000000-0000-4000-8000-000000000000"', 'NOT_FOUND'],
  ])('%s is %s', async (args, code) => expect(await page(args)).toBe(code));
});
