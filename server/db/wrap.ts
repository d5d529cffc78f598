import type postgres from 'postgres';

type Pending = postgres.PendingQuery<postgres.Row[]>;
/** `onexecute` is the driver's own and missing in its types: where it answers nothing, no other statement is sent behind. */
type Options = { prepare?: boolean; onexecute?: () => unknown };
/** What drizzle sends each statement by. */
export type Unsafe = (text: string, parameters?: unknown[], options?: Options) => Pending;
type Transaction = (...args: unknown[]) => Promise<unknown>;
export type Wrap = (unsafe: Unsafe, where: { inTransaction: boolean }) => Unsafe;

/** The same client with another way to send drizzle's statements, within transactions too. */
export function withUnsafe<Client extends postgres.ISql>(client: Client, wrap: Wrap, inTransaction = false): Client {
  return new Proxy(client, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (property === 'unsafe') return wrap(value as Unsafe, { inTransaction });
      if (property === 'begin' || property === 'savepoint') return wrapInside(value as Transaction, wrap);
      return value;
    },
  });
}

/** The last argument of `begin` and `savepoint` gets a client of its own. */
function wrapInside(transaction: Transaction, wrap: Wrap): Transaction {
  return (...args) => {
    const work = args.at(-1) as (client: postgres.TransactionSql) => unknown;
    return transaction(...args.slice(0, -1), (client: postgres.TransactionSql) => work(withUnsafe(client, wrap, true)));
  };
}
