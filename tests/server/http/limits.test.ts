import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../../server/http/limits.ts';
import { until } from '../../support/agents.ts';
import { useSeed } from '../../support/seed.ts';
import { openEvents, openWire } from '../../support/wire.ts';

const seed = useSeed();

type Errors = { errors?: { message: string; extensions: { code: string } }[] };
const codeOf = (result: Errors | undefined) => result?.errors?.[0]?.extensions?.code;
const times = (n: number, part: (n: number) => string) =>
  Array.from({ length: n }, (_, index) => part(index)).join(' ');
const post = (body: string | Uint8Array | FormData | URLSearchParams, headers: Record<string, string> = {}) =>
  fetch(`${seed.url}/graphql`, {
    method: 'POST',
    body: body as never,
    headers: { authorization: `Bearer ${seed.admin}`, ...headers },
  });
const JSON_TYPE = { 'content-type': 'application/json' };

const TOO_MUCH: Record<string, string> = {
  // The schema itself has no ten levels; introspection has.
  depth: `{ __type(name: "Query") { fields { type { ${'ofType { '.repeat(9)} name ${'}'.repeat(9)} } } } }`,
  aliases: `{ ${times(LIMITS.aliases + 1, (n) => `a${n}: viewer { name }`)} }`,
  directives: `{ viewer { name ${times(LIMITS.directives + 1, () => '@include(if: true)')} } }`,
  tokens: `{ viewer { ${times(LIMITS.tokens, () => 'name')} } }`,
  cost: `{ ${times(20, (n) => `a${n}: tasks(first: 500) { nodes { id events { at } waitingOn { message } error { logs } } }`)} }`,
};

describe.each(Object.entries(TOO_MUCH))('an operation with too much %s', (_name, query) => {
  test('is refused over HTTP', async () => {
    const result = await seed.try(query);
    expect(codeOf(result), JSON.stringify(result).slice(0, 300)).toBe('LIMIT_EXCEEDED');
    expect(result.data ?? null).toBeNull();
  });
  test('is refused over SSE', async () => {
    const events = await openEvents(seed.url, seed.admin, query);
    const result = await events.next().catch(() => undefined);
    if (result) expect(codeOf(result)).toBe('LIMIT_EXCEEDED');
    else expect(events.status).toBeGreaterThanOrEqual(400);
    events.cancel();
  });
  test('is refused over a socket, which stays open', async () => {
    const wire = await seed.wire();
    expect(codeOf(await wire.ask(query))).toBe('LIMIT_EXCEEDED');
    expect((await wire.ask('{ viewer { name } }')).data).toEqual({ viewer: { name: 'admin' } });
  });
});

describe('over a socket', () => {
  test('one more than a token may have is closed with when to come back; the others stay', async () => {
    const { secret } = await seed.token('VIEWER');
    const wires = await Promise.all(Array.from({ length: LIMITS.socketsPerToken }, () => seed.wire(secret)));
    const reason = 'this token has 100 sockets open; try again in 10 s';
    expect(await (await seed.wire(secret)).closed).toEqual({ code: 1013, reason });
    expect(wires.every((wire) => wire.isOpen())).toBe(true);
    await wires[0]?.close();
    const next = await until(
      () => seed.wire(secret),
      (wire) => wire.isOpen(),
    );
    expect((await next.ask('{ viewer { name } }')).data).toEqual({ viewer: { name: 'viewer' } });
  });

  test('mistakes in the query are answered with a code and leave it open', async () => {
    const wire = await seed.wire();
    for (const query of [
      '{',
      '',
      'x',
      '{ nothing }',
      'query A { viewer { name } } query B { viewer { name } }',
      '{ agent { name } }',
    ]) {
      expect(codeOf(await wire.ask(query)), query).toEqual(expect.any(String));
    }
    expect(wire.isOpen()).toBe(true);
    expect((await wire.ask('{ viewer { name } }')).data).toBeTruthy();
  });

  test('the same mistakes have a code over HTTP', async () => {
    for (const query of ['{', '{ nothing }', '{ agent { name } }'])
      expect(codeOf(await seed.try(query)), query).toEqual(expect.any(String));
  });

  test(`a frame of more than ${LIMITS.frameBytes} bytes closes it with 1009`, async () => {
    const wire = await seed.wire();
    wire.send({
      id: '1',
      type: 'subscribe',
      payload: { query: `{ viewer { name } } #${'x'.repeat(LIMITS.frameBytes)}` },
    });
    expect((await wire.closed).code).toBe(1009);
  });

  test('without connection_init it is closed with 4408 after 3 s', async () => {
    const wire = await openWire(seed.url, undefined);
    const startedAt = performance.now();
    expect((await wire.closed).code).toBe(4408);
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });

  test('a subscription may ask for less than a query, for it is read again with each change', async () => {
    const fields = '{ stacks { name revisions(first: 500) { number note createdBy } } }';
    const wire = await seed.wire();
    expect(codeOf(await wire.ask(`query ${fields}`))).toBeUndefined();
    expect(codeOf(await wire.subscribe(`subscription ${fields}`).next())).toBe('LIMIT_EXCEEDED');
  });

  test(`more than ${LIMITS.subscriptionsPerSocket} subscriptions are refused; one that ends makes room`, async () => {
    const wire = await seed.wire();
    const open = Array.from({ length: LIMITS.subscriptionsPerSocket }, () =>
      wire.subscribe('subscription { agents { name } }'),
    );
    for (const one of open) expect((await one.next())?.data).toBeTruthy();
    expect(codeOf(await wire.subscribe('subscription { agents { name } }').next())).toBe('LIMIT_EXCEEDED');
    open[0]?.cancel();
    expect((await wire.subscribe('subscription { agents { name } }').next())?.data).toBeTruthy();
    expect(wire.isOpen()).toBe(true);
  });

  test('sockets that close before or while they are let in leave nothing behind', async () => {
    const before = seed.bus.size();
    const quick = Array.from({ length: 10 }, async () => {
      const wire = await openWire(seed.url, undefined);
      wire.send({ type: 'connection_init', payload: { authorization: `Bearer ${seed.admin}` } });
      wire.socket.terminate();
      await wire.closed;
    });
    await Promise.all(quick);
    // Whatever they asked for was asked for before this one, which is let in and answered.
    const wire = await seed.wire();
    await wire.ask('{ viewer { name } }');
    await wire.close();
    await until(
      async () => seed.bus.size(),
      (size) => size === before,
      { intervalMs: 10, what: `${before} listeners` },
    );
  });
});

