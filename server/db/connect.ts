import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { withNotifications } from './notify.ts';
import { openSocket } from './socket.ts';
import { cluster } from './tables.ts';
import type { Db, Tx } from './types.ts';

export type Connection = { db: Db; close(): Promise<void> };

/** @param url `postgres://…`; for a Unix socket `postgres://user@/database?host=/folder` */
export function connect(url: string, options: { max?: number } = {}): Connection {
  const client = postgres(toOptionsUrl(url), {
    ...socketOptions(url),
    max: options.max ?? 12,
    // The driver waits for ever by default.
    connect_timeout: 10,
    // Nobody catches the driver's own query for types: one cut off in the middle of it would end the process.
    fetch_types: false,
    // Missing in the driver's types.
    ...{ socket: openSocket },
    onnotice: () => {},
    connection: {
      application_name: 'graphium',
      statement_timeout: 30_000,
      lock_timeout: 10_000,
      idle_in_transaction_session_timeout: 30_000,
    },
  });
  const db = drizzle({ client });
  return { db, close: () => client.end({ timeout: 5 }) };
}

/** The driver knows sockets by its `host` option only, not by libpq's `?host=/folder`. */
export function socketOptions(url: string): { host?: string; port?: number } {
  const host = new URL(url.replace('@/', '@localhost/')).searchParams.get('host');
  return host?.startsWith('/') ? { host, port: 5432 } : {};
}

export function toOptionsUrl(url: string): string {
  const parsed = new URL(url.replace('@/', '@localhost/'));
  if (parsed.searchParams.get('host')?.startsWith('/')) parsed.searchParams.delete('host');
  return parsed.href;
}

/** Brings the schema up to date; servers that start at the same time wait for one another. */
export async function migrateDatabase(url: string, migrationsFolder: string): Promise<void> {
  const { db, close } = connect(url, { max: 1 });
  try {
    await db.execute('select pg_advisory_lock(7277341)');
    await migrate(db, { migrationsFolder });
  } finally {
    await close();
  }
}

/** Deadlocks and serialization failures are the database's way of saying "once more". */
const AGAIN = new Set(['40001', '40P01']);

export async function transact<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.transaction((tx) => withNotifications(tx, work).catch(stopWhereCut));
    } catch (error) {
      if (attempt === 4 || !AGAIN.has(postgresCode(error) ?? '')) throw error;
    }
  }
}

/**
 * The driver rolls back what failed, and a write to a connection that is gone ends the process (porsager/postgres #1208).
 * So a transaction whose connection was cut never goes on: the driver rejects it when it sees the connection close.
 */
function stopWhereCut(error: unknown): Promise<never> {
  if (isConnectionLost(error)) return new Promise(() => {});
  throw error;
}

/** The SQLSTATE of an error of the driver, also when drizzle wrapped it. */
export function postgresCode(error: unknown): string | undefined {
  const found = postgresError(error);
  return found?.code;
}

export function postgresError(error: unknown): { code: string; constraint_name?: string } | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at as Error & { code: string; constraint_name?: string };
  }
  return undefined;
}

/** Postgres or the driver closed the connection that this came over, or is about to. */
const isConnectionLost = (error: unknown): boolean =>
  /^(08|57P0|25P0[34]$|CONNECTION_(CLOSED|DESTROYED|ENDED)$|ECONNRESET$|EPIPE$)/.test(postgresCode(error) ?? '');

/** The database cannot be reached now, is starting up or shutting down, or the connection was cut. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const code = postgresCode(error) ?? '';
  return /^(08|57P0)/.test(code) || /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|ENOENT|EPIPE|ENOTFOUND|ETIMEDOUT)/.test(code);
}

/** What tells this installation's containers from those of every other one. */
export async function getClusterId(db: Db): Promise<string> {
  const [row] = await db.select({ id: cluster.id }).from(cluster);
  if (!row) throw new Error('the database has no cluster row: its migrations did not run');
  return row.id;
}
