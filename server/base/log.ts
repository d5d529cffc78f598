import { DrizzleQueryError } from 'drizzle-orm';
import { type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino';
import { nameOfStatement } from '../db/statement.ts';

export type LogFormat = 'json' | 'pretty';

/** JSON lines for machines, or one plain line per entry for a person. Both go to stdout at once. */
export function createLog(format: LogFormat, level: string): Logger {
  const serializers = { err: toErrorEntry };
  if (format === 'json') return pino({ level, serializers });
  const options = {
    level,
    serializers,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, { write: (line: string) => process.stdout.write(toPlainLine(line)) });
}

/**
 * Leaves out what a query was asked with: drizzle puts all parameters into the message, and Postgres the row that it
 * refused into the detail.
 */
export function toErrorEntry(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const failed = findFailedQuery(error);
  const { detail: _row, where: _context, ...entry } = stdSerializers.err(asError(failed?.cause) ?? error);
  if (!failed) return entry;
  // The first lines of a stack are the message.
  const stack = failed.stack?.slice(failed.stack.indexOf('\n    at ')) ?? '';
  return { ...entry, stack: `${entry.type}: ${entry.message}${stack}`, sql: nameOfStatement(failed.query) };
}

function findFailedQuery(error: unknown): DrizzleQueryError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof DrizzleQueryError) return at;
  return undefined;
}

const asError = (value: unknown) => (value instanceof Error ? value : undefined);

/** `12:00:01.250 info  mutation who=ann what=deployStack` */
export function toPlainLine(json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${toPlainValue(value)}`);
  const line = `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${msg}${rest.join('')}`;
  return `${line.replace(CONTROL, escaped)}\n`;
}

/** They move the cursor of a terminal, colour it or turn the direction of writing, and may come from a container's output. */
const CONTROL = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;
const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Text is quoted where it would not look like one value, so that nobody can write a line that looks like another. */
function toPlainValue(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
