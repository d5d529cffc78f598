/** What the networks, volumes, configs and secrets at the top level of a Compose file have in common. */

import { type Fields, findNearest, wrongType } from '../fields.ts';
import { findLabelProblem, findResourceNameProblem } from '../names.ts';
import { type Field, type ProblemCode, quote, type Report, type Spot, type Value } from '../text.ts';
import { keySpot, readKeys } from './keys.ts';
import { readFlag, readPairs, readText } from './scalars.ts';

/** What reading one file needs everywhere. */
export type Context = {
  report: Report;
  /** For what works and is said all the same. */
  warn: Report;
  stack: string;
  variables: ReadonlyMap<string, string>;
};

/** A key of the Compose file for a thing; it may begin with any of its characters. */
const KEY = /^[a-zA-Z0-9._-]{1,128}$/;

/** The named things below one key; nothing there is as good as no key. */
export function readDeclarations(report: Report, value: Value | undefined, expected: string): Field[] {
  if (value === undefined || value.kind === 'null') return [];
  if (value.kind !== 'object') return wrongType(report, value, `a map: ${expected}`) ?? [];
  return value.fields.filter((field) => {
    // No extensions here: x-ray is a name too.
    if (KEY.test(field.key)) return true;
    report('INVALID_NAME', field, `expected 1 to 128 letters, digits, "_", "." and "-", found ${quote(field.key)}`);
    return false;
  });
}

/** A declaration without settings may be left empty. */
export function readDeclaration(
  report: Report,
  field: Field,
  words: readonly string[],
  expected: string,
): Fields | undefined {
  const { value } = field;
  if (value.kind === 'null') return { path: value.path, offset: field.offset, get: () => undefined, all: [] };
  return readKeys(report, value, words, expected);
}

/** The name on the host: `<stack>_<key>`, unless the file gives it one. */
export function readIdentity(
  { report, warn, stack }: Context,
  field: Field,
  fields: Fields,
): { name: string; external: boolean } {
  const written = fields.get('external');
  const old = written?.kind === 'object' ? readKeys(report, written, ['name'], '{name}') : undefined;
  const external = old ? true : (readFlag(report, written) ?? false);
  if (old) {
    const message = 'expected "external: true" with "name" beside it: "external.name" is deprecated';
    warn('DEPRECATED_FIELD', keySpot(fields, 'external'), message);
  }
  if (external) checkExternal(report, fields);
  const value = fields.get('name') ?? old?.get('name');
  const own = readText(report, value, 'a name');
  const name = own ?? (external ? field.key : `${stack}_${field.key}`);
  const problem = findResourceNameProblem(name);
  // Without a stack's name the report says so already.
  if (problem && (own !== undefined || external || stack !== '')) {
    report('INVALID_NAME', value ?? field, `${problem}, found ${quote(name)}`);
  }
  return { name, external };
}

function checkExternal(report: Report, fields: Fields): void {
  for (const other of fields.all) {
    if (other.key === 'name' || other.key === 'external') continue;
    const message = `expected no ${quote(other.key)} beside "external: true": it is not made here`;
    report('CONFLICTING_FIELDS', other, message);
  }
}

export function readOwnLabels(report: Report, fields: Fields): Record<string, string> {
  return readPairs(report, fields.get('labels'), { findProblem: findLabelProblem }) ?? {};
}

/** A map of options for a driver. */
export function readOptions(report: Report, value: Value | undefined): Record<string, string> | undefined {
  if (value !== undefined && value.kind !== 'object') return wrongType(report, value, 'a map {option: value}');
  return readPairs(report, value);
}

/** What a service refers to by its key. */
export function findDeclared<T>(
  report: Report,
  { code, noun, section }: { code: ProblemCode; noun: string; section: string },
  declared: ReadonlyMap<string, T>,
  key: string,
  spot: Spot,
): T | undefined {
  const found = declared.get(key);
  if (found !== undefined) return found;
  report(code, spot, () => {
    const near = findNearest(key, declared.keys());
    const hint = near === undefined ? `declare it under "${section}"` : `did you mean ${quote(near)}?`;
    return `expected ${noun} that is declared at the top level, found ${quote(key)}: ${hint}`;
  });
  return undefined;
}
