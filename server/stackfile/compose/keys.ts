/** What every part of a Compose service is read with: maps with known keys, and refusals that name the key. */
import { type Fields, readFields } from '../fields.ts';
import { quote, type Report, type Spot, type Value } from '../text.ts';

/** A map whose keys are all known; `x-` keys are the user's own, as the specification says. */
export function readKeys(
  report: Report,
  value: Value | undefined,
  words: readonly string[],
  expected: string,
): Fields | undefined {
  if (value === undefined) return undefined;
  if (value.kind !== 'object') return readFields(report, value, words, expected);
  const fields = value.fields.filter((field) => !field.key.startsWith('x-'));
  return readFields(report, { ...value, fields }, words, expected);
}

/** Where the file has a key; the map itself where it does not. */
export function keySpot(fields: Fields, word: string): Spot {
  return fields.all.find((field) => field.key === word) ?? fields;
}

/** For what is valid Compose and cannot be done here: nothing is left out without a word. */
export function refuse(report: Report, spot: Spot, what: string, wayOut: string): void {
  report('UNSUPPORTED_FIELD', spot, () => `${what} is not supported: ${wayOut}`);
}

/** The keys of `table` that the file has, each refused with its way out. */
export function refuseKeys(report: Report, fields: Fields, table: Readonly<Record<string, string>>): void {
  for (const field of fields.all) {
    const wayOut = Object.hasOwn(table, field.key) ? table[field.key] : undefined;
    if (wayOut !== undefined && !saysNothing(field.value)) refuse(report, field, quote(field.key), wayOut);
  }
}

/** `links: []` and `use_api_socket: false` ask for nothing. */
function saysNothing(value: Value): boolean {
  if (value.kind === 'list') return value.items.length === 0;
  return value.kind === 'boolean' && !value.boolean;
}

/** Without the keys whose value is undefined: what a file does not say is absent from its spec. */
export function compact<T extends object>(whole: T): T {
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined)) as T;
}

/** An empty list or map says nothing either. */
export function orAbsent<T extends readonly unknown[] | Record<string, unknown>>(some: T | undefined): T | undefined {
  return some === undefined || Object.keys(some).length === 0 ? undefined : some;
}
