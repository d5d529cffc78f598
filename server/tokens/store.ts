import { and, desc, eq, gt, inArray, isNull, lt, or, sql } from 'drizzle-orm';
import type { PgInsertValue } from 'drizzle-orm/pg-core';
import { agents, tokens } from '../db/tables.ts';
import type { Queryable } from '../db/types.ts';

export type TokenRow = typeof tokens.$inferSelect;
/** Its times may be expressions, for the database's clock counts. */
export type NewToken = PgInsertValue<typeof tokens>;

export async function insertToken(tx: Queryable, token: NewToken): Promise<TokenRow> {
  const [row] = await tx.insert(tokens).values(token).returning();
  if (!row) throw new Error('insert returned no row');
  return row;
}

/**
 * Finds a token that is good now, with the agent that it belongs to. A join token that was used is good until it expires, for
 * `enrollAgent` answers its agent again.
 */
const isUsable = and(
  isNull(tokens.revokedAt),
  isNull(agents.removedAt),
  or(isNull(tokens.expiresAt), gt(tokens.expiresAt, sql`now()`)),
);

export async function findUsableToken(tx: Queryable, id: string) {
  const [row] = await tx
    .select({ token: tokens, agent: agents })
    .from(tokens)
    .leftJoin(agents, eq(agents.id, tokens.agentId))
    .where(and(eq(tokens.id, id), isUsable));
  return row;
}

/** Notes that somebody came with the token, at most once a minute, for a token may come with every request. */
export async function noteUse(tx: Queryable, id: string): Promise<void> {
  const isStale = or(isNull(tokens.lastUsedAt), lt(tokens.lastUsedAt, sql`now() - interval '1 minute'`));
  await tx
    .update(tokens)
    .set({ lastUsedAt: sql`now()` })
    .where(and(eq(tokens.id, id), isStale));
}

/** @returns those of the ids whose token can be used now */
export async function listUsableTokens(tx: Queryable, ids: readonly string[]): Promise<string[]> {
  const rows = await tx
    .select({ id: tokens.id })
    .from(tokens)
    .leftJoin(agents, eq(agents.id, tokens.agentId))
    .where(and(inArray(tokens.id, [...ids]), isUsable));
  return rows.map(({ id }) => id);
}

/** @returns undefined if it was used or revoked, or has expired, meanwhile */
export async function useJoinToken(tx: Queryable, id: string): Promise<TokenRow | undefined> {
  const [row] = await tx
    .update(tokens)
    .set({ usedAt: sql`now()` })
    .where(
      and(
        eq(tokens.id, id),
        eq(tokens.kind, 'JOIN'),
        isNull(tokens.usedAt),
        isNull(tokens.revokedAt),
        gt(tokens.expiresAt, sql`now()`),
      ),
    )
    .returning();
  return row;
}

export async function noteTrade(tx: Queryable, joinId: string, tokenId: string): Promise<void> {
  await tx.update(tokens).set({ tradedFor: tokenId }).where(eq(tokens.id, joinId));
}

/** @returns the agent's token that a join token was traded for, while both can be used */
export async function findTraded(tx: Queryable, joinId: string): Promise<TokenRow | undefined> {
  const join = await findUsableToken(tx, joinId);
  const traded = join?.token.tradedFor ? await findUsableToken(tx, join.token.tradedFor) : undefined;
  return traded?.token;
}

export async function revoke(tx: Queryable, id: string): Promise<TokenRow | undefined> {
  const [row] = await tx
    .update(tokens)
    .set({ revokedAt: sql`coalesce(${tokens.revokedAt}, now())` })
    .where(eq(tokens.id, id))
    .returning();
  return row;
}

/** @returns the ids of those that were not revoked before */
export async function revokeTokensOfAgent(tx: Queryable, agentId: string): Promise<string[]> {
  const rows = await tx
    .update(tokens)
    .set({ revokedAt: sql`now()` })
    .where(and(eq(tokens.agentId, agentId), isNull(tokens.revokedAt)))
    .returning({ id: tokens.id });
  return rows.map((row) => row.id);
}

/** @param after the token that the previous page ended with */
export function listTokens(tx: Queryable, first: number, after: string | undefined): Promise<TokenRow[]> {
  const last = sql`(select t.created_at, t.id from tokens t where t.id = ${after})`;
  const older = after === undefined ? undefined : sql`(${tokens.createdAt}, ${tokens.id}) < ${last}`;
  return tx.select().from(tokens).where(older).orderBy(desc(tokens.createdAt), desc(tokens.id)).limit(first);
}

export async function findToken(tx: Queryable, id: string): Promise<TokenRow | undefined> {
  const [row] = await tx.select().from(tokens).where(eq(tokens.id, id));
  return row;
}

/** @returns the number of ADMIN tokens that are good now, and will be after so many days unless somebody revokes them */
export async function countAdmins(tx: Queryable, days = 0): Promise<number> {
  const isGood = or(isNull(tokens.expiresAt), gt(tokens.expiresAt, sql`now() + make_interval(days => ${days})`));
  return tx.$count(tokens, and(eq(tokens.kind, 'USER'), eq(tokens.role, 'ADMIN'), isNull(tokens.revokedAt), isGood));
}
