import { beforeAll, describe, expect, inject, test } from 'vitest';
import { container, createSeed, stackFile, useSeed } from '../../support/seed.ts';

/** Whatever is wrong with what a user sends has a code, and changes no row of any table. */
const seed = useSeed();
beforeAll(async () => {
  await seed.agent('vm1');
  await seed.agent('vm2');
  await seed.deploy(
    stackFile('neighbour', [container('taken', 'vm1', { ports: [{ containerPort: 80, hostPort: 8081 }] })]),
  );
  await seed.deploy(stackFile('composed', [container('composed-a', 'vm1')]));
  await seed.sql`update stack_revisions set format = 'COMPOSE' where stack_id = (select id from stacks where name = 'composed')`;
});

const DEPLOY =
  'mutation($s: String!, $k: String) { deployStack(source: { jsonld: $s }, options: { idempotencyKey: $k }) { id } }';
const port = (hostPort: number, more: object = {}) => ({ ports: [{ containerPort: 80, hostPort, ...more }] });
type Problem = { code: string; path: string; line: number; column: number; message: string };
type Refusal = { code: string; problems?: Problem[] };

/** Every row of every table, so that nothing can change unseen, but for when a token was last used. */
async function snapshot(): Promise<Record<string, number>> {
  const tables = await seed.sql`select table_name as name from information_schema.tables where table_schema = 'public'`;
  const counts = await Promise.all(
    tables.map(async ({ name }) => {
      const [row] =
        await seed.sql`select count(*)::int as n, coalesce(md5(string_agg((to_jsonb(t) - 'last_used_at')::text, '' order by t::text)), '') as hash from ${seed.sql(name)} t`;
      return [name, `${row?.n} ${row?.hash}`];
    }),
  );
  return Object.fromEntries(counts);
}
async function refused(query: string, variables: object, token?: string): Promise<Refusal> {
  const before = await snapshot();
  const result = await seed.try(query, variables as Record<string, unknown>, token);
  expect(result.errors, JSON.stringify(result.data)).toHaveLength(1);
  expect(await snapshot()).toEqual(before);
  return result.errors?.[0]?.extensions as unknown as Refusal;
}
const text = (parts: object[], more: object = {}) => JSON.stringify(stackFile('mine', parts, more), null, 2);

const FILES: [
  name: string,
  source: () => string,
  code: string,
  problem?: { code: string; path: string; at: string },
][] = [
  [
    'an unknown host',
    () => text([container('a1', 'vm1'), container('b1', 'vm9')]),
    'UNKNOWN_HOST',
    { code: 'UNKNOWN_HOST', path: 'hasPart[1].locatedInHost', at: '{\n        "@id": "vm9"' },
  ],
  ['an unknown default host', () => text([{ name: 'a1' }], { locatedInHost: 'vm9' }), 'UNKNOWN_HOST'],
  [
    'a container name twice',
    () => text([container('a1', 'vm1'), container('a1', 'vm2')]),
    'STACK_INVALID',
    {
      code: 'DUPLICATE_CONTAINER',
      path: 'hasPart[1].name',
      at: '"a1",\n      "locatedInHost": {\n        "@id": "vm2"',
    },
  ],
  [
    'one host port twice on one host',
    () => text([container('a1', 'vm1', port(9000)), container('b1', 'vm1', port(9000))]),
    'STACK_INVALID',
    { code: 'PORT_CONFLICT', path: 'hasPart[1].ports[0].hostPort', at: '' },
  ],
  [
    'a name that another stack has on that host',
    () => text([container('taken', 'vm1')]),
    'NAME_IN_USE',
    { code: 'NAME_IN_USE', path: 'hasPart[0].locatedInHost', at: '{\n        "@id": "vm1"' },
  ],
  ['a port that another stack has on that host', () => text([container('a1', 'vm1', port(8081))]), 'PORT_IN_USE'],
  [
    'that port on one address of the host',
    () => text([container('a1', 'vm1', port(8081, { hostIp: '127.0.0.1' }))]),
    'PORT_IN_USE',
  ],
  [
    'a dependency cycle',
    () => text([container('a1', 'vm1', { dependsOn: ['b1'] }), container('b1', 'vm1', { dependsOn: ['a1'] })]),
    'STACK_INVALID',
    { code: 'DEPENDENCY_CYCLE', path: 'hasPart[1].dependsOn[0]', at: '"a1"\n' },
  ],
  [
    'a dependency on nothing',
    () => text([container('a1', 'vm1', { dependsOn: ['zz'] })]),
    'STACK_INVALID',
    { code: 'UNKNOWN_DEPENDENCY', path: 'hasPart[0].dependsOn[0]', at: '"zz"' },
  ],
  [
    'an unknown field',
    () => text([container('a1', 'vm1', { imag: 'x' })]),
    'STACK_INVALID',
    { code: 'UNKNOWN_FIELD', path: 'hasPart[0].imag', at: '"imag"' },
  ],
  ['no JSON', () => '{\n  "name": oops }', 'STACK_INVALID', { code: 'SOURCE_NOT_JSON', path: '', at: 'oops' }],
  ['nothing', () => '', 'STACK_INVALID'],
  ['JSON of another kind', () => '[1]', 'STACK_INVALID'],
  [
    'YAML',
    () => 'services:\n  a1:\n    image: nginx\n',
    'STACK_INVALID',
    { code: 'SOURCE_NOT_JSON', path: '', at: 'services' },
  ],
  [
    'an image that Docker would refuse',
    () => text([container('a1', 'vm1', { image: 'Nginx:al pine' })]),
    'STACK_INVALID',
    { code: 'INVALID_IMAGE', path: 'hasPart[0].image', at: '"Nginx:al pine"' },
  ],
  [
    'a container name that Docker would refuse',
    () => text([container('-a1', 'vm1')]),
    'STACK_INVALID',
    { code: 'INVALID_NAME', path: 'hasPart[0].name', at: '"-a1"' },
  ],
  ['NUL in a value', () => text([container('a1', 'vm1', { environment: { A: 'x\u0000' } })]), 'STACK_INVALID'],
  [
    'more than it may hold',
    () => text([container('a1', 'vm1', { comment: 'x'.repeat(600_000) })]),
    'STACK_INVALID',
    { code: 'SOURCE_TOO_LARGE', path: '', at: '{' },
  ],
  [
    'the name of a stack that came from another format',
    () => JSON.stringify(stackFile('composed', [container('composed-a', 'vm1')])),
    'STACK_FORMAT_CONFLICT',
  ],
];

