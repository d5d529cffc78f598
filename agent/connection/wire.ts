/**
 * What a connection to the server is, whichever way it goes, and everything that can go wrong on it.
 * A wire is disposable: it is opened once, ends once, and is never mended.
 */

export type Transport = 'STREAM' | 'POLL';

export type Wire = {
  readonly transport: Transport;
  /** Resolves, never rejects, with the reason for the end. A polling wire ends only by `close()`. */
  readonly closed: Promise<ApiError>;
  /** One operation's `data`. Rejects with ApiError. */
  request(query: string, variables: unknown): Promise<unknown>;
  /** Whatever goes wrong with the subscription ends the wire. Streaming wires only. */
  subscribe(query: string, variables: unknown, next: (data: unknown) => void): void;
  /** Drops the connection: to the server it looks like a broken link, so a session on it can be taken up again. */
  close(): void;
  /** Says goodbye first: the server ends the session now and not with its lease. Resolves when it has heard it, or after 1 s. */
  leave(): Promise<void>;
};

/**
 * `code` is the server's `extensions.code`, or one of ours:
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

export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (Array.isArray(error)) return fromGraphQLErrors(error);
  return new ApiError('NETWORK', messageOf(error));
}

/** `errors` of an answer: the first one decides, the others only add their messages. */
export function fromGraphQLErrors(errors: readonly unknown[]): ApiError {
  const first = errors[0] as { extensions?: { code?: unknown } } | undefined;
  const code = typeof first?.extensions?.code === 'string' ? first.extensions.code : 'INTERNAL';
  return new ApiError(code, errors.map(messageOf).join('; ') || 'the server gave no reason');
}

const CLOSE_CODES: Record<number, string> = { 4401: 'UNAUTHENTICATED', 4403: 'UNAUTHENTICATED', 4410: 'REPLACED' };

/** An end that says something about this agent keeps its code; before the acknowledgement any other means that streaming cannot be had. */
export function fromClose(code: number, reason: string, acknowledged: boolean): ApiError {
  const other = acknowledged ? 'CLOSED' : 'STREAM_REFUSED';
  return new ApiError(
    CLOSE_CODES[code] ?? other,
    `the server closed the stream (${code}${reason ? ` ${reason}` : ''})`,
  );
}

/** Where nobody answers, or somebody with the wrong certificate, HTTP would meet the same. */
const NOT_THE_UPGRADE =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|CERT_|ERR_TLS_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/;

export function fromSocketError(error: unknown, acknowledged: boolean): ApiError {
  const cause = (error as { error?: unknown })?.error ?? error;
  const down = NOT_THE_UPGRADE.test(String((cause as { code?: unknown })?.code));
  return new ApiError(acknowledged || down ? 'NETWORK' : 'STREAM_REFUSED', messageOf(cause));
}

/** fetch and happy eyeballs hide the reason one or two levels down. */
export function messageOf(error: unknown): string {
  const { message, cause, errors, code } = (error ?? {}) as Record<string, unknown>;
  if (cause) return messageOf(cause);
  if (!message && Array.isArray(errors) && errors.length > 0) return messageOf(errors[0]);
  return String(message || code || error);
}
