import type postgres from 'postgres';

type Pending = postgres.PendingQuery<postgres.Row[]>;
type Unsafe = (text: string, parameters?: unknown[], options?: { prepare?: boolean }) => Pending;
type Transaction = (...args: unknown[]) => Promise<unknown>;

/** Each connection of Postgres keeps what it prepared; a list of values has another text for each length. */
const MAX_TEXTS = 400;
const MAX_PARAMETERS = 64;
const texts = new Set<string>();

/**
 * The same client, which has Postgres prepare each statement that drizzle sends: from the second time on it is neither
 * parsed nor planned again, and goes out in one round trip in place of two.
 */
export function withPreparedStatements<Client extends postgres.ISql>(client: Client): Client {
  return new Proxy(client, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (property === 'unsafe') return preparing(value as Unsafe);
      if (property === 'begin' || property === 'savepoint') return prepareInside(value as Transaction);
      return value;
    },
  });
}

function preparing(unsafe: Unsafe): Unsafe {
  return (text, parameters = [], options) =>
    unsafe(text, parameters, { ...options, prepare: isPrepared(text, parameters) });
}

function isPrepared(text: string, { length }: readonly unknown[]): boolean {
  if (length === 0 || length > MAX_PARAMETERS) return false;
  if (texts.size < MAX_TEXTS) texts.add(text);
  return texts.has(text);
}

/** The last argument of `begin` and `savepoint` gets a client of its own. */
function prepareInside(transaction: Transaction): Transaction {
  return (...args) => {
    const work = args.at(-1) as (client: postgres.TransactionSql) => unknown;
    return transaction(...args.slice(0, -1), (client: postgres.TransactionSql) => work(withPreparedStatements(client)));
  };
}
