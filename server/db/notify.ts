import { sql } from 'drizzle-orm';
import type { Queryable } from './types.ts';

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
  /** Something is to be done at a time that is nearer than it was, or at once: a pause ends, a rollback is to be planned. */
  due: 'due',
  stacks: 'stacks',
  agents: 'agents',
  tasks: 'tasks',
} as const;

/** Topics that wait for the end of their transaction: many steps of one name the same. */
const collected = new WeakMap<Queryable, Set<string>>();

/** Within `transact` the topics go out together, last; elsewhere at once. */
export async function notify(tx: Queryable, topics: Iterable<string>): Promise<void> {
  const waiting = collected.get(tx);
  if (!waiting) return send(tx, new Set(topics));
  for (const topic of topics) waiting.add(topic);
}

/** Runs `work` and then sends what it notified, in the same transaction. */
export async function withNotifications<Q extends Queryable, T>(tx: Q, work: (tx: Q) => Promise<T>): Promise<T> {
  const topics = new Set<string>();
  collected.set(tx, topics);
  const result = await work(tx);
  await send(tx, topics);
  return result;
}

async function send(tx: Queryable, topics: ReadonlySet<string>): Promise<void> {
  if (topics.size === 0) return;
  await tx.execute(
    sql`select pg_notify(${CHANNEL}, topic) from jsonb_array_elements_text(${JSON.stringify([...topics])}::jsonb) as topic`,
  );
}