describe('over HTTP', () => {
  test('2 MB are TOO_LARGE, 413, and the answer arrives', async () => {
    const response = await post(
      JSON.stringify({ query: `{ viewer { name } } #${'x'.repeat(2 * 1024 * 1024)}` }),
      JSON_TYPE,
    );
    expect(response.status).toBe(413);
    expect(codeOf((await response.json()) as Errors)).toBe('TOO_LARGE');
  });

  test('a body without end is not read without end', async () => {
    const sent = await new Promise<number>((resolve) => {
      let bytes = 0;
      const call = request(`${seed.url}/graphql`, {
        method: 'POST',
        headers: { ...JSON_TYPE, authorization: `Bearer ${seed.admin}` },
      });
      const done = () => resolve(bytes);
      call.on('error', done).on('response', (response) => response.resume().on('close', done));
      const chunk = Buffer.alloc(1024 * 1024, 'x');
      const write = () => {
        if (bytes > 64 * 1024 * 1024 || call.destroyed || call.writableEnded) return call.end();
        bytes += chunk.length;
        return call.write(chunk) ? setImmediate(write) : call.once('drain', write);
      };
      write();
    });
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  test('only JSON is read: 415 for everything that a page of another origin could send unasked', async () => {
    const query = 'mutation { deleteStack(name: "x") { id } }';
    const form = new FormData();
    form.append('query', query);
    form.append('operations', JSON.stringify({ query }));
    const bodies: [string | FormData | URLSearchParams, Record<string, string>][] = [
      [query, { 'content-type': 'application/graphql' }],
      [query, { 'content-type': 'text/plain' }],
      [JSON.stringify({ query }), { 'content-type': 'text/plain' }],
      [JSON.stringify({ query }), { 'content-type': '' }],
      [new URLSearchParams({ query }), {}],
      [form, {}],
    ];
    for (const [body, headers] of bodies) {
      const response = await post(body, headers);
      expect(response.status, JSON.stringify(headers)).toBe(415);
      expect(codeOf((await response.json()) as Errors)).toBe('BAD_INPUT');
    }
  });

  test('batches, and what is no JSON object, are refused', async () => {
    const one = { query: '{ viewer { name } }' };
    for (const body of [JSON.stringify([one, one]), '[]', '"x"', 'null', '{', '', '{"query": 5}']) {
      const response = await post(body, JSON_TYPE);
      expect(response.status, body).toBe(400);
      expect(codeOf((await response.json()) as Errors), body).toEqual(expect.any(String));
    }
  });

  test('an object without a query is answered with a code', async () => {
    expect(codeOf((await (await post('{}', JSON_TYPE)).json()) as Errors)).toBe('BAD_INPUT');
  });

  test('a GET changes nothing', async () => {
    const query = encodeURIComponent('mutation { deleteStack(name: "x") { id } }');
    const response = await fetch(`${seed.url}/graphql?query=${query}`, {
      headers: { authorization: `Bearer ${seed.admin}` },
    });
    expect(response.status).toBe(405);
  });

  test('no page of another origin is let in', async () => {
    const headers = { ...JSON_TYPE, origin: 'https://evil.example' };
    const preflight = await fetch(`${seed.url}/graphql`, {
      method: 'OPTIONS',
      headers: {
        ...headers,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });
    for (const response of [preflight, await post(JSON.stringify({ query: '{ viewer { name } }' }), headers)]) {
      expect([...response.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
      expect(response.headers.get('set-cookie')).toBeNull();
    }
  });
});

test('a fault of ours is masked, the same over both, and logged once', async () => {
  await seed.sql`alter table audit_log rename to audit_log_away`;
  const query = 'mutation { createToken(name: "secret-name", role: VIEWER) { secret } }';
  try {
    const wire = await seed.wire();
    for (const ask of [() => seed.try(query), () => wire.ask(query)]) {
      const before = seed.logged.length;
      const result = (await ask()) as Errors;
      expect(codeOf(result)).toBe('INTERNAL');
      expect(JSON.stringify(result)).not.toMatch(/audit_log|insert into|relation/);
      expect(seed.logged.slice(before).filter((line) => Number(line.level) >= 50)).toHaveLength(1);
    }
    expect(wire.isOpen()).toBe(true);
  } finally {
    await seed.sql`alter table audit_log_away rename to audit_log`;
  }
});
