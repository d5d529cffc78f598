import { beforeAll, expect, test } from 'vitest';
import { container, stackFile, useSeed } from '../../support/seed.ts';

const seed = useSeed();
beforeAll(async () => {
  await seed.agent('vm1');
});

const fifty = Array.from({ length: 50 }, (_, n) => n);
const file = (name: string, value = '1') =>
  stackFile(name, [container(`${name}-a`, 'vm1', { environment: { V: value } })]);
const counts = async () => {
  const [row] =
    await seed.sql`select (select count(*)::int from deployments) as deployments, (select count(*)::int from tasks) as tasks,
    (select count(*)::int from stack_revisions) as revisions, (select count(*)::int from task_events) as events`;
  return row;
};
const DEPLOY =
  'mutation($s: String!, $k: String) { deployStack(source: { jsonld: $s }, options: { idempotencyKey: $k }) { id } }';

test('50 equal calls with one key at the same time: one deployment', async () => {
  const results = await Promise.all(fifty.map(() => seed.deploy(file('same'), 'key-1')));
  expect(new Set(results.map(({ id }) => id)).size).toBe(1);
  const rows = await seed.sql`select id from deployments where idempotency_key = 'key-1'`;
  expect(rows).toHaveLength(1);
  expect(await seed.sql`select id from tasks where deployment_id = ${rows[0]?.id}`).toHaveLength(2);
});

test('50 calls without a key at the same time: 50 deployments, the last one stays', async () => {
  const results = await Promise.all(fifty.map((n) => seed.deploy(file('many', String(n)))));
  expect(new Set(results.map(({ id }) => id)).size).toBe(50);
  const rows = await seed.sql`select status, superseded_by, revision, id from deployments
    where stack_id = (select id from stacks where name = 'many') order by created_at`;
  expect(rows.slice(0, 49).map((row) => row.status)).toEqual(Array(49).fill('SUPERSEDED'));
  expect(rows[49]).toMatchObject({ status: 'RUNNING', superseded_by: null, revision: 50 });
  // Each one was replaced by the next, and the agent has two tasks to do, not a hundred.
  expect(rows.slice(0, 49).map((row) => row.superseded_by)).toEqual(rows.slice(1).map((row) => row.id));
  const [{ open } = { open: 0 }] =
    await seed.sql`select count(*)::int as open from tasks t join stacks s on s.id = t.stack_id
    where s.name = 'many' and t.status in ('PENDING', 'RUNNING')`;
  expect(open).toBe(2);
});

test('the same key with another input is refused and changes nothing', async () => {
  await seed.deploy(file('first'), 'key-2');
  const before = await counts();
  for (const other of [file('first', '2'), file('second')]) {
    const { errors } = await seed.try(DEPLOY, { s: JSON.stringify(other), k: 'key-2' });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED', deploymentId: expect.any(String) });
  }
  const { errors } = await seed.try(
    'mutation { deleteStack(name: "first", options: { idempotencyKey: "key-2" }) { id } }',
  );
  expect(errors?.[0]?.extensions.code).toBe('IDEMPOTENCY_KEY_REUSED');
  expect(await counts()).toEqual(before);
});

test('a key outlives its deployment: the answer is the same after it finished and after another one', async () => {
  const first = await seed.deploy(file('later'), 'key-3');
  await seed.deploy(file('later', '2'));
  expect(await seed.deploy(file('later'), 'key-3')).toMatchObject({ id: first.id, status: 'SUPERSEDED' });
});

test.each(['stopStack', 'startStack', 'restartStack', 'deleteStack'])('%s takes a key too', async (field) => {
  await seed.deploy(file(`by-${field.toLowerCase()}`));
  const query = `mutation($n: String!, $k: String) { ${field}(name: $n, options: { idempotencyKey: $k }) { id } }`;
  const variables = { n: `by-${field.toLowerCase()}`, k: `key-${field}` };
  const results = await Promise.all(
    fifty.slice(0, 5).map(() => seed.ask<Record<string, { id: string }>>(query, variables)),
  );
  expect(new Set(results.map((result) => result[field]?.id)).size).toBe(1);
});

test('retryDeployment takes a key too', async () => {
  const { id } = await seed.deploy(file('again'));
  await seed.ask('mutation($id: ID!) { cancelDeployment(id: $id) { id } }', { id });
  const query = 'mutation($id: ID!, $k: String) { retryDeployment(id: $id, idempotencyKey: $k) { id retryOf } }';
  const retry = () => seed.ask<{ retryDeployment: { id: string; retryOf: string } }>(query, { id, k: 'key-4' });
  const results = await Promise.all([retry(), retry(), retry()]);
  expect(new Set(results.map((result) => result.retryDeployment.id)).size).toBe(1);
  expect(results[0]?.retryDeployment.retryOf).toBe(id);
});

test('the same file again is the same revision', async () => {
  await seed.deploy(file('stable'));
  await seed.deploy(file('stable'));
  const [row] = await seed.sql`select revision from stacks where name = 'stable'`;
  expect(row?.revision).toBe(1);
  await seed.deploy(file('stable', '2'));
  const [next] = await seed.sql`select revision from stacks where name = 'stable'`;
  expect(next?.revision).toBe(2);
});
