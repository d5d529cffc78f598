/**
 * Reads JSON text into values that remember where they stand, so that every problem can be pointed at.
 * Strict JSON (RFC 8259): no comments, no trailing commas. Nothing here throws, whatever the text.
 */
import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { MAX_DEPTH, MAX_SOURCE_BYTES } from '../spec/limits.ts';

export type Problem = {
  /** Stable; see `ProblemCode`. */
  code: string;
  message: string;
  /** As in `@graph[0].hasPart[1].image`; empty for the whole text. */
  path: string;
  /** Both count from 1; the column in UTF-16 units, as editors do. */
  line: number;
  column: number;
};

export type ProblemCode =
  | 'SOURCE_NOT_JSON'
  | 'SOURCE_TOO_LARGE'
  | 'SOURCE_TOO_DEEP'
  | 'UNKNOWN_FIELD'
  | 'DUPLICATE_FIELD'
  | 'CONFLICTING_FIELDS'
  | 'MISSING_FIELD'
  | 'WRONG_TYPE'
  | 'INVALID_VALUE'
  | 'INVALID_NAME'
  | 'INVALID_IMAGE'
  | 'DUPLICATE_NAME'
  | 'DUPLICATE_CONTAINER'
  | 'DUPLICATE_MOUNT'
  | 'TOO_MANY_CONTAINERS'
  | 'UNKNOWN_DEPENDENCY'
  | 'DEPENDENCY_CYCLE'
  | 'HOST_MISSING'
  | 'PORT_CONFLICT'
  | 'NETWORK_REDEFINED'
  | 'SOURCE_NOT_YAML'
  | 'UNSUPPORTED_FIELD'
  | 'INVALID_INTERPOLATION'
  | 'VARIABLE_MISSING'
  | 'UNKNOWN_ALIAS'
  | 'UNKNOWN_NETWORK'
  | 'UNKNOWN_VOLUME'
  | 'UNKNOWN_CONFIG'
  | 'UNKNOWN_SECRET'
  | 'INACTIVE_DEPENDENCY'
  | 'SECRET_HIDDEN'
  // Only in warnings.
  | 'DEPRECATED_FIELD'
  | 'VARIABLE_NOT_SET';

/** Where a problem is: a value, or a field's key. */
export type Spot = { path: string; offset: number };
/** A message that costs something to make is given as a function: it is only called when there is room for it. */
export type Report = (code: ProblemCode, spot: Spot, message: string | (() => string)) => void;

export type ObjectValue = Spot & { kind: 'object'; fields: Field[] };
export type ListValue = Spot & { kind: 'list'; items: Value[] };
export type StringValue = Spot & { kind: 'string'; text: string };
/** `text` is the number as written, for where it becomes a string. */
export type NumberValue = Spot & { kind: 'number'; number: number; text: string };
export type BooleanValue = Spot & { kind: 'boolean'; boolean: boolean };
export type NullValue = Spot & { kind: 'null' };
export type Value = ObjectValue | ListValue | StringValue | NumberValue | BooleanValue | NullValue;
/** Its offset is the key's. */
export type Field = Spot & { key: string; value: Value };

/** `root` is null when the text is no JSON at all; the report then already says so. */
export type Source = {
  root: Value | null;
  report: Report;
  /** In the order of the text. */
  problems(): Problem[];
  place(spot: Spot): Place;
};
export type Place = Pick<Problem, 'path' | 'line' | 'column'>;

/** A hostile file could otherwise make an answer many times its own size. */
const MAX_PROBLEMS = 1_000;
export const TEXT: Spot = { path: '', offset: 0 };

export function readSource(text: string): Source {
  const notes = collectProblems(text);
  return { root: readRoot(text, notes.report), place: (spot) => placeOf(text, spot), ...notes };
}

export function placeOf(text: string, { path, offset }: Spot): Place {
  return { path, ...createPlaces(text)(offset) };
}

