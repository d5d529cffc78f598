import { eq, inArray, sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Connection, connect, transact } from '../../../server/db/connect.ts';
import { stacks } from '../../../server/db/tables.ts';
import type { Queryable } from '../../../server/db/types.ts';
import { createDatabase, dropDatabase } from '../../support/postgres.ts';

let url: string;
let connection: Connection;
beforeAll(async () => {
  url = await createDatabase(inject('postgresUrl'));
  connection = connect(url, { max: 1 });
});
afterAll(async () => {
  await connection.close();
  await dropDatabase(url);
});

const preparedTexts = async (pattern: string): Promise<string[]> => {
  const rows = await connection.db.execute<{ statement: string }>(
    sql.raw(`select statement from pg_prepared_statements where statement like '${pattern}'`),
  );
  return rows.map(({ statement }) => statement);
};

const byName = (db: Queryable, name: string) => db.select({ id: stacks.id }).from(stacks).where(eq(stacks.name, name));

test('a connection prepares a statement once, within transactions too', async () => {
  const { db } = connection;
  for (const name of ['a', 'b', 'c']) {
    await byName(db, name);
    await transact(db, (tx) => tx.transaction((inner) => byName(inner as typeof tx, name)));
  }
  expect(await preparedTexts('select "id" from "stacks"%')).toHaveLength(1);
});

test('what was prepared before a newer server added a column still answers', async () => {
  const { db } = connection;
  await db.insert(stacks).values({ name: 'kept', desired: 'RUNNING', revision: 1 });
  const [before] = await byName(db, 'kept');
  await db.execute('alter table stacks add column something_new text');
  const [after] = await transact(db, (tx) => byName(tx, 'kept'));
  expect(after).toEqual(before);
  await db.execute('alter table stacks drop column something_new');
});

test('a statement goes to the connection that is free first, not behind one that takes long', async () => {
  const { db, close } = connect(url, { max: 2 });
  const nap = (seconds: number) => db.execute(sql`select pg_sleep(${seconds}), ${'prepared'}::text`);
  await Promise.all([nap(0), nap(0)]);
  const ended: string[] = [];
  const run = (name: string, seconds: number) => nap(seconds).then(() => ended.push(name));
  await Promise.all([run('long', 1), run('short', 0.1), run('next', 0), transact(db, (tx) => byName(tx, 'a'))]);
  expect(ended).toEqual(['short', 'next', 'long']);
  await close();
});

// The last, because it uses up what the connection may prepare.
test('a list of values has a text for each length: long ones, and too many, are not kept', async () => {
  const { db } = connection;
  const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);
  const lists = 'select "name" from "stacks" where "stacks"."name" in%';
  const ask = (count: number) =>
    db
      .select({ name: stacks.name })
      .from(stacks)
      .where(inArray(stacks.name, names(count)));
  for (const count of [64, 65]) await ask(count);
  expect(await preparedTexts(lists)).toHaveLength(1);
  for (const count of names(600).keys()) await db.execute(sql`select ${count}::int ${sql.raw(`as c${count}`)}`);
  const kept = await preparedTexts('select $1::int as c%');
  expect(kept.length).toBeGreaterThan(300);
  expect(kept.length).toBeLessThan(400);
});
