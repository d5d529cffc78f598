import { createHash } from 'node:crypto';
import { and, asc, desc, eq, getTableColumns, gt, isNull, sql } from 'drizzle-orm';
import type { Logger } from 'pino';
import { transact } from '../db/connect.ts';
import { auditLog, auditSeals } from '../db/tables.ts';
import type { Db, Queryable } from '../db/types.ts';

/**
 * Whoever owns the database can drop the trigger that keeps the audit log as it is. The seals are a chain over its entries, so
 * a change in the middle shows; and because the server logs each head, a chain that was made anew shows too, as long as the
 * server's log is kept where the database's owner cannot write.
 */

const ENTRIES_AT_A_TIME = 500;
/** Numbers are given before the commit, so an entry may appear behind later ones: by this many at most. */
const LATEST = 10_000;
const FIRST_SEAL = '0'.repeat(64);

type Entry = typeof auditLog.$inferSelect;

/** @returns 64 hexadecimal digits; jsonb gives `detail` back with its keys in one order, so the text is always the same */
function sealOf(previous: string, { id, at, actor, tokenId, address, action, target, detail }: Entry): string {
  const text = JSON.stringify([previous, id, at.toISOString(), actor, tokenId, address, action, target, detail]);
  return createHash('sha256').update(text).digest('hex');
}

/** Seals the entries that are committed by now, in the order of their numbers among themselves. */
export async function sealAuditLog(db: Db, log: Logger): Promise<void> {
  let sealed: { count: number; head: { entries: number; seal: string } };
  do {
    sealed = await transact(db, sealPage);
    if (sealed.count > 0) log.info(sealed.head, 'the audit log is sealed');
  } while (sealed.count === ENTRIES_AT_A_TIME);
}

async function sealPage(tx: Queryable) {
  await tx.execute(sql`select pg_advisory_xact_lock(7277347)`);
  const head = await findHead(tx);
  const entries = await tx
    .select(getTableColumns(auditLog))
    .from(auditLog)
    .leftJoin(auditSeals, eq(auditSeals.entryId, auditLog.id))
    .where(and(isNull(auditSeals.entryId), gt(auditLog.id, head.entryId - LATEST)))
    .orderBy(asc(auditLog.id))
    .limit(ENTRIES_AT_A_TIME);
  const seals: (typeof auditSeals.$inferInsert)[] = [];
  for (const entry of entries) {
    const { number, seal } = seals.at(-1) ?? head;
    seals.push({ number: number + 1, entryId: entry.id, seal: sealOf(seal, entry) });
  }
  if (seals.length > 0) await tx.insert(auditSeals).values(seals);
  const { number, seal } = seals.at(-1) ?? head;
  return { count: seals.length, head: { entries: number, seal } };
}

async function findHead(tx: Queryable): Promise<typeof auditSeals.$inferSelect> {
  const [head] = await tx.select().from(auditSeals).orderBy(desc(auditSeals.number)).limit(1);
  return head ?? { number: 0, seal: FIRST_SEAL, entryId: 0 };
}

export type AuditCheck = {
  /** Undefined if all is as it was sealed. */
  problem: string | undefined;
  sealed: number;
  waiting: number;
  head: string | null;
};

/** @param kept a head from earlier, which must still be in the chain */
export async function checkAuditLog(db: Db, kept: string | undefined): Promise<AuditCheck> {
  let last = { number: 0, seal: FIRST_SEAL };
  let problem: string | undefined;
  let isKept = kept === undefined;
  for (let rows = await listSealed(db, 0); rows.length > 0; rows = await listSealed(db, last.number)) {
    for (const row of rows) {
      problem ??= problemOf(last, row);
      isKept ||= row.seal === kept;
      last = { number: row.number, seal: row.seal };
    }
  }
  if (!isKept) problem ??= 'no seal is the kept one: entries at the end are gone, or the chain was made anew';
  const waiting = Math.max(0, (await db.$count(auditLog)) - last.number);
  return { problem, sealed: last.number, waiting, head: last.number === 0 ? null : last.seal };
}

type Sealed = { number: number; seal: string; entryId: number; entry: Entry | null };

function listSealed(db: Db, after: number): Promise<Sealed[]> {
  const { number, seal, entryId } = auditSeals;
  return db
    .select({ number, seal, entryId, entry: getTableColumns(auditLog) })
    .from(auditSeals)
    .leftJoin(auditLog, eq(auditLog.id, entryId))
    .where(gt(number, after))
    .orderBy(asc(number))
    .limit(ENTRIES_AT_A_TIME);
}

function problemOf(
  last: { number: number; seal: string },
  { number, seal, entryId, entry }: Sealed,
): string | undefined {
  if (number !== last.number + 1) return `seals ${last.number + 1} to ${number - 1} are gone`;
  if (entry === null) return `entry ${entryId} is gone`;
  return sealOf(last.seal, entry) === seal ? undefined : `entry ${entryId} is not as it was sealed`;
}