function readRoot(text: string, report: Report): Value | null {
  if (Buffer.byteLength(text) > MAX_SOURCE_BYTES) {
    report('SOURCE_TOO_LARGE', TEXT, `expected at most ${MAX_SOURCE_BYTES} bytes`);
    return null;
  }
  // Blanked, not cut off, so that offsets stay those of the text.
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

/** The parser below recurses, so depth is counted first, without recursion. */
function findTooDeep(json: string): number | undefined {
  const scanner = createScanner(json, true);
  let depth = 0;
  for (let token = scanner.scan(); token !== 17; token = scanner.scan()) {
    if (token === 1 || token === 3) depth += 1;
    if (token === 2 || token === 4) depth -= 1;
    if (depth > MAX_DEPTH) return scanner.getTokenOffset();
  }
  return undefined;
}

function toValue(node: Node, path: string, json: string, report: Report): Value {
  const spot = { path, offset: node.offset };
  const children = node.children ?? [];
  switch (node.type) {
    case 'object':
      return { ...spot, kind: 'object', fields: toFields(children, path, json, report) };
    case 'array':
      return {
        ...spot,
        kind: 'list',
        items: children.map((child, index) => toValue(child, `${path}[${index}]`, json, report)),
      };
    case 'string': {
      const text = String(node.value);
      checkText(text, spot, report);
      return { ...spot, kind: 'string', text };
    }
    case 'number': {
      const text = json.slice(node.offset, node.offset + node.length);
      return { ...spot, kind: 'number', number: Number(text), text };
    }
    case 'boolean':
      return { ...spot, kind: 'boolean', boolean: node.value === true };
    default:
      return { ...spot, kind: 'null' };
  }
}

function toFields(properties: Node[], parentPath: string, json: string, report: Report): Field[] {
  const fields = new Map<string, Field>();
  for (const property of properties) {
    const [keyNode, valueNode] = property.children ?? [];
    if (!keyNode || !valueNode) continue;
    const key = String(keyNode.value);
    const path = fieldPath(parentPath, key);
    const spot = { path, offset: keyNode.offset };
    checkText(key, spot, report);
    const value = toValue(valueNode, path, json, report);
    if (fields.has(key)) report('DUPLICATE_FIELD', spot, `expected ${quote(key)} only once in this object`);
    else fields.set(key, { ...spot, key, value });
  }
  return [...fields.values()];
}

/** Postgres' jsonb and Docker's C strings take neither. */
export function checkText(text: string, spot: Spot, report: Report): void {
  if (text.includes('\0')) report('INVALID_VALUE', spot, 'expected text without NUL characters');
  if (!text.isWellFormed()) report('INVALID_VALUE', spot, 'expected text without half surrogate pairs');
}

export function fieldPath(parentPath: string, key: string): string {
  if (!/^[@\w$-]{1,60}$/.test(key)) return `${parentPath}[${quote(key)}]`;
  return parentPath === '' ? key : `${parentPath}.${key}`;
}

/** What the user wrote, short enough for a message. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text);
}

export function collectProblems(text: string): { report: Report; problems(): Problem[] } {
  const found: { offset: number; code: ProblemCode; message: string; path: string }[] = [];
  return {
    report(code, spot, message) {
      if (found.length >= MAX_PROBLEMS) return;
      const words = typeof message === 'string' ? message : message();
      found.push({ code, message: words, path: spot.path, offset: spot.offset });
    },
    problems() {
      const places = found.toSorted((a, b) => a.offset - b.offset);
      const toPlace = createPlaces(text);
      return places.map(({ offset, ...problem }) => ({ ...problem, ...toPlace(offset) }));
    },
  };
}

/** Line and column of offsets that never fall. */
function createPlaces(text: string): (offset: number) => { line: number; column: number } {
  const breaks = text.matchAll(/\r\n|\n|\r/g);
  let next = breaks.next().value;
  let line = 1;
  let start = 0;
  return (offset) => {
    while (next && next.index + next[0].length <= offset) {
      line += 1;
      start = next.index + next[0].length;
      next = breaks.next().value;
    }
    return { line, column: offset - start + 1 };
  };
}
