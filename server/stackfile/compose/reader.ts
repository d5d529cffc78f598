/**
 * Reads the values of a Compose file. What interpolation put together arrives as a string, so numbers and booleans are
 * understood as strings, too.
 */

import { toMs } from '../duration.ts';
import { type Location, quote } from '../problems.ts';
import { type Fields, type Log, listChoices, type Place, Reader } from '../reader.ts';
import type { Value } from '../text.ts';
import { toBytes } from '../values.ts';
import { toFlag, toMode } from './scalars.ts';

export type Context = Log & {
  /** What interpolation and `environment` know. */
  variables: ReadonlyMap<string, string>;
};

export type ComposeFields = Fields<ComposeReader>;
export type Pattern = { form: RegExp; expected: string };
type Range = { min?: number; max?: number };
type PairRules = {
  /** Says what is wrong with a name. */
  findProblem?: (name: string) => string | undefined;
  /** Gives the text for a name without a value, or undefined to leave it out. Without this rule the text is empty. */
  unset?: (name: string) => string | undefined;
};

export class ComposeReader extends Reader<ComposeReader> {
  readonly context: Context;

  constructor(context: Context, location: Location, value?: Value) {
    super(context, location, value);
    this.context = context;
  }

  at(location: Location, value?: Value): ComposeReader {
    return new ComposeReader(this.context, location, value);
  }

  /** A map whose keys are all known. `x-` keys are the user's own, as the specification says. */
  map(keys: readonly string[], expected: string, from?: Location): ComposeFields | undefined {
    const { value } = this;
    if (value?.kind !== 'object') return this.wrongType(expected);
    const fields = value.fields.filter(({ key }) => !key.startsWith('x-'));
    return this.at(this, { ...value, fields }).fields(keys, expected, from);
  }

  text(expected = 'a string'): string | undefined {
    return this.written ?? this.wrongType(expected);
  }

  /** One text, or a list of them. */
  texts(expected = 'a string'): string[] | undefined {
    if (this.kind === 'list') return this.items.flatMap((item) => item.text(expected) ?? []);
    const text = this.text(`${expected}, or a list`);
    return text === undefined ? undefined : [text];
  }

  /** A text of this form. One of another form is reported and given all the same. */
  matching({ form, expected }: Pattern): string | undefined {
    const text = this.text(expected);
    if (text !== undefined && !form.test(text)) this.misread(expected);
    return text;
  }

  /** A text that is not blank. */
  filled(expected: string): string | undefined {
    return this.matching({ form: /\S/, expected });
  }

  flag(): boolean | undefined {
    if (this.value?.kind === 'boolean') return this.value.boolean;
    const flag = this.value?.kind === 'string' ? toFlag(this.value.text) : undefined;
    return flag ?? this.misread('true or false');
  }

  integer(range: Range = {}): number | undefined {
    const number = this.#toNumber(/^[+-]?\d+$/);
    return this.#within(Number.isInteger(number) ? number : undefined, range, 'a whole number');
  }

  number(range: Range = {}): number | undefined {
    return this.#within(this.#toNumber(/^[+-]?(?:\d+\.?\d*|\.\d+)$/), range, 'a number');
  }

  #toNumber(form: RegExp): number | undefined {
    if (this.value?.kind === 'number') return this.value.number;
    return this.value?.kind === 'string' && form.test(this.value.text) ? Number(this.value.text) : undefined;
  }

  #within(number: number | undefined, { min, max }: Range, noun: string): number | undefined {
    const isAboveMin = number !== undefined && number >= (min ?? -Number.MAX_SAFE_INTEGER);
    if (isAboveMin && number <= (max ?? Number.MAX_SAFE_INTEGER)) return number;
    const from = min === undefined ? '' : ` from ${min}`;
    const to = max === undefined ? '' : ` to ${max}`;
    return this.misread(`${noun}${from}${from && !to ? ' up' : to}`);
  }

  /** Bytes, or a size such as 512m. */
  bytes(): number | undefined {
    const written = this.value?.kind === 'string' ? toBytes(this.value.text) : undefined;
    const bytes = this.value?.kind === 'number' ? Math.floor(this.value.number) : written;
    if (bytes !== undefined && bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER) return bytes;
    return this.misread('bytes, or a size such as 512m or 1gb');
  }

  durationMs(): number | undefined {
    const ms = this.written === undefined ? undefined : toMs(this.written);
    return ms ?? this.misread('a duration with its unit such as 500ms, 30s or 1m30s');
  }

  /**
   * Permission bits, which Compose says are octal. YAML 1.2 reads 0444 as four hundred and forty-four, and YAML 1.1 as
   * an octal number, so the text is read; a bare 444 is refused, because Compose takes it as decimal, which nobody means.
   */
  mode(): number | undefined {
    const expected = 'octal permission bits such as 0444 or "0444"';
    const isText = this.value?.kind === 'string' || this.value?.kind === 'number';
    const mode = isText ? toMode(this.written ?? '') : undefined;
    if (mode === undefined) return this.misread(expected);
    if (this.kind === 'string' || this.written?.startsWith('0')) return mode;
    return this.misread(`${expected} (with a leading 0, or as a string)`);
  }

  choice<Choice extends string>(choices: readonly Choice[]): Choice | undefined {
    return choices.find((choice) => choice === this.written) ?? this.misread(listChoices(choices));
  }

  /** A map, or a list of KEY=VALUE. As in Compose, the last of a list's entries with one name counts. */
  pairs({ findProblem, unset = () => '' }: PairRules = {}): Record<string, string> | undefined {
    const entries = this.#toPairs();
    if (!entries) return undefined;
    const pairs = new Map<string, string>();
    for (const { place, name, text } of entries) {
      place.checkName(name, (written) => findProblem?.(written) ?? (written === '' ? 'expected a name' : undefined));
      const known = text ?? unset(name);
      if (known === undefined) pairs.delete(name);
      else pairs.set(name, known);
    }
    // Defines each name, so that one called __proto__ is nothing special.
    return Object.fromEntries(pairs);
  }

  #toPairs(): { place: Place; name: string; text: string | undefined }[] | undefined {
    if (this.kind === 'object') {
      return this.entries.map((entry) => {
        const text = entry.value.kind === 'null' ? undefined : (entry.value.text() ?? '');
        return { place: entry, name: entry.key, text };
      });
    }
    return this.list('a map, or a list of KEY=VALUE')?.flatMap((item) => {
      const line = item.text('KEY=VALUE');
      if (line === undefined) return [];
      const sign = line.indexOf('=');
      if (sign < 0) return { place: item, name: line, text: undefined };
      return { place: item, name: line.slice(0, sign), text: line.slice(sign + 1) };
    });
  }

  /** A map of options for a driver. */
  options(): Record<string, string> | undefined {
    return this.kind === 'object' ? this.pairs() : this.wrongType('a map {option: value}');
  }
}

/** Refuses the keys of `wayOuts` that the file has, each with its way out. */
export function refuseKeys(fields: ComposeFields, wayOuts: Readonly<Record<string, string>>): void {
  for (const entry of fields.entries) {
    const wayOut = Object.hasOwn(wayOuts, entry.key) ? wayOuts[entry.key] : undefined;
    if (wayOut !== undefined && !asksForNothing(entry.value)) entry.refuse(quote(entry.key), wayOut);
  }
}

/** Such as `links: []` and `use_api_socket: false`. */
function asksForNothing({ value }: ComposeReader): boolean {
  if (value?.kind === 'list') return value.items.length === 0;
  return value?.kind === 'boolean' && !value.boolean;
}
