import type { Logger } from 'pino';
import { nameOfStatement } from './statement.ts';
import type { Wrap } from './wrap.ts';

/** Logs each statement that drizzle sends: its name, time and rows, and never its parameters, for they hold secrets. */
export function logStatements(log: Logger): Wrap {
  return (unsafe) =>
    (text, ...rest) => {
      const startedAt = performance.now();
      const pending = unsafe(text, ...rest);
      const entry = () => ({ sql: nameOfStatement(text), ms: Math.round((performance.now() - startedAt) * 10) / 10 });
      // A query starts when somebody waits for it, and drizzle calls `values()` on it first.
      queueMicrotask(() => {
        pending.then(
          (rows) => log.debug({ ...entry(), rows: rows.count, text }, 'statement'),
          (error: { code?: unknown }) => log.debug({ ...entry(), code: error.code, text }, 'statement failed'),
        );
      });
      return pending;
    };
}
