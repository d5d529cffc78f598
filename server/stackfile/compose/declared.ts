/** What the networks, volumes, configs and secrets at the top level of a Compose file have in common. */

import { findLabelProblem, findResourceNameProblem } from '../names.ts';
import { findNearest } from '../nearest.ts';
import { type ProblemCode, quote } from '../problems.ts';
import type { Entry, Place } from '../reader.ts';
import type { ComposeFields, ComposeReader } from './reader.ts';

export type Declaration = Entry<ComposeReader>;

/** The key of a declared thing may begin with any of its characters. */
const KEY = /^[a-zA-Z0-9._-]{1,128}$/;

/** Gives the named things below one key, which may be left empty. */
export function readDeclarations(value: ComposeReader, expected: string): Declaration[] {
  if (value.kind === 'null') return [];
  if (value.kind !== 'object') return value.wrongType(`a map: ${expected}`) ?? [];
  return value.entries.filter((entry) => {
    // There are no extensions here: x-ray is a name, too.
    if (KEY.test(entry.key)) return true;
    entry.report('INVALID_NAME', `expected 1 to 128 letters, digits, "_", "." and "-", found ${quote(entry.key)}`);
    return false;
  });
}

/** A declaration without settings may be left empty, too. */
export function readDeclaration(
  declaration: Declaration,
  keys: readonly string[],
  expected: string,
): ComposeFields | undefined {
  const { value } = declaration;
  return value.kind === 'null' ? value.emptyFields(declaration) : value.map(keys, expected);
}

/** Gives the name on the host, which is `<stack>_<key>` unless the file says another one. */
export function readIdentity(
  stack: string,
  declaration: Declaration,
  fields: ComposeFields,
): { name: string; external: boolean } {
  const externalValue = fields.get('external');
  const old = externalValue.kind === 'object' ? externalValue.map(['name'], '{name}') : undefined;
  const external = old ? true : (externalValue.flag() ?? false);
  if (old) {
    const message = 'expected "external: true" with "name" beside it: "external.name" is deprecated';
    fields.keyOf('external').warn('DEPRECATED_FIELD', message);
  }
  if (external) checkExternal(fields);
  const value = old && !fields.has('name') ? old.get('name') : fields.get('name');
  const own = value.text('a name');
  const name = own ?? (external ? declaration.key : `${stack}_${declaration.key}`);
  // A stack without a name has been reported already.
  if (own !== undefined || external || stack !== '') {
    (value.isAbsent ? declaration : value).checkName(name, findResourceNameProblem);
  }
  return { name, external };
}

function checkExternal(fields: ComposeFields): void {
  for (const other of fields.entries) {
    if (other.key === 'name' || other.key === 'external') continue;
    const message = `expected no ${quote(other.key)} beside "external: true": it is not made here`;
    other.report('CONFLICTING_FIELDS', message);
  }
}

export function readLabels(value: ComposeReader): Record<string, string> | undefined {
  return value.pairs({ findProblem: findLabelProblem });
}

/** Where a service refers to something that the top level of the file declares. */
export type Reference = { code: ProblemCode; noun: string; section: string };

export function findDeclared<T>(
  { code, noun, section }: Reference,
  declared: ReadonlyMap<string, T>,
  key: string,
  place: Place,
): T | undefined {
  const found = declared.get(key);
  if (found !== undefined) return found;
  return place.report(code, () => {
    const near = findNearest(key, declared.keys());
    const hint = near === undefined ? `declare it under "${section}"` : `did you mean ${quote(near)}?`;
    return `expected ${noun} that is declared at the top level, found ${quote(key)}: ${hint}`;
  });
}
