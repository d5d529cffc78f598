import type { Logger } from 'pino';
import type postgres from 'postgres';
import { nameOfStatement } from './statement.ts';

type Pending = postgres.PendingQuery<postgres.Row[]>;
type Unsafe = (text: string, ...rest: unknown[]) => Pending;
type Transaction = (...args: unknown[]) => Promise<unknown>;

/**
 * The same client, which logs each statement that drizzle sends: its name, time and rows, and never its parameters, for
 * they hold secrets.
 */
export function withStatementLog<Client extends postgres.ISql>(client: Client, log: Logger): Client {
  return new Proxy(client, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (property === 'unsafe') return logged(value as Unsafe, log);
      if (property === 'begin' || property === 'savepoint') return withLogInside(value as Transaction, log);
      return value;
    },
  });
}

function logged(unsafe: Unsafe, log: Logger): Unsafe {
  return (text, ...rest) => {
    const startedAt = performance.now();
    const pending = unsafe(text, ...rest);
    const entry = () => ({ sql: nameOfStatement(text), ms: Math.round((performance.now() - startedAt) * 10) / 10 });
    // A query starts when somebody waits for it, and drizzle calls `values()` on it first.
    queueMicrotask(() => {
      pending.then(
        (rows) => log.debug({ ...entry(), rows: rows.count, text }, 'statement'),
        (error: { code?: unknown }) => log.debug({ ...entry(), code: error.code, text }, 'statement failed'),
      );
    });
    return pending;
  };
}

/** The last argument of `begin` and `savepoint` gets a client of its own. */
function withLogInside(transaction: Transaction, log: Logger): Transaction {
  return (...args) => {
    const work = args.at(-1) as (client: postgres.TransactionSql) => unknown;
    return transaction(...args.slice(0, -1), (client: postgres.TransactionSql) => work(withStatementLog(client, log)));
  };
}
