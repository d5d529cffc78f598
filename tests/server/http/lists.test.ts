import { beforeAll, describe, expect, test } from 'vitest';
import { container, stackFile, useSeed } from '../../support/seed.ts';
import { startTwoHosts } from '../../support/two-hosts.ts';

/** Lists come whole, or in pages that follow one another without a gap. */
const seed = useSeed();
beforeAll(async () => {
  await startTwoHosts(seed, 'paged');
  for (const name of ['p1', 'p2', 'p3']) await seed.agent(name);
  for (const name of ['p1', 'p2', 'p3']) await seed.deploy(stackFile(name, [container(`${name}-a`, name)]));
  for (const port of [8081, 8082, 8083]) {
    const ports = [{ containerPort: 80, hostPort: port }];
    await seed.deploy(stackFile('p1', [container('p1-a', 'p1', { ports })]));
  }
});

const codeOf = (result: { errors?: { extensions: { code: string } }[] } | undefined) =>
  result?.errors?.[0]?.extensions.code;

/** Each query takes `ARGS` and gives the list as `list`. */
const LISTS: [what: string, query: string, from: (data: never) => { id: string }[]][] = [
  ['agents', '{ agents(ARGS) { id } }', ({ agents }: never) => agents],
  ['stacks', '{ stacks(ARGS) { id } }', ({ stacks }: never) => stacks],
  ['stacks with deleted ones', '{ stacks(includeDeleted: true, ARGS) { id } }', ({ stacks }: never) => stacks],
  [
    'containers of a stack',
    '{ stack(name: "paged") { containers(ARGS) { id } } }',
    ({ stack }: never) => (stack as { containers: { id: string }[] }).containers,
  ],
  [
    'containers of an agent',
    '{ agent(name: "paged-h1") { containers(ARGS) { id } } }',
    ({ agent }: never) => (agent as { containers: { id: string }[] }).containers,
  ],
  [
    'tasks of a deployment',
    '{ deployments(stack: "paged", first: 1) { nodes { tasks(ARGS) { id } } } }',
    ({ deployments }: never) => (deployments as { nodes: { tasks: { id: string }[] }[] }).nodes[0]?.tasks ?? [],
  ],
];

test('orphans come page by page too', async () => {
  const agent = await seed.agent('lost');
  await agent.observe(['o1', 'o2', 'o3'].map((name) => ({ name, stack: 'unknown' })));
  const read = async (args: string) => {
    const { orphans } = await seed.ask<{ orphans: { container: { id: string } }[] }>(
      `{ orphans${args} { container { id } } }`,
    );
    return orphans.map(({ container: { id } }) => id);
  };
  const all = await read('');
  expect(all).toHaveLength(3);
  expect(await read('(first: 2)')).toEqual(all.slice(0, 2));
  expect(await read(`(first: 2, after: "${all[1]}")`)).toEqual(all.slice(2));
  await agent.observe([]);
});

describe.each(LISTS)('%s', (_, query, from) => {
  const read = async (args: string) => {
    const bare = args === '' ? query.replace('(ARGS)', '').replace(', ARGS', '') : query.replace('ARGS', args);
    return from((await seed.ask<never>(bare)) as never).map(({ id }) => id);
  };

  test('come whole, and page by page', async () => {
    const all = await read('');
    expect(all.length).toBeGreaterThan(0);
    const paged: string[] = [];
    for (let next = await read('first: 1'); next.length > 0; next = await read(`first: 1, after: "${paged.at(-1)}"`)) {
      expect(next).toHaveLength(1);
      paged.push(...next);
      if (paged.length > all.length) break;
    }
    expect(paged).toEqual(all);
    expect(await read(`after: "${all[0]}"`)).toEqual(all.slice(1));
  });

  test.each([
    ['first: 0', 'BAD_INPUT'],
    ['first: 501', 'BAD_INPUT'],
    ['after: "nobody"', 'NOT_FOUND'],
  ])('with %s are %s', async (args, code) => {
    expect(codeOf(await seed.try(query.replace('ARGS', args)))).toBe(code);
  });
});

test('revisions go on before a number', async () => {
  const numbers = async (args: string) => {
    type Answer = { stack: { revisions: { number: number }[] } };
    const { stack } = await seed.ask<Answer>(`{ stack(name: "p1") { revisions(${args}) { number } } }`);
    return stack.revisions.map(({ number }) => number);
  };
  const all = await numbers('first: 500');
  expect(all).toEqual([4, 3, 2, 1]);
  expect(await numbers('first: 2')).toEqual([4, 3]);
  expect(await numbers('first: 2, before: 3')).toEqual([2, 1]);
  expect(await numbers('before: 1')).toEqual([]);
});
