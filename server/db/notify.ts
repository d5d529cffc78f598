import { sql } from 'drizzle-orm';
import type { Queryable } from './connect.ts';

export const CHANNEL = 'graphium';

/** Topics of the bus. NOTIFY carries these names and nothing else; Postgres delivers them when the transaction commits. */
export const topic = {
  /** The agent's set of pending tasks. */
  pending: (agentId: string) => `pending:${agentId}`,
  /** The agent got a newer session, was removed or quarantined. */
  session: (agentId: string) => `session:${agentId}`,
  /** A token was revoked. */
  token: (tokenId: string) => `token:${tokenId}`,
  deployment: (id: string) => `deployment:${id}`,
  stacks: 'stacks',
  agents: 'agents',
  tasks: 'tasks',
} as const;

export async function notify(tx: Queryable, topics: Iterable<string>): Promise<void> {
  const unique = [...new Set(topics)];
  if (unique.length === 0) return;
  await tx.execute(
    sql`select pg_notify(${CHANNEL}, topic) from jsonb_array_elements_text(${JSON.stringify(unique)}::jsonb) as topic`,
  );
}
