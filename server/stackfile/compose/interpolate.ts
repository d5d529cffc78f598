/**
 * Variables in the values of a Compose file: `$V ${V} ${V:-d} ${V-d} ${V:?e} ${V?e} ${V:+r} ${V+r}`, nested, and `$$`
 * for a dollar sign (compose-spec, 12-interpolation.md). As in Compose, the first operator counts, a default is only
 * looked at when it is needed, and what a variable holds is not interpolated again.
 */
import { quote } from '../text.ts';

export type Trouble = {
  code: 'INVALID_INTERPOLATION' | 'VARIABLE_MISSING';
  message: string;
  /** The reference as it is written, to find it in the text. */
  reference: string;
};

export type Lookup = {
  /** Undefined: not set. */
  get(name: string): string | undefined;
  /** A variable without a value and without a default. */
  onUnset(name: string, reference: string): void;
};

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const OPERATOR = /:?[-?+]/y;
const MAX_DEPTH = 32;
/** References within references multiply what variables hold. */
const MAX_LENGTH = 1024 * 1024;
const FORMS = `$NAME, \${NAME} or \${NAME:-default}, and $$ for a dollar sign`;

class Unreadable extends Error {
  readonly trouble: Trouble;
  constructor(code: Trouble['code'], message: string, reference: string) {
    super(message);
    this.trouble = { code, message, reference };
  }
}

export function interpolate(
  text: string,
  lookup: Lookup,
): { ok: true; text: string } | { ok: false; trouble: Trouble } {
  if (!text.includes('$')) return { ok: true, text };
  try {
    return { ok: true, text: substitute(text, lookup, 0) };
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false, trouble: error.trouble };
    throw error;
  }
}

function substitute(text: string, lookup: Lookup, depth: number): string {
  if (depth > MAX_DEPTH)
    throw new Unreadable('INVALID_INTERPOLATION', `expected at most ${MAX_DEPTH} levels of variables`, text);
  const parts: string[] = [];
  let length = 0;
  let position = 0;
  for (let dollar = text.indexOf('$'); dollar >= 0; dollar = text.indexOf('$', position)) {
    const { value, end } = toValueAt(text, dollar, lookup, depth);
    parts.push(text.slice(position, dollar), value);
    length += dollar - position + value.length;
    if (length > MAX_LENGTH) {
      throw new Unreadable(
        'INVALID_INTERPOLATION',
        `expected at most ${MAX_LENGTH} characters with its variables`,
        text,
      );
    }
    position = end;
  }
  return parts.join('') + text.slice(position);
}

/** What stands at a dollar sign, and where it ends. */
function toValueAt(text: string, dollar: number, lookup: Lookup, depth: number): { value: string; end: number } {
  if (text[dollar + 1] === '$') return { value: '$', end: dollar + 2 };
  if (text[dollar + 1] === '{') {
    const end = findClosing(text, dollar);
    const reference = text.slice(dollar, end);
    return { value: expand(reference, lookup, depth), end };
  }
  const name = match(NAME, text, dollar + 1);
  const reference = text.slice(dollar, dollar + 1 + Math.max(name.length, 1));
  if (name === '') throw invalid(reference);
  return { value: plain(name, reference, lookup), end: dollar + 1 + name.length };
}

/** After the brace that closes the one at `dollar`. Only `${` opens another, so that `${V:-{a}` ends at its first `}`. */
function findClosing(text: string, dollar: number): number {
  let open = 0;
  for (let index = dollar; index < text.length; index += 1) {
    if (text.startsWith('${', index)) {
      open += 1;
      index += 1;
    } else if (text[index] === '}') {
      open -= 1;
      if (open === 0) return index + 1;
    }
  }
  throw invalid(text.slice(dollar));
}

function expand(reference: string, lookup: Lookup, depth: number): string {
  const name = match(NAME, reference, 2);
  const operator = match(OPERATOR, reference, 2 + name.length);
  const rest = reference.slice(2 + name.length + operator.length, -1);
  if (name === '' || (operator === '' && rest !== '')) throw invalid(reference);
  if (operator === '') return plain(name, reference, lookup);
  const value = lookup.get(name);
  const isThere = value !== undefined && (value !== '' || !operator.startsWith(':'));
  if (operator.endsWith('+')) return isThere ? substitute(rest, lookup, depth + 1) : '';
  if (isThere) return value;
  const words = substitute(rest, lookup, depth + 1);
  if (operator.endsWith('-')) return words;
  const need = operator === '?' ? 'to be set' : 'to have a value';
  const reason = words === '' ? '' : `: ${words}`;
  throw new Unreadable('VARIABLE_MISSING', `expected the variable ${quote(name)} ${need}${reason}`, reference);
}

function plain(name: string, reference: string, lookup: Lookup): string {
  const value = lookup.get(name);
  if (value === undefined) lookup.onUnset(name, reference);
  return value ?? '';
}

function match(pattern: RegExp, text: string, index: number): string {
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0] ?? '';
}

function invalid(reference: string): Unreadable {
  return new Unreadable('INVALID_INTERPOLATION', `expected ${FORMS}, found ${quote(reference)}`, reference);
}
