import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';

/**
 * Seals what must not be read by whoever reads the database. What is sealed for an owner opens for nothing else, so that
 * whoever can write to the database cannot pass one row's values to another.
 */
export type Vault = {
  /** @param owner what the text belongs to; needed again to open it */
  seal(plain: string, owner: string): string;
  /** @throws GraphiumError SECRET_KEY_MISMATCH, also when the text was changed or belongs to something else */
  open(sealed: string, owner: string): string;
  /** Returns hex that is equal for equal texts under one key, and of no use without the key. */
  digest(plain: string): string;
};

/** The vault goes with the connection: what is written through it is sealed, and what is read is opened. */
type WithVault = { $vault: Vault };
type Drizzle = PostgresJsDatabase & { $client: postgres.Sql };

export type Db = Drizzle & WithVault;
export type Tx = Parameters<Parameters<Drizzle['transaction']>[0]>[0] & WithVault;
/** Whatever can run a query: the pool or a transaction. */
export type Queryable = Db | Tx;
