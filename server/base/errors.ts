/**
 * The catalogue of error codes. The API shows it as `errorCodes`, and the README has it as a table.
 *
 * Every expected error of a request has a code of ERROR_CODES, which becomes `extensions.code`. Whatever else is thrown is
 * a fault of ours: it is masked as INTERNAL and logged once.
 */
export const ERROR_CODES = {
  UNAUTHENTICATED: 'No valid token was sent in the Authorization header or in `connection_init`.',
  FORBIDDEN: "The token's kind or role does not allow this.",
  NOT_FOUND: 'The object does not exist, or the token may not see it.',
  BAD_INPUT: 'An argument has a value that is not allowed, or the query itself is not valid.',
  STACK_INVALID: 'The stack file has problems; `problems` lists each with code, path, line and column.',
  STACK_FORMAT_CONFLICT: 'A stack of this name exists and was deployed from a file in the other format.',
  UNKNOWN_HOST: 'The stack file names a host that has no agent.',
  NO_AGENT_AVAILABLE: 'No agent is online to place a container on.',
  NO_AGENT_FITS: 'No agent meets the requirements of a service; `problems` has the reason for each agent.',
  NAME_IN_USE: 'Another stack already uses a container name on that host.',
  PORT_IN_USE: 'Another stack already publishes a port on that host.',
  IDEMPOTENCY_KEY_REUSED:
    'The idempotency key was used before with different input; `deploymentId` is the deployment that it made.',
  PLAN_CHANGED:
    'The operation would no longer do what the given plan said; `planHash` is the hash of the new plan. Nothing was changed.',
  SECRET_KEY_MISMATCH: "A stored secret cannot be decrypted with this server's key.",
  CONFLICT: 'The current state of the object does not allow this.',
  SESSION_LOST: "The agent's session has ended or was replaced; the agent must open a new one.",
  AGENT_QUARANTINED: 'Two processes used the same credential; enroll the agent again with a new join token.',
  TOO_LARGE: 'The request is larger than allowed.',
  LIMIT_EXCEEDED: 'The query exceeds a limit on depth, cost, aliases, directives or tokens.',
  RATE_LIMITED:
    'The token or its address has too much under way at a time, or too many wrong tokens came from the address; try again after `retryAfterSeconds`.',
  UNAVAILABLE:
    'The database cannot be reached or is busy; try again after `retryAfterSeconds` with the same idempotency key.',
  INTERNAL: "An unexpected error in the server; the server's log has the details.",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * Why a task failed or a deployment did not succeed. Agents report these codes; the last five are the server's own. An
 * agent may be newer than the server, so any other code is passed on as it is.
 */
export const TASK_ERROR_CODES = {
  IMAGE_NOT_FOUND: 'The registry has no such image, tag or architecture, or the name is not valid.',
  IMAGE_MISSING: 'The image is not on the host, and its pull policy is `never`.',
  PULL_DENIED: 'The registry requires credentials that the host does not have.',
  PULL_FAILED: 'The image could not be pulled: the registry was not reached, failed, or limits the rate. Retried.',
  PORT_IN_USE: 'A port that the container publishes is already in use on the host.',
  NAME_CONFLICT: 'The host has a container of this name that Graphium did not create.',
  NAME_NOT_FREE: 'Docker has not released the name of a removed container yet. Retried.',
  NETWORK_CONFLICT:
    'A network of this name belongs to someone else or has other settings and is in use, or its subnet overlaps with another.',
  NETWORK_MISSING: 'An external network does not exist on the host.',
  VOLUME_CONFLICT: 'A volume of this name exists with another driver or other options.',
  VOLUME_MISSING: 'An external volume does not exist on the host.',
  CREATE_FAILED: 'Docker could not create the container, a network or a volume, or a file could not be written.',
  START_FAILED: 'Docker could not start the container, or started it without its ports.',
  STOP_FAILED: 'Docker could not stop the container.',
  RENAME_FAILED: 'Docker could not rename the container.',
  REMOVE_FAILED: 'Docker could not remove the container, network or volume.',
  CONTAINER_EXITED: 'The container ended when it should have kept running, or ended with an exit code other than 0.',
  CONTAINER_MISSING: 'Somebody else removed the container while the agent was checking it.',
  HEALTH_CHECK_FAILED: 'The health check failed as many times in a row as its `retries` allow.',
  HEALTH_CHECK_TIMEOUT: 'The health check gave no verdict in time.',
  STALE_REVISION: 'The host already has a newer revision of the container than the one that the task is about.',
  POLICY_DENIED: "The host's policy does not allow what the stack file asks for.",
  SECRETS_UNSUPPORTED: 'The agent has no place in memory to keep secrets on, or cannot give them the owner asked for.',
  ENGINE_TOO_OLD: "The host's Docker engine is too old for something in the stack file.",
  SPEC_UNSUPPORTED: 'The agent is too old to understand the task; update the agent.',
  ENGINE_UNREACHABLE: "The host's Docker engine does not answer. Retried.",
  TIMEOUT:
    "Something else on the host keeps changing the stack's containers, so the task never came to an end. Retried.",
  INTERNAL: "An unexpected error in the agent; the agent's log has the details.",
  AGENT_LOST: 'The agent was lost three times while it worked on the task, which may be what ends the agent.',
  DEADLINE_EXCEEDED: 'The task or the deployment exceeded its time limit.',
  SECRET_KEY_MISMATCH: "A stored secret cannot be decrypted with the server's key.",
  CANCELLED: 'The deployment was cancelled on request, or because an agent was removed.',
  UNKNOWN: 'The agent gave no reason.',
} as const;

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
