import { auditLog } from '../db/tables.ts';
import type { Queryable } from '../db/types.ts';

/** Who acts: a person's or CI's token, an agent, or Graphium itself. */
export type Actor = { name: string; tokenId: string | null };

export const GRAPHIUM: Actor = { name: 'graphium', tokenId: null };

export async function audit(
  tx: Queryable,
  actor: Actor,
  action: string,
  target: string,
  detail: Record<string, unknown> = {},
): Promise<void> {
  await tx.insert(auditLog).values({ actor: actor.name, tokenId: actor.tokenId, action, target, detail });
}
