/**
 * A reader stands at one value of a stack file, or at the place of one that the file does not have. It reports what it
 * does not understand and gives undefined for it, so that one pass finds every problem. What the file does not say is
 * undefined, too, without a report. Each format has its own reader, with the scalars that it knows.
 */
import { findNearest } from './nearest.ts';
import { fieldPath, type Location, type Message, type ProblemCode, quote, type Report } from './problems.ts';
import type { Value } from './text.ts';

export type Log = {
  report: Report;
  /** For what works but should be known all the same. */
  warn: Report;
};

/** A place in a stack file where problems can be reported. */
export class Place implements Location {
  readonly path: string;
  readonly offset: number;
  protected readonly log: Log;

  constructor(log: Log, { path, offset }: Location) {
    this.log = log;
    this.path = path;
    this.offset = offset;
  }

  report(code: ProblemCode, message: Message): undefined {
    this.log.report(code, this, message);
  }

  warn(code: ProblemCode, message: Message): void {
    this.log.warn(code, this, message);
  }

  /** Refuses what is valid in the format and cannot be done here, so that nothing is left out silently. */
  refuse(what: string, wayOut: string): undefined {
    this.report('UNSUPPORTED_FIELD', () => `${what} is not supported: ${wayOut}`);
  }

  /** `findProblem` says what was expected of a name, or gives undefined for a good one. */
  checkName(name: string, findProblem: (name: string) => string | undefined): boolean {
    const problem = findProblem(name);
    if (problem) this.report('INVALID_NAME', `${problem}, found ${quote(name)}`);
    return !problem;
  }
}

/** A name, and where the file has it. */
export type Name = { text: string; place: Place };

const A_KIND: Record<Value['kind'], string> = {
  object: 'an object',
  list: 'a list',
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
};

export abstract class Reader<Self extends Reader<Self>> extends Place {
  readonly value: Value | undefined;

  constructor(log: Log, location: Location, value?: Value) {
    super(log, location);
    this.value = value;
  }

  /** Makes a reader of the same kind for another value of the file. */
  abstract at(location: Location, value?: Value): Self;

  get kind(): Value['kind'] | undefined {
    return this.value?.kind;
  }

  get isAbsent(): boolean {
    return this.value === undefined;
  }

  /** A scalar as it is written, so that 1.10 is not cut to 1.1; undefined for anything else. Nothing is reported. */
  get written(): string | undefined {
    const { value } = this;
    if (value?.kind === 'string' || value?.kind === 'number') return value.text;
    return value?.kind === 'boolean' ? String(value.boolean) : undefined;
  }

  /** The items of a list. Nothing is reported if there is no list. */
  get items(): Self[] {
    return this.value?.kind === 'list' ? this.value.items.map((item) => this.at(item, item)) : [];
  }

  /** The entries of a map, whatever their keys. Nothing is reported if there is no map. */
  get entries(): Entry<Self>[] {
    if (this.value?.kind !== 'object') return [];
    return this.value.fields.map((field) => new Entry(this.log, field, field.key, this.at(field.value, field.value)));
  }

  /** The same with a string in lower case, for what is written in either case. */
  lowered(): Self {
    const { value } = this;
    return this.at(this, value?.kind === 'string' ? { ...value, text: value.text.toLowerCase() } : value);
  }

  list(expected: string): Self[] | undefined {
    return this.kind === 'list' ? this.items : this.wrongType(expected);
  }

  /** A map whose keys are all known. `from` is where missing keys are reported. */
  fields(keys: readonly string[], expected: string, from: Location = this): Fields<Self> | undefined {
    if (this.kind !== 'object') return this.wrongType(expected);
    const { entries } = this;
    for (const entry of entries) {
      if (!keys.includes(entry.key)) entry.report('UNKNOWN_FIELD', () => unknownField(entry.key, keys));
    }
    return new Fields(this.log, from, entries, (location) => this.at(location));
  }

  /** For what may be left empty. */
  emptyFields(from: Location = this): Fields<Self> {
    return new Fields(this.log, from, [], (location) => this.at(location));
  }

  wrongType(expected: string): undefined {
    if (this.kind === undefined) return;
    const hint = this.kind === 'null' ? ' (leave the field out instead)' : '';
    this.report('WRONG_TYPE', `expected ${expected}, found ${A_KIND[this.kind]}${hint}`);
  }

  /** For a scalar with a wrong value, and for what is no scalar at all. */
  misread(expected: string): undefined {
    const { written } = this;
    if (written === undefined) return this.wrongType(expected);
    this.report('INVALID_VALUE', `expected ${expected}, found ${quote(written)}`);
  }
}

/** A key of a map, as a place of its own, with a reader for its value. */
export class Entry<R> extends Place {
  readonly key: string;
  readonly value: R;

  constructor(log: Log, location: Location, key: string, value: R) {
    super(log, location);
    this.key = key;
    this.value = value;
  }
}

export class Fields<R extends Reader<R>> extends Place {
  readonly entries: readonly Entry<R>[];
  readonly #byKey: ReadonlyMap<string, Entry<R>>;
  readonly #absentAt: (location: Location) => R;

  constructor(log: Log, location: Location, entries: readonly Entry<R>[], absentAt: (location: Location) => R) {
    super(log, location);
    this.entries = entries;
    this.#byKey = new Map(entries.map((entry) => [entry.key, entry]));
    this.#absentAt = absentAt;
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  get(key: string): R {
    return this.#byKey.get(key)?.value ?? this.missing(key);
  }

  /** The place where a key would be, whether the map has it or not. */
  missing(key: string): R {
    return this.#absentAt({ path: fieldPath(this.path, key), offset: this.offset });
  }

  /** Where the map has this key; the map itself where it has not. */
  keyOf(key: string): Place {
    return this.#byKey.get(key) ?? this;
  }

  required(key: string, expected: string): R {
    const value = this.get(key);
    if (value.isAbsent) value.report('MISSING_FIELD', `expected ${quote(key)}: ${expected}`);
    return value;
  }

  /** Returns the first of several keys that say the same thing; a second one beside it is a problem. */
  oneOf(keys: readonly string[]): Entry<R> | undefined {
    const [used, ...others] = this.entries.filter((entry) => keys.includes(entry.key));
    for (const other of others) {
      other.report('CONFLICTING_FIELDS', `expected only one of ${keys.join(', ')}: they say the same thing`);
    }
    return used;
  }
}

/** A longer list of keys helps nobody. */
const MAX_LISTED_KEYS = 30;

function unknownField(key: string, keys: readonly string[]): string {
  const near = findNearest(key, keys);
  if (near) return `unknown field ${quote(key)}: did you mean ${quote(near)}?`;
  return `unknown field ${quote(key)}${keys.length > MAX_LISTED_KEYS ? '' : `: expected one of ${keys.join(', ')}`}`;
}

/** "a, b or c". */
export function listChoices(choices: readonly string[]): string {
  return choices.join(', ').replace(/, (?=[^,]*$)/, ' or ');
}
