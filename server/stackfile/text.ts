/**
 * Reads JSON text into values that know where they are, so that every problem can be pointed at.
 * The JSON is strict (RFC 8259): no comments, no trailing commas. Nothing here throws, whatever the text.
 */
import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { MAX_DEPTH, MAX_SOURCE_BYTES } from '../spec/limits.ts';
import { fieldPath, type Location, quote, type Report, WHOLE_TEXT } from './problems.ts';

export type ObjectValue = Location & { kind: 'object'; fields: Field[] };
export type ListValue = Location & { kind: 'list'; items: Value[] };
export type StringValue = Location & { kind: 'string'; text: string };
/** `text` is the number as it is written, for keys that take text. */
export type NumberValue = Location & { kind: 'number'; number: number; text: string };
export type BooleanValue = Location & { kind: 'boolean'; boolean: boolean };
export type NullValue = Location & { kind: 'null' };
export type Value = ObjectValue | ListValue | StringValue | NumberValue | BooleanValue | NullValue;
/** The offset is that of the key; the value has its own. */
export type Field = Location & { key: string; value: Value };

/** Returns null after reporting why the text is no JSON. */
export function readJson(text: string, report: Report): Value | null {
  if (Buffer.byteLength(text) > MAX_SOURCE_BYTES) {
    report('SOURCE_TOO_LARGE', WHOLE_TEXT, `expected at most ${MAX_SOURCE_BYTES} bytes`);
    return null;
  }
  // A byte order mark is blanked rather than cut off, so that offsets stay those of the text.
  const json = text.startsWith('\uFEFF') ? ` ${text.slice(1)}` : text;
  const deepAt = findTooDeep(json);
  if (deepAt !== undefined) {
    report('SOURCE_TOO_DEEP', { path: '', offset: deepAt }, `expected at most ${MAX_DEPTH} levels of nesting`);
    return null;
  }
  const errors: ParseError[] = [];
  const tree = parseTree(json, errors, { disallowComments: true, allowTrailingComma: false });
  const first = errors[0];
  if (first || !tree) {
    const reason = first ? printParseErrorCode(first.error).replace(/(?<=.)([A-Z])/g, ' $1') : 'Value Expected';
    report('SOURCE_NOT_JSON', { path: '', offset: first?.offset ?? 0 }, `expected JSON: ${reason.toLowerCase()}`);
    return null;
  }
  return toValue(tree, '', json, report);
}

/** Values of `SyntaxKind`, a const enum that is not there at run time. */
const TOKEN = { openBrace: 1, closeBrace: 2, openBracket: 3, closeBracket: 4, end: 17 };

/** Counts depth without recursion, because the parser recurses without a limit. */
function findTooDeep(json: string): number | undefined {
  const scanner = createScanner(json, true);
  let depth = 0;
  for (let token: number = scanner.scan(); token !== TOKEN.end; token = scanner.scan()) {
    if (token === TOKEN.openBrace || token === TOKEN.openBracket) depth += 1;
    if (token === TOKEN.closeBrace || token === TOKEN.closeBracket) depth -= 1;
    if (depth > MAX_DEPTH) return scanner.getTokenOffset();
  }
  return undefined;
}

function toValue(node: Node, path: string, json: string, report: Report): Value {
  const location = { path, offset: node.offset };
  const children = node.children ?? [];
  switch (node.type) {
    case 'object':
      return { ...location, kind: 'object', fields: toFields(children, path, json, report) };
    case 'array': {
      const items = children.map((child, index) => toValue(child, `${path}[${index}]`, json, report));
      return { ...location, kind: 'list', items };
    }
    case 'string': {
      const text = String(node.value);
      checkText(text, location, report);
      return { ...location, kind: 'string', text };
    }
    case 'number': {
      const text = json.slice(node.offset, node.offset + node.length);
      return { ...location, kind: 'number', number: Number(text), text };
    }
    case 'boolean':
      return { ...location, kind: 'boolean', boolean: node.value === true };
    default:
      return { ...location, kind: 'null' };
  }
}

function toFields(properties: Node[], parentPath: string, json: string, report: Report): Field[] {
  const fields = new Map<string, Field>();
  for (const property of properties) {
    const [keyNode, valueNode] = property.children ?? [];
    if (!keyNode || !valueNode) continue;
    const key = String(keyNode.value);
    const path = fieldPath(parentPath, key);
    const location = { path, offset: keyNode.offset };
    checkText(key, location, report);
    const value = toValue(valueNode, path, json, report);
    if (fields.has(key)) report('DUPLICATE_FIELD', location, `expected ${quote(key)} only once in this object`);
    else fields.set(key, { ...location, key, value });
  }
  return [...fields.values()];
}

/** Postgres' jsonb and Docker's C strings take neither NUL nor half a surrogate pair. */
export function checkText(text: string, location: Location, report: Report): void {
  if (text.includes('\0')) report('INVALID_VALUE', location, 'expected text without NUL characters');
  if (!text.isWellFormed()) report('INVALID_VALUE', location, 'expected text without half surrogate pairs');
}
