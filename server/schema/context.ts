import type { Actor } from '../base/audit.ts';
import { GraphiumError } from '../base/errors.ts';
import type { LiveOptions } from '../base/live.ts';
import type { Db } from '../db/types.ts';
import type { Vault } from '../secrets/seal.ts';
import type { Load } from './loader.ts';

export type Role = 'VIEWER' | 'OPERATOR' | 'ADMIN';

/** Who calls. The kinds are separate worlds: a user's token never acts as an agent, nor an agent's as a user. */
export type Caller =
  | { kind: 'USER'; tokenId: string; name: string; role: Role }
  | { kind: 'JOIN'; tokenId: string; name: string; agentName: string | null; labels: Record<string, string> }
  | { kind: 'AGENT'; tokenId: string; name: string; agentId: string };

/** What every resolver gets. */
export type Context = {
  db: Db;
  vault: Vault;
  clusterId: string;
  publicUrl: string;
  caller: Caller | undefined;
  actor: Actor;
  load: Load;
  /** A subscription's source: like the bus's, and it ends with an error once the caller's token is revoked. */
  live<T>(topics: readonly string[], read: () => Promise<T>, options?: LiveOptions<T>): AsyncIterableIterator<T>;
  /** Ties the session of an agent to the WebSocket that the operation came over; over HTTP it does nothing. */
  bindSession(session: { agentId: string; epoch: number }): void;
};

/** Narrows the caller for the compiler: the scope `agent` was checked before. @throws GraphiumError FORBIDDEN */
export function agentOf(caller: Caller | undefined): Extract<Caller, { kind: 'AGENT' }> {
  if (caller?.kind === 'AGENT') return caller;
  throw new GraphiumError('FORBIDDEN', 'Only an agent may do this.');
}
