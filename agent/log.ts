import { type Logger, pino } from 'pino';

/** Logs JSON lines for machines, or one plain line per entry for people. Both are written to stdout synchronously. */
export function createLog(format: 'json' | 'pretty', level: string): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (format === 'json') return pino(options, pino.destination({ fd: 1, sync: true }));
  return pino(options, { write: (line: string) => process.stdout.write(toPlainLine(line)) });
}

/** Formats an entry like `12:00:01.250 info  task started task=17 kind=DEPLOY`. */
export function toPlainLine(json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const rest = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const line = `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${msg}${rest.join('')}`;
  return `${line.replace(CONTROL, escaped)}\n`;
}

/** They move the cursor of a terminal, colour it or turn the direction of writing, and may come from a container's output. */
const CONTROL = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;
const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
