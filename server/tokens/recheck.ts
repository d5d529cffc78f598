import type { Bus } from '../base/live.ts';
import { topic } from '../db/notify.ts';
import type { Db } from '../db/types.ts';
import { listUsableTokens } from './store.ts';

/**
 * Looks again at the tokens of all that is open, sockets and streams alike: one that has expired says so to nobody, and the
 * notification of one that was revoked may have been lost.
 */
export async function recheckTokens({ db, bus }: { db: Db; bus: Bus }): Promise<void> {
  const prefix = topic.token('');
  const ids = bus.topics(prefix).map((one) => one.slice(prefix.length));
  if (ids.length === 0) return;
  const usable = new Set(await listUsableTokens(db, ids));
  for (const id of ids) if (!usable.has(id)) bus.poke(topic.token(id));
}
