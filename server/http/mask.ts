import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { GraphiumError } from '../base/errors.ts';
import { isDatabaseUnavailable, postgresCode } from '../db/connect.ts';

const STATUS: Partial<Record<string, number>> = { UNAUTHENTICATED: 401, UNAVAILABLE: 503 };

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
    if (error instanceof GraphQLError && (original === undefined || original instanceof GraphQLError)) {
      if (error.extensions.code !== undefined) return error;
      return rebuilt(error, error.message, { ...error.extensions, code: 'BAD_INPUT' });
    }
    if (isNoText(original)) return rebuilt(error, 'Text may not contain NUL characters.', { code: 'BAD_INPUT' });
    if (isDatabaseUnavailable(original)) {
      log.warn({ err: original }, 'the database does not answer');
      const message = 'The database cannot be reached now; try again with the same idempotency key.';
      return rebuilt(error, message, { code: 'UNAVAILABLE', ...withStatus('UNAVAILABLE') });
    }
    log.error({ err: original ?? error }, 'unexpected error');
    return rebuilt(error, 'Something went wrong in the server; its log has the details.', { code: 'INTERNAL' });
  };
}

/** Postgres stores every character but NUL, in `text` (22021) as in `jsonb` (22P05). */
const isNoText = (error: unknown) => ['22021', '22P05'].includes(postgresCode(error) ?? '');

/** Below any number of GraphQL wrappers. */
function originalOf(error: unknown): unknown {
  let at = error;
  while (at instanceof GraphQLError && at.originalError) at = at.originalError;
  return at instanceof GraphQLError ? undefined : at;
}

function rebuilt(error: unknown, message: string, extensions: Record<string, unknown>): GraphQLError {
  const { nodes, source, positions, path } = error instanceof GraphQLError ? error : ({} as Partial<GraphQLError>);
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}

const withStatus = (code: string) => (STATUS[code] === undefined ? {} : { http: { status: STATUS[code] } });
