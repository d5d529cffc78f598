import type { Logger } from 'pino';
import type { Actor } from '../base/audit.ts';
import { GraphiumError } from '../base/errors.ts';
import type { LiveOptions } from '../base/live.ts';
import type { Db } from '../db/types.ts';
import type { Load } from './loader.ts';

export type Role = 'VIEWER' | 'OPERATOR' | 'ADMIN';

/** Who calls. A user's token never acts as an agent, nor an agent's as a user. */
export type Caller =
  | { kind: 'USER'; tokenId: string; name: string; role: Role }
  | { kind: 'JOIN'; tokenId: string; name: string; agentName: string | null; labels: Record<string, string> }
  | { kind: 'AGENT'; tokenId: string; name: string; agentId: string };

/** What every resolver gets. */
export type Context = {
  db: Db;
  clusterId: string;
  /** How the caller, and whoever it tells, reaches this server; no slash at the end. */
  serverUrl: string;
  /** Where the client's packets come from, which may be a proxy. */
  address: string;
  caller: Caller | undefined;
  actor: Actor;
  log: Logger;
  load: Load;
  /** The source of a subscription. It works like the bus's, but ends with an error when the caller's token is revoked. */
  live<T>(topics: readonly string[], read: () => Promise<T>, options?: LiveOptions<T>): AsyncIterableIterator<T>;
  /** Ties the session of an agent to the WebSocket that the operation came over; over HTTP it does nothing. */
  bindSession(session: { agentId: string; epoch: number }): void;
};

/** A viewer does not see the values of what people put passwords into. */
export const isViewer = ({ caller }: Pick<Context, 'caller'>): boolean =>
  caller?.kind === 'USER' && caller.role === 'VIEWER';

/** Narrows the caller's type; the scope `agent` has been checked before. @throws GraphiumError FORBIDDEN */
export function agentOf(caller: Caller | undefined): Extract<Caller, { kind: 'AGENT' }> {
  if (caller?.kind === 'AGENT') return caller;
  throw new GraphiumError('FORBIDDEN', 'Only an agent may do this.');
}
