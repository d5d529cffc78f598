import { auditLog } from '../db/tables.ts';
import type { Queryable } from '../db/types.ts';

/** Who acts: a person's or CI's token, an agent, or Graphium itself. */
export type Actor = {
  name: string;
  tokenId: string | null;
  /** Where its packets come from, which may be a proxy; null for Graphium itself. */
  address: string | null;
};

export const GRAPHIUM: Actor = { name: 'graphium', tokenId: null, address: null };

export async function audit(
  tx: Queryable,
  actor: Actor,
  action: string,
  target: string,
  detail: Record<string, unknown> = {},
): Promise<void> {
  const { name, tokenId, address } = actor;
  await tx.insert(auditLog).values({ actor: name, tokenId, address, action, target, detail });
}