function textAt(file: string, { line = 0, column = 0 }: { line?: number; column?: number } = {}): string {
  const rest = file
    .split('\n')
    .slice(line - 1)
    .join('\n');
  return rest.slice(column - 1);
}

describe('deployStack refuses a file with', () => {
  test.each(FILES)('%s', async (_name, source, code, problem) => {
    const file = source();
    const refusal = await refused(DEPLOY, { s: file });
    expect(refusal.code).toBe(code);
    if (code !== 'STACK_FORMAT_CONFLICT') expect(refusal.problems?.length).toBeGreaterThan(0);
    const found = refusal.problems?.find((one) => one.code === problem?.code);
    expect(found?.path).toBe(problem?.path);
    // The place is where the words stand.
    const startsThere = problem && textAt(file, found).startsWith(problem.at);
    expect(startsThere, JSON.stringify(found)).toBe(problem && true);
  });
});

test('two containers that may go anywhere may not end up on one port of one host', async () => {
  const spread = { deployment: { placementStrategy: 'spread' } };
  const three = ['a1', 'b1', 'c1'].map((name) => ({ name, ...port(9100) }));
  const { code, problems } = await refused(DEPLOY, { s: text(three, spread) });
  expect(code).toBe('NO_AGENT_FITS');
  expect(JSON.stringify(problems)).toContain('9100/tcp');
});

test('with no agent online there is no place for a container that may go anywhere', async () => {
  const lonely = await createSeed(inject('postgresUrl'));
  await lonely.agent('off', { online: false });
  const source = JSON.stringify(stackFile('mine', [{ name: 'a1' }], { deployment: { placementStrategy: 'spread' } }));
  const { errors } = await lonely.try(DEPLOY, { s: source });
  expect(errors?.[0]?.extensions.code).toBe('NO_AGENT_AVAILABLE');
  await lonely.close();
});

describe('refuses', () => {
  const good = () => JSON.stringify(stackFile('fine', [container('fine-a', 'vm1')]));
  test('an idempotency key that is empty or too long', async () => {
    for (const k of ['', 'x'.repeat(201)]) expect((await refused(DEPLOY, { s: good(), k })).code).toBe('BAD_INPUT');
    expect((await refused(DEPLOY, { s: good(), k: 'a\u0000b' })).code).toBe('BAD_INPUT');
  });

  test('a token of the wrong kind or role', async () => {
    const viewer = await seed.token('VIEWER');
    const agent = await seed.agent(`kind-${crypto.randomUUID().slice(0, 6)}`);
    const join = await seed.joinToken();
    for (const token of [viewer.secret, agent.secret, join]) {
      expect((await refused(DEPLOY, { s: good() }, token)).code).toBe('FORBIDDEN');
    }
  });

  test('no source, and two', async () => {
    for (const source of ['{}', '{ jsonld: null }', '{ jsonld: 5 }', '{ yaml: "" }']) {
      const { errors } = await seed.try(`mutation { deployStack(source: ${source}) { id } }`);
      expect(errors?.[0]?.extensions.code, source).toEqual(expect.any(String));
      expect(errors?.[0]?.extensions.code).not.toBe('INTERNAL');
    }
  });

  test('operations on stacks that are not there', async () => {
    for (const field of ['stopStack', 'startStack', 'restartStack', 'deleteStack']) {
      for (const n of ['nope', '', 'neighbour ', "x' or true --"]) {
        expect((await refused(`mutation($n: String!) { ${field}(name: $n) { id } }`, { n })).code).toBe('NOT_FOUND');
      }
    }
  });

  test.each([
    ['tasks(first: 0) { nodes { id } }', 'BAD_INPUT'],
    ['tasks(first: -1) { nodes { id } }', 'BAD_INPUT'],
    ['tasks(first: 501) { nodes { id } }', 'BAD_INPUT'],
    ['tasks(after: "x") { nodes { id } }', 'NOT_FOUND'],
    ['tasks(filter: { deploymentId: "x" }) { nodes { id } }', 'NOT_FOUND'],
    ['deployments(first: 0) { nodes { id } }', 'BAD_INPUT'],
    ['deployments(after: "x") { nodes { id } }', 'NOT_FOUND'],
    ['stack(name: "a\\u0000") { id }', 'BAD_INPUT'],
  ])('%s', async (field, code) => {
    expect((await refused(`{ ${field} }`, {})).code).toBe(code);
  });

  test.each(['task(id: "x") { id }', 'deployment(id: "1; drop table tasks") { id }'])('%s is null', async (field) => {
    expect(Object.values(await seed.ask<Record<string, unknown>>(`{ ${field} }`))).toEqual([null]);
  });

  test('nothing was a fault of ours', () => {
    expect(seed.logged.filter((line) => Number(line.level) >= 50)).toEqual([]);
  });
});
