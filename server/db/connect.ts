import { setTimeout as delay } from 'node:timers/promises';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import type { Logger } from 'pino';
import postgres from 'postgres';
import { withNotifications } from './notify.ts';
import { prepareStatements } from './prepared.ts';
import { openSocket } from './socket.ts';
import { logStatements } from './statement-log.ts';
import { cluster } from './tables.ts';
import type { Db, Tx, Vault } from './types.ts';
import { withUnsafe } from './wrap.ts';

/** How other servers of the installation know the connections of this one. */
export const APPLICATION = 'graphium';

/** Postgres notices within half a minute that this machine is gone: its own default is two hours. */
const LIFELINE = {
  tcp_keepalives_idle: 10,
  tcp_keepalives_interval: 5,
  tcp_keepalives_count: 3,
  tcp_user_timeout: 30_000,
};

const LIMITED = {
  application_name: APPLICATION,
  ...LIFELINE,
  statement_timeout: 30_000,
  lock_timeout: 10_000,
  idle_in_transaction_session_timeout: 30_000,
};

export type Connection = { db: Db; close(): Promise<void> };

type ConnectOptions = { max?: number; log?: Logger; isMigration?: boolean; vault?: Vault };

/**
 * @param url `postgres://…`; for a Unix socket `postgres://user@/database?host=/folder`
 * @param options.log gets every statement if its level is `debug`
 * @param options.vault may be left out where nothing that is sealed is read or written
 */
export function connect(url: string, options: ConnectOptions = {}): Connection {
  const client = withUnsafe(
    postgres(toOptionsUrl(url), {
      ...socketOptions(url),
      max: options.max ?? 12,
      // In seconds; the driver waits for ever by default.
      connect_timeout: 10,
      // Nobody catches the error of the driver's own query for types: a connection cut within it would end the process.
      fetch_types: false,
      // Missing in the driver's types.
      ...{ socket: (target: Parameters<typeof openSocket>[0]) => openSocket(target, !options.isMigration) },
      onnotice: () => {},
      connection: options.isMigration ? { application_name: `${APPLICATION} migrate`, ...LIFELINE } : LIMITED,
    }),
    prepareStatements(),
  );
  const isLogged = options.log?.isLevelEnabled('debug');
  const db = drizzle({ client: isLogged && options.log ? withUnsafe(client, logStatements(options.log)) : client });
  return {
    db: Object.assign(db, { $vault: options.vault ?? NO_VAULT }),
    close: () => client.end({ timeout: 5 }),
  };
}

const withoutVault = (): never => {
  throw new Error('this connection to the database has no vault');
};
const NO_VAULT: Vault = { seal: withoutVault, open: withoutVault, digest: withoutVault };

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

/**
 * Waits until Postgres answers: after a power cut both may start at once.
 * @throws what Postgres says if that would not change by itself, such as a wrong password
 */
export async function untilDatabase(url: string, log: Logger, signal: AbortSignal): Promise<void> {
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const { db, close } = connect(url, { max: 1 });
    try {
      await db.execute('select 1');
      return;
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error;
      if (isFirst) log.warn({ err: error }, 'the database does not answer; waiting for it');
      await delay(WAIT_MS, undefined, { signal }).catch(() => {});
    } finally {
      await close();
    }
  }
  signal.throwIfAborted();
}

const WAIT_MS = 500;

/** Brings the schema up to date; servers that start at the same time wait for one another. */
export async function migrateDatabase(url: string, migrationsFolder: string): Promise<void> {
  // Another server's migration may take long, and so may this one's.
  const { db, close } = connect(url, { max: 1, isMigration: true });
  try {
    await db.execute('select pg_advisory_lock(7277341)');
    await migrate(db, { migrationsFolder });
  } finally {
    await close();
  }
}

/** A deadlock or a serialization failure means: try once more. */
const MAX_ATTEMPTS = 4;
const SQLSTATES_TO_RETRY = new Set(['40001', '40P01']);

export async function transact<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.transaction((tx) =>
        withNotifications(Object.assign(tx, { $vault: db.$vault }), work).catch(stopWhereCut),
      );
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !SQLSTATES_TO_RETRY.has(postgresCode(error) ?? '')) throw error;
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

/** Returns the SQLSTATE or the driver's own code, also of an error that drizzle wrapped. */
export function postgresCode(error: unknown): string | undefined {
  return postgresError(error)?.code;
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

/** Waited too long for a lock, a statement or a connection, or lost against others too often: later it may go through. */
const BUSY = new Set(['55P03', '57014', '25P03', '53300', ...SQLSTATES_TO_RETRY]);
export const isDatabaseBusy = (error: unknown): boolean => BUSY.has(postgresCode(error) ?? '');

/** The database cannot be reached now, is starting up or shutting down, or the connection was cut. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const code = postgresCode(error) ?? '';
  return /^(08|57P0)/.test(code) || /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|ENOENT|EPIPE|ENOTFOUND|ETIMEDOUT)/.test(code);
}

/** Returns the id that tells this installation's containers from those of every other one. */
export async function getClusterId(db: Db): Promise<string> {
  const [row] = await db.select({ id: cluster.id }).from(cluster);
  if (!row) throw new Error('the database has no cluster row: its migrations did not run');
  return row.id;
}
