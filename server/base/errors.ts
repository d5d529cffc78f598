/**
 * Every expected error has a stable code here, which becomes `extensions.code`. Whatever else is thrown is a fault of
 * ours: it is masked as INTERNAL and logged once.
 */
export const ERROR_CODES = {
  UNAUTHENTICATED: 'No valid token was sent in the Authorization header or connection_init.',
  FORBIDDEN: 'The token is of the wrong kind, or its role does not allow this.',
  NOT_FOUND: 'There is no such thing, or it is not yours to see.',
  BAD_INPUT: 'An argument has a value that is not allowed.',
  STACK_INVALID: 'The stack file has problems; `problems` lists each with code, path, line and column.',
  STACK_FORMAT_CONFLICT: 'A stack with this name exists and came from another format.',
  UNKNOWN_HOST: 'The stack file names a host that has no agent.',
  NO_AGENT_AVAILABLE: 'No online agent is left to place a container on.',
  NO_AGENT_FITS: 'No agent satisfies what the service asks for; `problems` has the reason for each agent.',
  NAME_IN_USE: 'A container name is already used by another stack on that host.',
  PORT_IN_USE: 'A host port is already published by another stack on that host.',
  IDEMPOTENCY_KEY_REUSED: 'The idempotency key was used before, with another input.',
  PLAN_CHANGED: 'What would be done is not what the given plan said; `planHash` is that of the new plan.',
  SECRET_KEY_MISMATCH: 'A stored secret cannot be opened with the key of this server.',
  CONFLICT: 'The thing is in a state that does not allow this.',
  SESSION_LOST: "The agent's session is not the live one; it must open a new one.",
  AGENT_QUARANTINED: 'Two processes use one credential; enrol the agent again with a new join token.',
  TOO_LARGE: 'The request is larger than allowed.',
  LIMIT_EXCEEDED: 'The operation exceeds a limit of depth, cost, aliases, directives or tokens.',
  UNAVAILABLE: 'The database cannot be reached now; try again with the same idempotency key.',
  INTERNAL: 'A fault of the server; its log has the details.',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export class GraphiumError extends Error {
  readonly code: ErrorCode;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, details: Record<string, unknown> = {}) {
    super(message);
    this.name = 'GraphiumError';
    this.code = code;
    this.details = details;
  }
}

export const notFound = (what: string, name: string) =>
  new GraphiumError('NOT_FOUND', `There is no ${what} "${name}".`);
