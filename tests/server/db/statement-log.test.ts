import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connect, transact } from '../../../server/db/connect.ts';
import { notify } from '../../../server/db/notify.ts';
import { stacks, tokens } from '../../../server/db/tables.ts';
import { createDatabase, dropDatabase } from '../../support/postgres.ts';

let url: string;
beforeAll(async () => {
  url = await createDatabase(inject('postgresUrl'));
});
afterAll(() => dropDatabase(url));

function open(level: string) {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level }, { write: (line: string) => lines.push(JSON.parse(line)) });
  return { ...connect(url, { log }), lines };
}

test('at debug every statement is logged with its name, time and rows, within transactions too, and no parameter', async () => {
  const { db, close, lines } = open('debug');
  const [row] = await transact(db, async (tx) => {
    await notify(tx, ['tasks']);
    return tx.transaction((inner) =>
      inner
        .insert(tokens)
        .values({ kind: 'USER', name: 'top-secret', hash: 'top-secret', createdBy: 'test' })
        .returning(),
    );
  });
  expect(row?.name).toBe('top-secret');
  expect(await db.select({ name: tokens.name }).from(tokens)).toEqual([{ name: 'top-secret' }]);
  expect(await db.execute(sql`select ${1}::int from ${stacks}`)).toHaveLength(0);
  await expect(db.execute(sql`select 1 / (${0}::int)`)).rejects.toThrow();
  await close();
  expect(lines).toMatchObject([
    { level: 20, sql: 'insert tokens', rows: 1, ms: expect.any(Number) },
    { sql: 'notify', rows: 1 },
    { sql: 'select tokens', rows: 1, text: 'select "name" from "tokens"' },
    { sql: 'select stacks', rows: 0 },
    { sql: 'select', code: '22012', msg: 'statement failed' },
  ]);
  expect(JSON.stringify(lines)).not.toContain('top-secret');
});

test('otherwise nothing is, and the client is the plain one', async () => {
  const { db, close, lines } = open('info');
  await db.select({ name: tokens.name }).from(tokens);
  await close();
  expect(lines).toEqual([]);
});
