import type { CombinedError } from 'urql';

/** What went wrong, in words for people. `code` is the server's `extensions.code`, NETWORK or HTTP_<status>. */
export type Problem = { code: string; title: string; message: string; details: SourceProblem[] };

/** One problem in a stack file. `line` and `column` count from 1. */
export type SourceProblem = {
  code: string;
  message: string;
  path: string | null;
  line: number | null;
  column: number | null;
};

const TITLES: Record<string, string> = {
  UNAUTHENTICATED: 'Not signed in',
  FORBIDDEN: 'Your token does not allow this',
  NOT_FOUND: 'Not found',
  BAD_INPUT: 'The server did not accept this',
  STACK_INVALID: 'This stack file has problems',
  STACK_FORMAT_CONFLICT: 'This stack was deployed in another format',
  UNKNOWN_HOST: 'There is no such host',
  NO_AGENT_AVAILABLE: 'No agent is available',
  NO_AGENT_FITS: 'No agent meets the requirements',
  PLAN_CHANGED: 'The plan has changed',
  NAME_IN_USE: 'A container name is taken',
  PORT_IN_USE: 'A host port is taken',
  IDEMPOTENCY_KEY_REUSED: 'This was already sent with different content',
  CONFLICT: 'This cannot be done now',
  TOO_LARGE: 'Too large',
  LIMIT_EXCEEDED: 'The request exceeds a limit',
  RATE_LIMITED: 'Too many requests',
  UNAVAILABLE: 'The database cannot be reached',
  INTERNAL: 'The server ran into an error',
  NETWORK: 'The server cannot be reached',
  HTTP_413: 'Too large',
  HTTP_429: 'Too many requests',
};

export function toProblem(error: CombinedError): Problem {
  const [first] = error.graphQLErrors;
  if (first) {
    const details = error.graphQLErrors.flatMap((each) => toSourceProblems(each.extensions?.problems));
    const code = typeof first.extensions?.code === 'string' ? first.extensions.code : 'ERROR';
    const message = error.graphQLErrors.map((each) => each.message).join('\n');
    return { code, title: TITLES[code] ?? 'The server refused the request', message, details };
  }
  const status = statusOf(error);
  if (status !== null && status >= 400) {
    const message =
      status === 413
        ? 'The server accepts at most 1 MiB in one request.'
        : `The server answered with HTTP status ${status}.`;
    return localProblem(`HTTP_${status}`, message);
  }
  return localProblem('NETWORK', 'The server did not answer. Check that it is running, then try again.');
}

export function localProblem(code: string, message: string): Problem {
  return { code, title: TITLES[code] ?? 'That did not work', message, details: [] };
}

/** A lost connection or an overloaded server: the same request may work a moment later. */
export function isPassing(problem: Problem): boolean {
  return ['NETWORK', 'UNAVAILABLE', 'RATE_LIMITED', 'HTTP_429', 'HTTP_502', 'HTTP_503', 'HTTP_504'].includes(
    problem.code,
  );
}

export function isUnauthenticated(error: CombinedError): boolean {
  return statusOf(error) === 401 || error.graphQLErrors.some((each) => each.extensions?.code === 'UNAUTHENTICATED');
}

function statusOf(error: CombinedError): number | null {
  const response: unknown = error.response;
  if (typeof response !== 'object' || response === null || !('status' in response)) return null;
  return typeof response.status === 'number' ? response.status : null;
}

function toSourceProblems(value: unknown): SourceProblem[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((each: unknown) => {
    if (typeof each !== 'object' || each === null) return [];
    const at = each as Record<string, unknown>;
    return {
      code: text(at.code) ?? 'BAD_INPUT',
      message: text(at.message) ?? 'The server does not accept this.',
      path: Array.isArray(at.path) ? at.path.join('.') : text(at.path),
      line: count(at.line),
      column: count(at.column),
    };
  });
}

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);
const count = (value: unknown) => (typeof value === 'number' && value >= 1 ? Math.floor(value) : null);
