/**
 * Variables in the values of a Compose file: `$V ${V} ${V:-d} ${V-d} ${V:?e} ${V?e} ${V:+r} ${V+r}`, nested, and `$$`
 * for a dollar sign (compose-spec, 12-interpolation.md); one that begins no reference stands for itself. As in Compose,
 * the first operator counts, a default is read only if it is needed, and the value of a variable is not interpolated
 * again.
 */
import { quote } from '../problems.ts';

export type VariableSource = {
  /** Gives undefined for a variable that is not set. */
  get(name: string): string | undefined;
  /** Called for a variable that has neither a value nor a default. */
  onUnset(name: string, reference: string): void;
};

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const OPERATOR = /:?[-?+]/y;
const MAX_LEVELS = 32;
/** References within references multiply the values of variables. */
const MAX_LENGTH = 1024 * 1024;
const FORMS = `$NAME, \${NAME} or \${NAME:-default}, and $$ for a dollar sign`;

export class InterpolationError extends Error {
  readonly code: 'INVALID_INTERPOLATION' | 'VARIABLE_MISSING';
  /** The reference as it is written, to find it in the text. */
  readonly reference: string;

  constructor(code: InterpolationError['code'], message: string, reference: string) {
    super(message);
    this.code = code;
    this.reference = reference;
  }
}

export function interpolate(
  text: string,
  variables: VariableSource,
): { ok: true; text: string } | { ok: false; error: InterpolationError } {
  if (!text.includes('$')) return { ok: true, text };
  try {
    return { ok: true, text: substitute(text, variables, 0) };
  } catch (error) {
    if (error instanceof InterpolationError) return { ok: false, error };
    throw error;
  }
}

function substitute(text: string, variables: VariableSource, depth: number): string {
  if (depth > MAX_LEVELS) {
    const message = `expected at most ${MAX_LEVELS} levels of variables`;
    throw new InterpolationError('INVALID_INTERPOLATION', message, text);
  }
  const parts: string[] = [];
  let length = 0;
  let position = 0;
  for (let dollar = text.indexOf('$'); dollar >= 0; dollar = text.indexOf('$', position)) {
    const { value, end } = toValueAt(text, dollar, variables, depth);
    parts.push(text.slice(position, dollar), value);
    length += dollar - position + value.length;
    if (length > MAX_LENGTH) {
      const message = `expected at most ${MAX_LENGTH} characters with its variables`;
      throw new InterpolationError('INVALID_INTERPOLATION', message, text);
    }
    position = end;
  }
  return parts.join('') + text.slice(position);
}

/** Gives the value of what begins at a dollar sign, and where that ends. */
function toValueAt(
  text: string,
  dollar: number,
  variables: VariableSource,
  depth: number,
): { value: string; end: number } {
  if (text[dollar + 1] === '$') return { value: '$', end: dollar + 2 };
  if (text[dollar + 1] === '{') {
    const end = findClosing(text, dollar);
    const reference = text.slice(dollar, end);
    return { value: expand(reference, variables, depth), end };
  }
  const name = match(NAME, text, dollar + 1);
  // Neither `$(seq 3)` nor `$5` is a reference: Compose keeps such a sign as text.
  if (name === '') return { value: '$', end: dollar + 1 };
  const end = dollar + 1 + name.length;
  return { value: plain(name, text.slice(dollar, end), variables), end };
}

/** Gives the index after the closing brace. Only `${` opens another one, so that `${V:-{a}` ends at its first `}`. */
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

function expand(reference: string, variables: VariableSource, depth: number): string {
  const name = match(NAME, reference, 2);
  const operator = match(OPERATOR, reference, 2 + name.length);
  const rest = reference.slice(2 + name.length + operator.length, -1);
  if (name === '' || (operator === '' && rest !== '')) throw invalid(reference);
  if (operator === '') return plain(name, reference, variables);
  const value = variables.get(name);
  const hasValue = value !== undefined && (value !== '' || !operator.startsWith(':'));
  if (operator.endsWith('+')) return hasValue ? substitute(rest, variables, depth + 1) : '';
  if (hasValue) return value;
  const words = substitute(rest, variables, depth + 1);
  if (operator.endsWith('-')) return words;
  const need = operator === '?' ? 'to be set' : 'to have a value';
  const reason = words === '' ? '' : `: ${words}`;
  throw new InterpolationError('VARIABLE_MISSING', `expected the variable ${quote(name)} ${need}${reason}`, reference);
}

function plain(name: string, reference: string, variables: VariableSource): string {
  const value = variables.get(name);
  if (value === undefined) variables.onUnset(name, reference);
  return value ?? '';
}

function match(pattern: RegExp, text: string, index: number): string {
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0] ?? '';
}

function invalid(reference: string): InterpolationError {
  return new InterpolationError('INVALID_INTERPOLATION', `expected ${FORMS}, found ${quote(reference)}`, reference);
}
