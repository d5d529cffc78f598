import type { Logger } from 'pino';
import { GRAPHIUM } from '../base/audit.ts';
import { GraphiumError } from '../base/errors.ts';
import type { Bus } from '../base/live.ts';
import { type PublicUrl, serverUrlFor } from '../base/server-url.ts';
import { topic } from '../db/notify.ts';
import { readPatiently } from '../db/patience.ts';
import type { Db } from '../db/types.ts';
import type { AgentSockets, Socket } from '../protocol/sockets.ts';
import type { Caller, Context } from '../schema/context.ts';
import { createLoad } from '../schema/loader.ts';
import { fromToken, isSecretOf } from '../tokens/secret.ts';
import { findUsableToken, noteUse, type TokenRow } from '../tokens/store.ts';

/** What all requests to one server process share. */
export type Services = {
  db: Db;
  /** The agents' own connections, so that their work does not wait for what people read. */
  agentDb: Db;
  bus: Bus;
  sockets: AgentSockets;
  clusterId: string;
  publicUrl: PublicUrl;
};

/**
 * Finds out who calls; undefined if no token was sent.
 * @param authorization the value of the header, or of `authorization` in the payload of `connection_init`
 * @throws GraphiumError UNAUTHENTICATED
 */
export async function authenticate(services: Databases, authorization: unknown): Promise<Caller | undefined> {
  if (authorization === undefined || authorization === null || authorization === '') return undefined;
  const token = readToken(authorization);
  if (!token) throw new GraphiumError('UNAUTHENTICATED', 'Expected "Authorization: Bearer gph_…".');
  const found = await findUsableToken(databaseFor(token.kind, services), token.id);
  if (found?.token.kind !== token.kind || !isSecretOf(token.secret, found.token.hash)) {
    throw new GraphiumError('UNAUTHENTICATED', 'The token is unknown, was revoked, was used or has expired.');
  }
  noteUseOf(found.token, services);
  return toCaller(found);
}

const MINUTE_MS = 60_000;
/** The tokens whose use is being noted: of a hundred requests at once, one takes a connection for it. */
const noting = new Set<string>();

/** Nobody waits for the note, and a request that the database cannot note is served all the same. */
function noteUseOf({ id, kind, lastUsedAt }: TokenRow, services: Databases): void {
  if (lastUsedAt !== null && Date.now() - lastUsedAt.getTime() < MINUTE_MS) return;
  if (noting.has(id)) return;
  noting.add(id);
  void noteUse(databaseFor(kind, services), id)
    .catch(() => {})
    .finally(() => noting.delete(id));
}

/** Reads a token as it was sent; nobody has looked yet whether there is one. */
export function readToken(authorization: unknown): ReturnType<typeof fromToken> {
  const match = typeof authorization === 'string' ? /^Bearer (\S+)$/i.exec(authorization) : null;
  return match?.[1] === undefined ? undefined : fromToken(match[1]);
}

export type Databases = Pick<Services, 'db' | 'agentDb'>;

const databaseFor = (kind: Caller['kind'] | undefined, { db, agentDb }: Databases): Db =>
  kind === 'AGENT' ? agentDb : db;

function toCaller({ token, agent }: NonNullable<Awaited<ReturnType<typeof findUsableToken>>>): Caller {
  const { id: tokenId, kind, name, role, agentName, labels } = token;
  if (kind === 'JOIN') return { kind, tokenId, name, agentName, labels };
  if (kind === 'AGENT' && agent) return { kind, tokenId, name: agent.name, agentId: agent.id };
  return { kind: 'USER', tokenId, name, role: role ?? 'VIEWER' };
}

/** Where an operation came from. */
type Way = {
  /** The WebSocket that it came over; undefined over HTTP. */
  socket?: Socket | undefined;
  /** How the client reached this server. */
  origin?: string | undefined;
  /** Where the client's packets come from, which may be a proxy. */
  address: string;
};

export function createContext(
  services: Services,
  log: Logger,
  caller: Caller | undefined,
  { socket, origin, address }: Way,
): Context {
  const { bus, sockets, clusterId, publicUrl } = services;
  const db = databaseFor(caller?.kind, services);
  return {
    db,
    clusterId,
    address,
    serverUrl: serverUrlFor(publicUrl, origin),
    caller,
    log,
    actor: caller ? { name: caller.name, tokenId: caller.tokenId, address } : GRAPHIUM,
    load: createLoad(db),
    bindSession(session) {
      if (socket) sockets.attach(socket, session);
    },
    live(topics, read, options) {
      if (!caller) return bus.live(topics, () => readPatiently(read), options);
      let revoked = false;
      const revocation = topic.token(caller.tokenId);
      const onEnd = bus.on([revocation], () => (revoked = true));
      return bus.live([...topics, revocation], () => readPatiently(readUnlessRevoked), { ...options, onEnd });
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
