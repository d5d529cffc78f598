/** Who did what. Entries are only ever added. */
import { and, desc, eq, gte, lt } from 'drizzle-orm';
import { auditLog } from '../db/tables.ts';
import type { Queryable } from '../db/types.ts';

export type AuditLogEntry = Omit<typeof auditLog.$inferSelect, 'id'> & { id: string };

type Filter = {
  actor?: string | null | undefined;
  action?: string | null | undefined;
  target?: string | null | undefined;
  since?: Date | null | undefined;
};

/** Newest first; `after` is the number of an entry. */
export async function listEntries(
  tx: Queryable,
  filter: Filter,
  limit: number,
  after: number | undefined,
): Promise<AuditLogEntry[]> {
  const { actor, action, target, since } = filter;
  const rows = await tx
    .select()
    .from(auditLog)
    .where(
      and(
        actor == null ? undefined : eq(auditLog.actor, actor),
        action == null ? undefined : eq(auditLog.action, action),
        target == null ? undefined : eq(auditLog.target, target),
        since == null ? undefined : gte(auditLog.at, since),
        after === undefined ? undefined : lt(auditLog.id, after),
      ),
    )
    .orderBy(desc(auditLog.id))
    .limit(limit);
  return rows.map((row) => ({ ...row, id: String(row.id) }));
}
