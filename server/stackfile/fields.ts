/**
 * Takes fields out of a JSON object by their known words. Each reader reports what it does not understand and gives
 * undefined for it, so that one pass finds every problem.
 */
import { distance } from 'fastest-levenshtein';
import {
  type Field,
  fieldPath,
  type ListValue,
  quote,
  type Report,
  type Spot,
  type StringValue,
  type Value,
} from './text.ts';

/** An object whose words are all known. */
export type Fields = Spot & { get(word: string): Value | undefined; all: Field[] };

const A_KIND: Record<Value['kind'], string> = {
  object: 'an object',
  list: 'a list',
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
};

export function wrongType(report: Report, value: Value, expected: string): undefined {
  const hint = value.kind === 'null' ? ' (leave the field out instead)' : '';
  report('WRONG_TYPE', value, `expected ${expected}, found ${A_KIND[value.kind]}${hint}`);
  return undefined;
}

export function readFields(
  report: Report,
  value: Value,
  words: readonly string[],
  expected = 'an object',
): Fields | undefined {
  if (value.kind !== 'object') return wrongType(report, value, expected);
  const known = new Map<string, Value>();
  for (const field of value.fields) {
    if (words.includes(field.key)) known.set(field.key, field.value);
    else report('UNKNOWN_FIELD', field, () => unknownField(field.key, words));
  }
  return { path: value.path, offset: value.offset, get: (word) => known.get(word), all: value.fields };
}

/** A longer list helps nobody. */
const MAX_WORDS = 30;

function unknownField(key: string, words: readonly string[]): string {
  const near = findNearest(key, words);
  if (near) return `unknown field ${quote(key)}: did you mean ${quote(near)}?`;
  return `unknown field ${quote(key)}${words.length > MAX_WORDS ? '' : `: expected one of ${words.join(', ')}`}`;
}

export function required(report: Report, fields: Fields, word: string, expected: string): Value | undefined {
  const value = fields.get(word);
  if (value) return value;
  const spot = { path: fieldPath(fields.path, word), offset: fields.offset };
  report('MISSING_FIELD', spot, `expected ${quote(word)}: ${expected}`);
  return undefined;
}

/** Several words for one thing: the one that was used; a second one beside it is a problem. */
export function oneOf(report: Report, fields: Fields, words: readonly string[]): Field | undefined {
  const [used, ...others] = fields.all.filter((field) => words.includes(field.key));
  for (const other of others) {
    report('CONFLICTING_FIELDS', other, `expected only one of ${words.join(', ')}: they say the same thing`);
  }
  return used;
}

export function readString(report: Report, value: Value | undefined, expected = 'a string'): StringValue | undefined {
  if (value === undefined || value.kind === 'string') return value;
  return wrongType(report, value, expected);
}

export function readBoolean(report: Report, value: Value | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  return value.kind === 'boolean' ? value.boolean : wrongType(report, value, 'true or false');
}

export function readNumber(
  report: Report,
  value: Value | undefined,
  range: { min: number; max: number; integer?: boolean },
): number | undefined {
  if (value === undefined) return undefined;
  const expected = `${range.integer ? 'a whole number' : 'a number'} from ${range.min} to ${range.max}`;
  if (value.kind !== 'number') return wrongType(report, value, expected);
  const { number } = value;
  if (number >= range.min && number <= range.max && (!range.integer || Number.isInteger(number))) return number;
  report('INVALID_VALUE', value, `expected ${expected}, found ${quote(value.text)}`);
  return undefined;
}

/** A list, or (as JSON-LD allows) the only item of it without the brackets. */
export function readItems(report: Report, value: Value | undefined, expected: string): Value[] {
  if (value === undefined) return [];
  if (value.kind === 'list') return value.items;
  if (value.kind === 'object') return [value];
  wrongType(report, value, expected);
  return [];
}

export function readChoice<Choice extends string>(
  report: Report,
  value: Value | undefined,
  choices: readonly Choice[],
): Choice | undefined {
  const expected = choices.join(', ').replace(/, (?=[^,]*$)/, ' or ');
  const written = readString(report, value, expected);
  if (written === undefined) return undefined;
  const choice = choices.find((candidate) => candidate === written.text);
  if (choice === undefined) report('INVALID_VALUE', written, `expected ${expected}, found ${quote(written.text)}`);
  return choice;
}

/** Lists of words, where every one must be a string. */
export function readStrings(report: Report, list: ListValue): string[] | undefined {
  const texts = list.items.map((item) => readString(report, item)?.text);
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

/** The candidate that differs from `word` by a few typing errors, for "did you mean". */
export function findNearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 40) return undefined;
  let nearest: string | undefined;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const errors = distance(word.toLowerCase(), candidate.toLowerCase());
    if (errors < least) [nearest, least] = [candidate, errors];
  }
  return nearest;
}
