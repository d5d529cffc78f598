import { type Actor, GRAPHIUM } from '../base/audit.ts';
import { GraphiumError } from '../base/errors.ts';
import type { Bus, LiveOptions } from '../base/live.ts';
import type { Db } from '../db/connect.ts';
import { topic } from '../db/notify.ts';
import type { AgentSockets, Socket } from '../protocol/sockets.ts';
import type { Vault } from '../secrets/seal.ts';
import { fromToken, isSecretOf } from '../tokens/secret.ts';
import { findUsableToken } from '../tokens/store.ts';
import { createLoaders, type Loaders } from './loaders.ts';

export type Role = 'VIEWER' | 'OPERATOR' | 'ADMIN';

/** Who calls. The kinds are separate worlds: a user's token never acts as an agent and the other way round. */
export type Caller =
  | { kind: 'USER'; tokenId: string; name: string; role: Role }
  | { kind: 'JOIN'; tokenId: string; name: string; agentName: string | null; labels: Record<string, string> }
  | { kind: 'AGENT'; tokenId: string; name: string; agentId: string };

/** What one server process shares between all requests. */
export type Services = {
  db: Db;
  bus: Bus;
  sockets: AgentSockets;
  vault: Vault;
  clusterId: string;
  publicUrl: string;
};

export type Context = Services & {
  caller: Caller | undefined;
  actor: Actor;
  load: Loaders;
  /** The WebSocket the operation came over; undefined over HTTP. */
  socket: Socket | undefined;
  /** A subscription's source: like the bus's, and it ends with an error once the caller's token is revoked. */
  live<T>(topics: readonly string[], read: () => Promise<T>, options?: LiveOptions<T>): AsyncIterableIterator<T>;
};

/** @param authorization the value of the header, or of `authorization` in the payload of `connection_init` */
export async function authenticate(db: Db, authorization: unknown): Promise<Caller | undefined> {
  if (authorization === undefined || authorization === null || authorization === '') return undefined;
  const match = typeof authorization === 'string' ? /^Bearer (\S+)$/i.exec(authorization) : null;
  const token = match?.[1] === undefined ? undefined : fromToken(match[1]);
  if (!token) throw new GraphiumError('UNAUTHENTICATED', 'Expected "Authorization: Bearer gph_…".');
  const found = await findUsableToken(db, token.id);
  if (found?.token.kind !== token.kind || !isSecretOf(token.secret, found.token.hash)) {
    throw new GraphiumError('UNAUTHENTICATED', 'The token is unknown, was revoked, was used or has expired.');
  }
  const { id: tokenId, name, role, agentName, labels } = found.token;
  if (token.kind === 'JOIN') return { kind: 'JOIN', tokenId, name, agentName, labels };
  if (token.kind === 'AGENT' && found.agent) {
    return { kind: 'AGENT', tokenId, name: found.agent.name, agentId: found.agent.id };
  }
  return { kind: 'USER', tokenId, name, role: role ?? 'VIEWER' };
}

export function createContext(services: Services, caller: Caller | undefined, socket: Socket | undefined): Context {
  const { db, bus } = services;
  return {
    ...services,
    caller,
    actor: caller ? { name: caller.name, tokenId: caller.tokenId } : GRAPHIUM,
    load: createLoaders(db),
    socket,
    live(topics, read, options) {
      if (!caller) return bus.live(topics, read, options);
      let revoked = false;
      const revocation = topic.token(caller.tokenId);
      const onEnd = bus.on([revocation], () => (revoked = true));
      return bus.live([...topics, revocation], readUnlessRevoked, { ...options, onEnd });
      async function readUnlessRevoked() {
        if (revoked && !(await findUsableToken(db, caller?.tokenId ?? ''))) {
          throw new GraphiumError('UNAUTHENTICATED', 'The token was revoked.');
        }
        revoked = false;
        return read();
      }
    },
  };
}
