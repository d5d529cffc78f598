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
import { revokeTokensOfAgent, useJoinToken } from '../tokens/store.ts';

export type Credential = { agentId: string; name: string; secret: string };

/**
 * Trades a join token for a credential. A join token made for one name may replace the agent of that name, whose credential
 * then stops working; any other may only add a new agent.
 */
export async function enrollAgent(
  db: Db,
  join: Join,
  input: { name: string; labels: Record<string, string> },
): Promise<Credential> {
  checkAgentName(input.name);
  try {
    return await transact(db, (tx) => enroll(tx, join, input));
  } catch (error) {
    if (postgresError(error)?.constraint_name === 'agents_name') throw nameTaken(input.name);
    throw error;
  }
}

/** The join token, and where it came from. */
type Join = { tokenId: string; address: string };

async function enroll(tx: Tx, { tokenId, address }: Join, input: { name: string; labels: Record<string, string> }) {
  const join = await useJoinToken(tx, tokenId);
  if (!join) throw new GraphiumError('UNAUTHENTICATED', 'The join token was used or has expired.');
  if (join.agentName !== null && join.agentName !== input.name) {
    throw new GraphiumError('FORBIDDEN', `This join token is for the agent "${join.agentName}".`);
  }
  const existing = await findAgent(tx, input.name);
  if (existing && join.agentName === null) throw nameTaken(input.name);
  // What an administrator set counts for more than what an agent says of itself.
  const labels = { ...input.labels, ...existing?.labels, ...join.labels };
  const agentId = existing ? await replace(tx, existing.id, labels) : await insert(tx, input.name, labels);
  const { secret } = await issueToken(tx, 'AGENT', { agentId, name: input.name, createdBy: join.createdBy });
  await audit(tx, { name: input.name, tokenId, address }, 'enrollAgent', input.name, { again: existing !== undefined });
  await notify(tx, [topic.agents]);
  return { agentId, name: input.name, secret };
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
