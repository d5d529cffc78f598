import { sql } from 'drizzle-orm';
import journal from '../../drizzle/meta/_journal.json' with { type: 'json' };
import type { Db } from './types.ts';

/** When the newest migration that this code knows was made, in milliseconds since 1970: drizzle keeps this number. */
const NEWEST = Math.max(...journal.entries.map((entry) => entry.when));

/**
 * Whether the database has every migration that this code knows. It has them after the start; a database that was
 * restored since from an older copy has not.
 */
export async function isMigrated(db: Db): Promise<boolean> {
  const [row] = await db.execute<{ newest: string | null }>(
    sql`select max(created_at) as newest from drizzle.__drizzle_migrations`,
  );
  return Number(row?.newest ?? 0) >= NEWEST;
}
