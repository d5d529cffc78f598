import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { ERROR_CODES, GraphiumError } from '../base/errors.ts';
import { isDatabaseBusy, isDatabaseUnavailable, postgresCode } from '../db/connect.ts';

const STATUSES: Partial<Record<string, number>> = { UNAUTHENTICATED: 401, UNAVAILABLE: 503 };

/** In seconds. Who comes back at once only adds to what the database has to do. */
const RETRY_AFTER = 2;

const MESSAGES = {
  BAD_INPUT: 'A value cannot be stored: text may not contain NUL characters, and dates and numbers have limits.',
  UNAVAILABLE: `The database cannot be reached now, or is busy; try again in ${RETRY_AFTER} s with the same idempotency key.`,
  INTERNAL: 'Something went wrong in the server; its log has the details.',
};

/** Expected errors get their code; errors of GraphQL itself keep theirs; everything else is logged once and masked. */
export function createMask(log: Logger): (error: unknown) => Error {
  return (error) => {
    const original = originalOf(error);
    if (original instanceof GraphiumError) {
      return rebuilt(error, original.message, {
        code: original.code,
        ...withStatus(original.code),
        ...original.details,
      });
    }
    if (isOfGraphql(error)) {
      const { code } = error.extensions;
      if (typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)) return error;
      return rebuilt(error, error.message, { ...error.extensions, code: 'BAD_INPUT' });
    }
    const code = codeOfFault(original);
    if (code === 'UNAVAILABLE') log.warn({ err: original }, 'the database does not answer');
    if (code === 'INTERNAL') log.error({ err: original ?? error }, 'unexpected error');
    const wait = code === 'UNAVAILABLE' ? { retryAfterSeconds: RETRY_AFTER } : {};
    return rebuilt(error, MESSAGES[code], { code, ...wait, ...withStatus(code) });
  };
}

/** The code that a client gets with this error. */
export function codeOf(error: unknown): string {
  const original = originalOf(error);
  if (original instanceof GraphiumError) return original.code;
  if (isOfGraphql(error)) {
    const { code } = error.extensions;
    return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) ? code : 'BAD_INPUT';
  }
  return codeOfFault(original);
}

/**
 * Gives each error its code of the catalogue. Those that kept anything from being executed, such as errors of grammar, meet no
 * mask, and have codes of yoga's own.
 */
export function giveCodes(errors: readonly GraphQLError[]): void {
  for (const error of errors) error.extensions.code = codeOf(error);
}

/** Nobody threw it on purpose: it came from the database, or is a fault of ours. */
function codeOfFault(error: unknown): keyof typeof MESSAGES {
  if (isUnstorable(error)) return 'BAD_INPUT';
  return isDatabaseUnavailable(error) || isDatabaseBusy(error) ? 'UNAVAILABLE' : 'INTERNAL';
}

/** An error of GraphQL itself, as of its grammar, that wraps no error of another kind. */
const isOfGraphql = (error: unknown): error is GraphQLError =>
  error instanceof GraphQLError && originalOf(error) === undefined;

/**
 * Postgres stores every character but NUL, in `text` (22021) as in `jsonb` (22P05), there no half surrogate pairs (22P02),
 * and no date (22007, 22008, 22009) or number (22003) out of its range.
 */
const UNSTORABLE = ['22021', '22P02', '22P05', '22007', '22008', '22009', '22003'];
const isUnstorable = (error: unknown) => UNSTORABLE.includes(postgresCode(error) ?? '');

/** The error below any number of GraphQL wrappers; undefined if there is none but GraphQL's own. */
function originalOf(error: unknown): unknown {
  let at = error;
  while (at instanceof GraphQLError && at.originalError) at = at.originalError;
  return at instanceof GraphQLError ? undefined : at;
}

function rebuilt(error: unknown, message: string, extensions: Record<string, unknown>): GraphQLError {
  const { nodes, source, positions, path } = error instanceof GraphQLError ? error : ({} as Partial<GraphQLError>);
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}

function withStatus(code: string) {
  const status = STATUSES[code];
  if (status === undefined) return {};
  return { http: { status, headers: status === 503 ? { 'retry-after': String(RETRY_AFTER) } : {} } };
}
