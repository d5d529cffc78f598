import type postgres from 'postgres';

type Pending = postgres.PendingQuery<postgres.Row[]>;
type Options = { prepare?: boolean; onexecute?: () => unknown };
type Unsafe = (text: string, parameters?: unknown[], options?: Options) => Pending;
type Transaction = (...args: unknown[]) => Promise<unknown>;

/** Each connection of Postgres keeps what it prepared; a list of values has another text for each length. */
const MAX_TEXTS = 400;
const MAX_PARAMETERS = 64;

/**
 * The same client, which has Postgres prepare each statement that drizzle sends: from the second time on it is neither
 * parsed nor planned again, and goes out in one round trip in place of two.
 */
export const withPreparedStatements = <Client extends postgres.ISql>(pool: Client): Client =>
  preparing(pool, new Set(), ALONE);

/**
 * A statement that is prepared lets the driver send others behind it on its connection. In the pool they would wait for it
 * while other connections are free, and a `begin` among them may get no connection of its own (porsager/postgres #1189).
 * Nothing follows where this answers nothing.
 */
const ALONE: Options = { onexecute: () => undefined };

/** @param texts what its connections have prepared */
function preparing<Client extends postgres.ISql>(client: Client, texts: Set<string>, extra: Options): Client {
  return new Proxy(client, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (property === 'unsafe') return prepared(value as Unsafe, texts, extra);
      if (property === 'begin' || property === 'savepoint') return prepareInside(value as Transaction, texts);
      return value;
    },
  });
}

function prepared(unsafe: Unsafe, texts: Set<string>, extra: Options): Unsafe {
  return (text, parameters = [], options) =>
    unsafe(text, parameters, { ...options, ...extra, prepare: isPrepared(texts, text, parameters) });
}

function isPrepared(texts: Set<string>, text: string, { length }: readonly unknown[]): boolean {
  if (length === 0 || length > MAX_PARAMETERS) return false;
  if (texts.size < MAX_TEXTS) texts.add(text);
  return texts.has(text);
}

/** The last argument of `begin` and `savepoint` gets a client of its own. */
function prepareInside(transaction: Transaction, texts: Set<string>): Transaction {
  return (...args) => {
    const work = args.at(-1) as (client: postgres.TransactionSql) => unknown;
    return transaction(...args.slice(0, -1), (client: postgres.TransactionSql) => work(preparing(client, texts, {})));
  };
}
