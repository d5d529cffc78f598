/**
 * Bounds how often an address may try tokens that are none: each try is a look into the database. The first of a minute and the
 * one after which no more are taken are told, so that the audit log shows them and nobody can fill it.
 * Whoever came with a good token lately is let in all the same, for many people may share one address, a proxy's.
 */
import type { IncomingMessage } from 'node:http';
import { GraphiumError } from '../base/errors.ts';
import type { Caller } from '../schema/context.ts';
import { authenticate, type Databases, readToken } from './context.ts';
import { networkOf } from './presence.ts';

const WINDOW_MS = 60_000;

export type Attempts = {
  /** @throws GraphiumError RATE_LIMITED, with 429 and when to come back */
  check(address: string, tokenId: string | undefined): void;
  failed(address: string): void;
  succeeded(tokenId: string): void;
};

/**
 * @param authorization as for `authenticate`
 * @param address where the request came from
 * @throws GraphiumError UNAUTHENTICATED, RATE_LIMITED
 */
export async function authenticateFrom(
  address: string,
  authorization: unknown,
  { attempts, services }: { attempts: Attempts; services: Databases },
): Promise<Caller | undefined> {
  if (authorization === undefined || authorization === null || authorization === '') return undefined;
  attempts.check(address, readToken(authorization)?.id);
  try {
    const caller = await authenticate(services, authorization);
    if (caller) attempts.succeeded(caller.tokenId);
    return caller;
  } catch (error) {
    if (error instanceof GraphiumError && error.code === 'UNAUTHENTICATED') attempts.failed(address);
    throw error;
  }
}

/** Behind a proxy that is the proxy's, for whoever comes can write a header as he likes. */
export const addressOf = (request: IncomingMessage | undefined): string =>
  request?.socket.remoteAddress ?? 'this process';

/** Two windows of a minute are remembered, so that nobody is forgotten at the turn of a minute. */
type Window = { begunMs: number; failures: Map<string, number>; good: Set<string>; told: number };

/** In a minute, of all addresses together. */
const MOST_TOLD = 100;

/** @param tell hears of an address that fails for the first time in a minute, and of one that is shut out */
export function createAttempts(
  failuresPerMinute: number,
  tell: (address: string, failures: number) => void,
  nowMs: () => number = Date.now,
): Attempts {
  const fresh = (): Window => ({ begunMs: nowMs(), failures: new Map(), good: new Set(), told: 0 });
  let before = fresh();
  let current = fresh();

  function turn(): Window {
    if (nowMs() - current.begunMs < WINDOW_MS) return current;
    before = current;
    current = fresh();
    return current;
  }

  return {
    check(from, tokenId) {
      const address = networkOf(from);
      const { begunMs, failures, good } = turn();
      if ((failures.get(address) ?? 0) < failuresPerMinute) return;
      if (tokenId !== undefined && (good.has(tokenId) || before.good.has(tokenId))) return;
      throw refused(Math.max(1, Math.ceil((begunMs + WINDOW_MS - nowMs()) / 1_000)));
    },
    failed(from) {
      const address = networkOf(from);
      const window = turn();
      const failures = (window.failures.get(address) ?? 0) + 1;
      window.failures.set(address, failures);
      if ((failures !== 1 && failures !== failuresPerMinute) || window.told === MOST_TOLD) return;
      window.told += 1;
      tell(address, failures);
    },
    succeeded(tokenId) {
      turn().good.add(tokenId);
    },
  };
}

function refused(retryAfterSeconds: number): GraphiumError {
  const message = `Too many tokens that are none came from this address; try again in ${retryAfterSeconds} s.`;
  return new GraphiumError('RATE_LIMITED', message, {
    retryAfterSeconds,
    http: { status: 429, headers: { 'retry-after': String(retryAfterSeconds) } },
  });
}
