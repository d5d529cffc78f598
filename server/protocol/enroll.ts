import { eq, sql } from 'drizzle-orm';
import { checkAgentName } from '../agents/name.ts';
import { findAgent } from '../agents/store.ts';
import { audit } from '../base/audit.ts';
import { GraphiumError } from '../base/errors.ts';
import { postgresError, transact } from '../db/connect.ts';
import { notify, topic } from '../db/notify.ts';
import { agents } from '../db/tables.ts';
import type { Db, Tx } from '../db/types.ts';
import { issueToken } from '../tokens/issue.ts';
import { isSecret, isSecretOf, toToken } from '../tokens/secret.ts';
import { findTraded, noteTrade, revokeTokensOfAgent, useJoinToken } from '../tokens/store.ts';

export type Credential = { agentId: string; name: string; secret: string };

type Enrollment = {
  name: string;
  labels: Record<string, string>;
  /** Made by the agent, who can then ask again if the answer is lost. */
  secret: string | undefined;
};

/**
 * Trades a join token for a credential. A join token made for one name may replace the agent of that name, whose credential
 * then stops working; any other may only add a new agent. Asked again with the same secret, it answers the same.
 */
export async function enrollAgent(db: Db, join: Join, input: Enrollment): Promise<Credential> {
  checkAgentName(input.name);
  if (input.secret !== undefined && !isSecret(input.secret)) {
    throw new GraphiumError('BAD_INPUT', 'secret: expected 43 characters of base64url, which are 256 random bits.');
  }
  try {
    return await transact(db, (tx) => enroll(tx, join, input));
  } catch (error) {
    if (postgresError(error)?.constraint_name === 'agents_name') throw nameTaken(input.name);
    throw error;
  }
}

/** The join token, and where it came from. */
type Join = { tokenId: string; address: string };

async function enroll(tx: Tx, { tokenId, address }: Join, input: Enrollment): Promise<Credential> {
  const join = await useJoinToken(tx, tokenId);
  if (!join) return answerAgain(tx, tokenId, input);
  if (join.agentName !== null && join.agentName !== input.name) {
    throw new GraphiumError('FORBIDDEN', `This join token is for the agent "${join.agentName}".`);
  }
  const existing = await findAgent(tx, input.name);
  if (existing && join.agentName === null) throw nameTaken(input.name);
  // What an administrator set counts for more than what an agent says of itself.
  const labels = { ...input.labels, ...existing?.labels, ...join.labels };
  const agentId = existing ? await replace(tx, existing.id, labels) : await insert(tx, input.name, labels);
  const values = { agentId, name: input.name, createdBy: join.createdBy };
  const { token, secret } = await issueToken(tx, 'AGENT', values, input.secret);
  await noteTrade(tx, tokenId, token.id);
  await audit(tx, { name: input.name, tokenId, address }, 'enrollAgent', input.name, { again: existing !== undefined });
  await notify(tx, [topic.agents]);
  return { agentId, name: input.name, secret };
}

/** Only whoever made the secret gets this answer, for whom the first one was lost. */
async function answerAgain(tx: Tx, joinId: string, { name, secret }: Enrollment): Promise<Credential> {
  const traded = secret === undefined ? undefined : await findTraded(tx, joinId);
  if (!secret || !traded?.agentId || traded.name !== name || !isSecretOf(secret, traded.hash)) {
    throw new GraphiumError('UNAUTHENTICATED', 'The join token was used or has expired.');
  }
  return { agentId: traded.agentId, name, secret: toToken('AGENT', traded.id, secret) };
}

async function insert(tx: Tx, name: string, labels: Record<string, string>): Promise<string> {
  const [row] = await tx.insert(agents).values({ name, labels }).returning({ id: agents.id });
  if (!row) throw new Error('insert returned no row');
  return row.id;
}

async function replace(tx: Tx, id: string, labels: Record<string, string>): Promise<string> {
  const revoked = await revokeTokensOfAgent(tx, id);
  await tx
    .update(agents)
    .set({
      labels,
      quarantinedAt: null,
      takeovers: 0,
      replacedInstances: [],
      sessionEpoch: sql`${agents.sessionEpoch} + 1`,
    })
    .where(eq(agents.id, id));
  await notify(tx, revoked.map(topic.token));
  return id;
}

const nameTaken = (name: string) =>
  new GraphiumError(
    'CONFLICT',
    `There is an agent "${name}" already. To replace it, use a join token made for that name; or choose another with --name.`,
  );
