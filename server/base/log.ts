import { type Logger, pino, stdTimeFunctions } from 'pino';

export type LogFormat = 'json' | 'pretty';

/** JSON lines for machines, or one plain line per entry for a person. Both go to stdout at once. */
export function createLog(format: LogFormat, level: string): Logger {
  if (format === 'json') return pino({ level });
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, { write: (line: string) => process.stdout.write(toPlainLine(line)) });
}

/** `12:00:01.250 info  mutation who=ann what=deployStack` */
export function toPlainLine(json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${toPlainValue(value)}`);
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${msg}${rest.join('')}\n`;
}

/** Text is quoted where it would not look like one value, so that nobody can write a line that looks like another. */
function toPlainValue(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
