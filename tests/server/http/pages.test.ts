import { beforeAll, expect, test } from 'vitest';
import { container, stackFile, useSeed } from '../../support/seed.ts';

/** Pages hold every row exactly once, also when rows are of the same instant. */
const seed = useSeed();
beforeAll(async () => {
  await seed.agent('vm1');
  await seed.agent('vm2');
  for (let n = 0; n < 12; n++)
    await seed.deploy(stackFile('many', [container('many-a', 'vm1', { environment: { N: `${n}` } })]));
  await seed.deploy(stackFile('other', [container('other-a', 'vm2')]));
  await seed.sql`update deployments set created_at = '2026-01-01' where stack_id = (select id from stacks where name = 'many')`;
  await seed.sql`alter table tasks disable trigger tasks_guard`;
  await seed.sql`update tasks set created_at = '2026-01-01'`;
  await seed.sql`alter table tasks enable trigger tasks_guard`;
});

type Page = { nodes: { id: string }[]; pageInfo: { endCursor: string | null; hasNextPage: boolean } };
async function walk(field: string, first: number): Promise<string[]> {
  const ids: string[] = [];
  let after: string | null = null;
  for (let pages = 0; pages < 100; pages++) {
    const args: string = `first: ${first}${after === null ? '' : `, after: "${after}"`}`;
    const query: string = `{ page: ${field.replace('ARGS', args)} { nodes { id } pageInfo { endCursor hasNextPage } } }`;
    const { page }: { page: Page } = await seed.ask(query);
    expect(page.nodes.length).toBeLessThanOrEqual(first);
    ids.push(...page.nodes.map(({ id }) => id));
    if (!page.pageInfo.hasNextPage) return ids;
    expect(page.nodes).toHaveLength(first);
    after = page.pageInfo.endCursor;
  }
  throw new Error('no end');
}
const all = async (table: string, where = 'true') =>
  (
    await seed.sql.unsafe(
      `select t.id from ${table} t join stacks s on s.id = t.stack_id where ${where} order by t.created_at desc, t.id desc`,
    )
  ).map((row) => row.id);

test.each([1, 2, 5, 200])('tasks, %i at a time', async (first) => {
  expect(await walk('tasks(ARGS)', first)).toEqual(await all('tasks'));
  const filtered = 'tasks(filter: { stack: "many", status: [CANCELLED], kind: [PULL] }, ARGS)';
  expect(await walk(filtered, first)).toEqual(
    await all('tasks', "s.name = 'many' and t.status = 'CANCELLED' and t.kind = 'PULL'"),
  );
});

test.each([1, 3, 200])('deployments, %i at a time', async (first) => {
  expect(await walk('deployments(ARGS)', first)).toEqual(await all('deployments'));
  expect(await walk('deployments(stack: "many", ARGS)', first)).toEqual(await all('deployments', "s.name = 'many'"));
});

test('filters by agent and deployment; what is not there gives nothing', async () => {
  const [{ id } = { id: '' }] =
    await seed.sql`select d.id from deployments d join stacks s on s.id = d.stack_id where s.name = 'other'`;
  const other = await all('tasks', "s.name = 'other'");
  expect(other).toHaveLength(2);
  expect(await walk(`tasks(filter: { deploymentId: "${id}" }, ARGS)`, 10)).toEqual(other);
  expect(await walk('tasks(filter: { agent: "vm2" }, ARGS)', 10)).toEqual(other);
  expect(await walk('tasks(filter: { agent: "nobody" }, ARGS)', 10)).toEqual([]);
  expect(await walk('tasks(filter: { agent: "vm1", stack: "other" }, ARGS)', 10)).toEqual([]);
  expect(await walk('tasks(filter: { status: [] }, ARGS)', 10)).toEqual([]);
});

test('an empty page has no cursor', async () => {
  const { tasks } = await seed.ask<{ tasks: Page }>(
    '{ tasks(filter: { stack: "none" }) { nodes { id } pageInfo { endCursor hasNextPage } } }',
  );
  expect(tasks).toEqual({ nodes: [], pageInfo: { endCursor: null, hasNextPage: false } });
});
