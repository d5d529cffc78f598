import { and, asc, eq, gt, type SQL, sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import { transact } from '../db/connect.ts';
import { cluster, stackRevisions, tasks } from '../db/tables.ts';
import type { Db, Tx } from '../db/types.ts';
import { openStack, openTask, revisionOwner, sealStack, sealTask, taskOwner } from '../secrets/at-rest.ts';

/** A spec may hold configs of several hundred kilobytes. */
const ROWS_AT_A_TIME = 50;

/**
 * Seals the specs that older versions stored as they were, once for each database and before this server answers
 * anybody. A server that is stopped meanwhile goes on with it at its next start; several at once wait for one another.
 */
export async function sealOldRows(db: Db, log: Logger): Promise<void> {
  if (await isDone(db)) return;
  const count = (await inPages(db, sealRevisions)) + (await inPages(db, sealTasks));
  await db.update(cluster).set({ sealedAt: sql`now()` });
  if (count > 0) log.info({ rows: count }, 'sealed what an older version had stored open');
}

async function isDone(db: Db): Promise<boolean> {
  const [row] = await db.select({ sealedAt: cluster.sealedAt }).from(cluster);
  return row?.sealedAt != null;
}

type Page = { last: SQL | undefined; count: number };

async function inPages(db: Db, seal: (tx: Tx, after: SQL | undefined) => Promise<Page>): Promise<number> {
  let count = 0;
  let after: SQL | undefined;
  do {
    const page = await transact(db, async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(7277346)`);
      return seal(tx, after);
    });
    count += page.count;
    after = page.last;
  } while (after);
  return count;
}

const isOpen = (part: SQL): SQL => sql`jsonb_path_exists(${part}, '$ ? (exists(@.name) && !exists(@.sealed))')`;

async function sealRevisions(tx: Tx, after: SQL | undefined): Promise<Page> {
  const { stackId, number, spec } = stackRevisions;
  const rows = await tx
    .select({ stackId, number, spec })
    .from(stackRevisions)
    .where(and(isOpen(sql`${spec} -> 'services' -> 0 -> 'container'`), after))
    .orderBy(asc(stackId), asc(number))
    .limit(ROWS_AT_A_TIME);
  for (const row of rows) {
    const owner = revisionOwner(row.stackId, row.number);
    const sealed = sealStack(openStack(row.spec, tx.$vault, owner), tx.$vault, owner);
    await tx
      .update(stackRevisions)
      .set({ spec: sealed })
      .where(and(eq(stackId, row.stackId), eq(number, row.number)));
  }
  const last = rows.at(-1);
  return { last: last && sql`(${stackId}, ${number}) > (${last.stackId}, ${last.number})`, count: rows.length };
}

async function sealTasks(tx: Tx, after: SQL | undefined): Promise<Page> {
  const { id, spec } = tasks;
  const rows = await tx
    .select({ id, spec })
    .from(tasks)
    .where(and(isOpen(sql`${spec} -> 'container'`), after))
    .orderBy(asc(id))
    .limit(ROWS_AT_A_TIME);
  // A task that has ended changes no more, and what it did stays as it is here too.
  if (rows.length > 0) await tx.execute(sql`alter table tasks disable trigger tasks_guard`);
  for (const row of rows) {
    const owner = taskOwner(row.id);
    const sealed = sealTask(openTask(row.spec, tx.$vault, owner), tx.$vault, owner);
    await tx.update(tasks).set({ spec: sealed }).where(eq(id, row.id));
  }
  if (rows.length > 0) await tx.execute(sql`alter table tasks enable trigger tasks_guard`);
  const last = rows.at(-1);
  return { last: last && gt(id, last.id), count: rows.length };
}
