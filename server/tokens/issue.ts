import { sql } from 'drizzle-orm';
import { type Actor, audit, GRAPHIUM } from '../base/audit.ts';
import { GraphiumError, notFound } from '../base/errors.ts';
import { transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import type { Db, Queryable } from '../db/types.ts';
import { createSecret, type TokenKind, toToken } from './secret.ts';
import { countAdmins, insertToken, type NewToken, revoke, type TokenRow } from './store.ts';

export type IssuedToken = { token: TokenRow; secret: string };

/** Makes a token of any kind; its secret exists only in the returned value. */
export async function issueToken(
  tx: Queryable,
  kind: TokenKind,
  values: Omit<NewToken, 'hash' | 'kind'>,
): Promise<IssuedToken> {
  const { secret, hash } = createSecret();
  const token = await insertToken(tx, { ...values, kind, hash });
  return { token, secret: toToken(kind, token.id, secret) };
}

export function createUserToken(
  db: Db,
  actor: Actor,
  input: { name: string; role: 'VIEWER' | 'OPERATOR' | 'ADMIN'; expiresInDays: number | null },
): Promise<IssuedToken> {
  return transact(db, async (tx) => {
    const expiresAt = input.expiresInDays === null ? null : sql`now() + make_interval(days => ${input.expiresInDays})`;
    const issued = await issueToken(tx, 'USER', {
      name: input.name,
      role: input.role,
      createdBy: actor.name,
      expiresAt: expiresAt as never,
    });
    await audit(tx, actor, 'createToken', issued.token.id, { name: input.name, role: input.role });
    return issued;
  });
}

export const JOIN_TOKEN_MINUTES = 15;

export function createJoinToken(
  db: Db,
  actor: Actor,
  input: { agentName: string | null; labels: Record<string, string> },
): Promise<IssuedToken> {
  return transact(db, async (tx) => {
    const issued = await issueToken(tx, 'JOIN', {
      name: `join ${input.agentName ?? 'any agent'}`,
      agentName: input.agentName,
      labels: input.labels,
      createdBy: actor.name,
      expiresAt: sql`now() + make_interval(mins => ${JOIN_TOKEN_MINUTES})` as never,
    });
    await audit(tx, actor, 'createJoinToken', issued.token.id, { agentName: input.agentName });
    return issued;
  });
}

/** Takes effect on living sockets and subscriptions at once, through the notification. */
export function revokeToken(db: Db, actor: Actor, id: string): Promise<TokenRow> {
  return transact(db, async (tx) => {
    await lockAdmins(tx);
    const row = await revoke(tx, id);
    if (!row) throw notFound('token', id);
    if (row.role === 'ADMIN' && (await countAdmins(tx)) === 0) {
      throw new GraphiumError('CONFLICT', 'This is the last ADMIN token; create another one before you revoke it.');
    }
    await audit(tx, actor, 'revokeToken', id);
    await notify(tx, [topic.token(id)]);
    return row;
  });
}

/** The first start of a server: an ADMIN token when there is none that can be used. */
export function createFirstAdminToken(db: Db): Promise<IssuedToken | undefined> {
  return transact(db, async (tx) => {
    await lockAdmins(tx);
    if ((await countAdmins(tx)) > 0) return undefined;
    return issueToken(tx, 'USER', { name: 'first admin', role: 'ADMIN', createdBy: GRAPHIUM.name });
  });
}

/** Whoever counts the ADMIN tokens does it alone: two that revoke each other must not both succeed. */
async function lockAdmins(tx: Queryable): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(7277343)`);
}

/** For the command that the first start prints. */
export function createFirstJoinToken(db: Db): Promise<IssuedToken> {
  return createJoinToken(db, GRAPHIUM, { agentName: null, labels: {} });
}
