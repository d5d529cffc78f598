/**
 * Defines a connection to the server, by stream or by polling, and everything that can go wrong on it. A wire is
 * disposable: it opens once, ends once, and is never mended.
 */

export type Transport = 'STREAM' | 'POLL';

export type Wire = {
  readonly transport: Transport;
  /** Resolves with the reason for the end and never rejects. A polling wire ends only by `close()`. */
  readonly closed: Promise<ApiError>;
  /** Resolves with one operation's `data`. Rejects with ApiError. */
  request(query: string, variables: unknown): Promise<unknown>;
  /** Works on streaming wires only. Any failure of the subscription ends the wire. */
  subscribe(query: string, variables: unknown, next: (data: unknown) => void): void;
  /** Drops the connection. To the server it looks like a broken link, so the next session can adopt the work. */
  close(): void;
  /** Says goodbye first, so that the server ends the session at once instead of with its lease. Resolves within 1 s. */
  leave(): Promise<void>;
};

/**
 * `code` is the server's `extensions.code` or one of the agent's own:
 * NETWORK (not reachable, or the link broke), STREAM_REFUSED (no WebSocket to be had, HTTP may work), TIMEOUT,
 * BAD_ANSWER (not GraphQL: a proxy's page), CLOSED, REPLACED (a newer session of this agent took over).
 */
export class ApiError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
  }
}

/** The server has read the operation and will never take it: to send it again in the next session would change nothing. */
const REFUSALS = new Set(['BAD_INPUT', 'TOO_LARGE', 'LIMIT_EXCEEDED', 'NOT_FOUND']);
export const isRefused = (error: unknown): boolean => error instanceof ApiError && REFUSALS.has(error.code);

export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (Array.isArray(error)) return fromGraphQLErrors(error);
  return new ApiError('NETWORK', messageOf(error));
}

/** Takes the code from the first error of an answer; the others only add their messages. */
export function fromGraphQLErrors(errors: readonly unknown[]): ApiError {
  const first = errors[0] as { extensions?: { code?: unknown } } | undefined;
  const code = typeof first?.extensions?.code === 'string' ? first.extensions.code : 'INTERNAL';
  return new ApiError(code, errors.map(messageOf).join('; ') || 'the server gave no reason');
}

const CLOSE_CODES: Record<number, string> = {
  1013: 'CLOSED',
  4401: 'UNAUTHENTICATED',
  4403: 'UNAUTHENTICATED',
  4410: 'REPLACED',
};

/** Keeps a code that concerns this agent. Any other end before the acknowledgement means that streaming is not possible. */
export function fromClose(code: number, reason: string, acknowledged: boolean): ApiError {
  const other = acknowledged ? 'CLOSED' : 'STREAM_REFUSED';
  return new ApiError(
    CLOSE_CODES[code] ?? other,
    `the server closed the stream (${code}${reason ? ` ${reason}` : ''})`,
  );
}

/** If nobody answers, or the certificate is wrong, HTTP fails in the same way. */
const NOT_THE_UPGRADE =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|CERT_|ERR_TLS_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/;

export function fromSocketError(error: unknown, acknowledged: boolean): ApiError {
  const cause = (error as { error?: unknown })?.error ?? error;
  const down = NOT_THE_UPGRADE.test(String((cause as { code?: unknown })?.code));
  return new ApiError(acknowledged || down ? 'NETWORK' : 'STREAM_REFUSED', messageOf(cause));
}

/** Digs out the reason: fetch, and connecting to several addresses at once, hide it one or two levels down. */
export function messageOf(error: unknown): string {
  const { message, cause, errors, code } = (error ?? {}) as Record<string, unknown>;
  if (cause) return messageOf(cause);
  if (!message && Array.isArray(errors) && errors.length > 0) return messageOf(errors[0]);
  return String(message || code || error);
}
