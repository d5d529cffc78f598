import { sql } from 'drizzle-orm';
import { type Actor, audit, GRAPHIUM } from '../base/audit.ts';
import { GraphiumError, notFound } from '../base/errors.ts';
import { transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import type { Db, Queryable } from '../db/types.ts';
import { createSecret, hashOf, type TokenKind, toToken } from './secret.ts';
import { countAdmins, insertToken, type NewToken, revoke, type TokenRow } from './store.ts';

export type IssuedToken = { token: TokenRow; secret: string };

/** Makes a token of any kind; its secret exists only in the returned value, and with whoever gave it. */
export async function issueToken(
  tx: Queryable,
  kind: TokenKind,
  values: Omit<NewToken, 'hash' | 'kind'>,
  secret: string = createSecret(),
): Promise<IssuedToken> {
  const token = await insertToken(tx, { ...values, kind, hash: hashOf(secret) });
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
      expiresAt,
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
      expiresAt: sql`now() + make_interval(mins => ${JOIN_TOKEN_MINUTES})`,
    });
    await audit(tx, actor, 'createJoinToken', issued.token.id, { agentName: input.agentName });
    return issued;
  });
}

/** Revokes a token; the notification ends living sockets and subscriptions at once. */
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

/** Whoever reads the log or the terminal of the first start later finds nothing that is good for ever. */
const FIRST_ADMIN_DAYS = 30;

/** Makes the ADMIN token of a server's first start; undefined if there is one that can be used. */
export function createFirstAdminToken(db: Db): Promise<IssuedToken | undefined> {
  return transact(db, async (tx) => {
    await lockAdmins(tx);
    if ((await countAdmins(tx)) > 0) return undefined;
    return issueToken(tx, 'USER', {
      name: 'first admin',
      role: 'ADMIN',
      createdBy: GRAPHIUM.name,
      expiresAt: sql`now() + make_interval(days => ${FIRST_ADMIN_DAYS})`,
    });
  });
}

/** Lets one transaction at a time count the ADMIN tokens: two people that revoke each other must not both succeed. */
async function lockAdmins(tx: Queryable): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(7277343)`);
}

/** Makes the token in the command that the first start prints. */
export function createFirstJoinToken(db: Db): Promise<IssuedToken> {
  return createJoinToken(db, GRAPHIUM, { agentName: null, labels: {} });
}
