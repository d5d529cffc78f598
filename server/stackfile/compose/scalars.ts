/**
 * Scalars as a Compose file writes them. What interpolation put together arrives as a string, so numbers and booleans
 * are understood as strings too. Each reader reports what it does not understand and gives undefined for it.
 */
import { wrongType } from '../fields.ts';
import { quote, type Report, type Spot, type Value } from '../text.ts';
import { toBytes } from '../values.ts';

const UNIT_MS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const DURATION = /^(?:(?:\d{1,15}(?:\.\d{0,9})?|\.\d{1,9})(?:ns|us|µs|μs|ms|s|m|h|d|w))+$/;
const DURATION_PART = /(\d*\.?\d*)(ns|us|µs|μs|ms|s|m|h|d|w)/g;

/** `1m30s`, `1.5h`, a plain `0`. Rounded up, so that a short time does not become none at all. */
export function toMs(text: string): number | undefined {
  if (/^0+$/.test(text)) return 0;
  if (!DURATION.test(text)) return undefined;
  const parts = [...text.matchAll(DURATION_PART)];
  const sum = parts.reduce((total, [, amount, unit = '']) => total + Number(amount) * (UNIT_MS[unit] ?? 0), 0);
  // To nanoseconds first: 0.1 + 0.2 must not count as a little more than 0.3.
  const ms = Math.ceil(Math.round(sum * 1e6) / 1e6);
  return ms <= Number.MAX_SAFE_INTEGER ? ms : undefined;
}

/** As Compose takes them where a boolean is expected. */
export function toFlag(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (['true', '1', 't', 'y', 'yes', 'on'].includes(word)) return true;
  return ['false', '0', 'f', 'n', 'no', 'off'].includes(word) ? false : undefined;
}

/** Where a reader wants text: a string, or a number or boolean as it is written. */
export function toText(value: Value): string | undefined {
  if (value.kind === 'string' || value.kind === 'number') return value.text;
  return value.kind === 'boolean' ? String(value.boolean) : undefined;
}

export function readText(report: Report, value: Value | undefined, expected = 'a string'): string | undefined {
  if (value === undefined) return undefined;
  return toText(value) ?? wrongType(report, value, expected);
}

/** One text, or a list of them. */
export function readTexts(report: Report, value: Value | undefined, expected = 'a string'): string[] | undefined {
  if (value === undefined) return undefined;
  if (value.kind !== 'list') {
    const text = readText(report, value, `${expected}, or a list`);
    return text === undefined ? undefined : [text];
  }
  return value.items.flatMap((item) => readText(report, item, expected) ?? []);
}

export function readFlag(report: Report, value: Value | undefined): boolean | undefined {
  if (value === undefined || value.kind === 'boolean') return value?.boolean;
  const flag = value.kind === 'string' ? toFlag(value.text) : undefined;
  return flag ?? misread(report, value, 'true or false');
}

type Range = { min?: number; max?: number };

export function readInteger(report: Report, value: Value | undefined, range: Range = {}): number | undefined {
  return readNumeric(report, value, range, 'a whole number');
}

export function readNumber(report: Report, value: Value | undefined, range: Range = {}): number | undefined {
  return readNumeric(report, value, range, 'a number');
}

function readNumeric(report: Report, value: Value | undefined, range: Range, noun: string): number | undefined {
  if (value === undefined) return undefined;
  const form = noun === 'a number' ? /^[+-]?(?:\d+\.?\d*|\.\d+)$/ : /^[+-]?\d+$/;
  const written = value.kind === 'string' && form.test(value.text) ? Number(value.text) : undefined;
  const number = value.kind === 'number' ? value.number : written;
  const { min = -Number.MAX_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = range;
  if (number !== undefined && number >= min && number <= max && (noun === 'a number' || Number.isInteger(number))) {
    return number;
  }
  const from = range.min === undefined ? '' : ` from ${range.min}`;
  const to = range.max === undefined ? (range.min === undefined ? '' : ' up') : ` to ${range.max}`;
  return misread(report, value, `${noun}${from}${to}`);
}

/** Bytes, or a size such as 512m. */
export function readBytes(report: Report, value: Value | undefined, { min = 0 }: Range = {}): number | undefined {
  if (value === undefined) return undefined;
  const written = value.kind === 'string' ? toBytes(value.text) : undefined;
  const bytes = value.kind === 'number' ? Math.floor(value.number) : written;
  if (bytes !== undefined && bytes >= min && bytes <= Number.MAX_SAFE_INTEGER) return bytes;
  const least = min > 0 ? `, at least ${min}` : '';
  return misread(report, value, `bytes, or a size such as 512m or 1gb${least}`);
}

export function readDurationMs(report: Report, value: Value | undefined, { min = 0 }: Range = {}): number | undefined {
  if (value === undefined) return undefined;
  const text = toText(value);
  const ms = text === undefined ? undefined : toMs(text);
  if (ms !== undefined && ms >= min) return ms;
  const least = min > 0 ? `, at least ${min}ms` : '';
  return misread(report, value, `a duration with its unit such as 500ms, 30s or 1m30s${least}`);
}

export function readTextChoice<Choice extends string>(
  report: Report,
  value: Value | undefined,
  choices: readonly Choice[],
): Choice | undefined {
  if (value === undefined) return undefined;
  const text = toText(value);
  const expected = choices.join(', ').replace(/, (?=[^,]*$)/, ' or ');
  return choices.find((choice) => choice === text) ?? misread(report, value, expected);
}

/** A scalar of the right kind with a wrong value, or of a wrong kind. */
export function misread(report: Report, value: Value, expected: string): undefined {
  const text = toText(value);
  if (text === undefined) return wrongType(report, value, expected);
  report('INVALID_VALUE', value, `expected ${expected}, found ${quote(text)}`);
  return undefined;
}

type PairRules = {
  /** Says what is wrong with a name. */
  findProblem?: (name: string) => string | undefined;
  /** What a name without a value gets; undefined leaves it out. Without this rule it gets the empty text. */
  unset?: (name: string) => string | undefined;
};

/** A map, or a list of KEY=VALUE. As in Compose, the last of a list's entries with one name stands. */
export function readPairs(
  report: Report,
  value: Value | undefined,
  { findProblem, unset = () => '' }: PairRules = {},
): Record<string, string> | undefined {
  if (value === undefined) return undefined;
  const pairs = new Map<string, string>();
  for (const { spot, name, text } of toPairs(report, value)) {
    const problem = findProblem?.(name) ?? (name === '' ? 'expected a name' : undefined);
    if (problem) report('INVALID_NAME', spot, `${problem}, found ${quote(name)}`);
    const known = text ?? unset(name);
    if (known === undefined) pairs.delete(name);
    else pairs.set(name, known);
  }
  // Defines each name, so that one called __proto__ is nothing special.
  return Object.fromEntries(pairs);
}

type Pair = { spot: Spot; name: string; text: string | undefined };

function toPairs(report: Report, value: Value): Pair[] {
  if (value.kind === 'object') {
    return value.fields.map((field) => ({
      spot: field,
      name: field.key,
      text: field.value.kind === 'null' ? undefined : (readText(report, field.value) ?? ''),
    }));
  }
  if (value.kind !== 'list') return wrongType(report, value, 'a map, or a list of KEY=VALUE') ?? [];
  return value.items.flatMap((item) => {
    const line = readText(report, item, 'KEY=VALUE');
    if (line === undefined) return [];
    const sign = line.indexOf('=');
    return sign < 0
      ? { spot: item, name: line, text: undefined }
      : { spot: item, name: line.slice(0, sign), text: line.slice(sign + 1) };
  });
}
