/**
 * The YAML nodes of a Compose file as values that remember where they stand: aliases and merge keys are replaced by
 * what they stand for (with its own place in the text), and variables in values by what they hold.
 */
import { isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from 'yaml';
import { MAX_DEPTH } from '../../spec/limits.ts';
import { checkText, type Field, fieldPath, quote, type Report, type Spot, TEXT, type Value } from '../text.ts';
import { interpolate } from './interpolate.ts';
import { follow, isMergeKey, keyText, offsetOf, type Tree } from './yaml.ts';

/** Both keep a short text from becoming an endless one. */
const MAX_ALIASED_NODES = 100_000;
const MAX_VARIABLE_LENGTH = 2 * 1024 * 1024;

export type Variables = {
  /** Undefined: not set. */
  get(name: string): string | undefined;
  /** One without a value and without a default. */
  onUnset(name: string, spot: Spot): void;
};

type Reader = {
  text: string;
  tree: Tree;
  report: Report;
  variables: Variables;
  /** Aliases around what is being read. Problems inside were reported where it is written. */
  aliases: number;
  aliasedNodes: number;
  variableLength: number;
  /** Whether something is too large to go on. */
  isFull: boolean;
  /** Where values are whose variables have not been put in. */
  unread: Set<number>;
};

/**
 * `root` is null when the file becomes too large or too deep through its aliases; the report then says so. It has said
 * all there is to say about what is at the offsets in `unread`.
 */
export function toComposeValue(
  text: string,
  tree: Tree,
  report: Report,
  variables: Variables,
): { root: Value | null; unread: ReadonlySet<number> } {
  const unread = new Set<number>();
  const counts = { aliases: 0, aliasedNodes: 0, variableLength: 0, isFull: false };
  const reader: Reader = { text, tree, report, variables, unread, ...counts };
  const root = toValue(reader, tree.root, { path: '', offset: 0 }, 0);
  return { root: reader.isFull ? null : root, unread };
}

function giveUp(reader: Reader, code: 'SOURCE_TOO_LARGE' | 'SOURCE_TOO_DEEP', spot: Spot, message: string): void {
  if (!reader.isFull) reader.report(code, spot, message);
  reader.isFull = true;
}

/** `spot` has the path of what is read, and an offset for where nothing is written. */
function toValue(reader: Reader, node: unknown, spot: Spot, depth: number): Value {
  const found = follow(reader.tree, node);
  if (found !== node) return inAlias(reader, () => toOwnValue(reader, found, spot, depth));
  return toOwnValue(reader, found, spot, depth);
}

function inAlias<T>(reader: Reader, read: () => T): T {
  reader.aliases += 1;
  const result = read();
  reader.aliases -= 1;
  return result;
}

function toOwnValue(reader: Reader, node: Node | undefined, { path, offset }: Spot, depth: number): Value {
  const spot = { path, offset: node ? offsetOf(node) : offset };
  if (reader.aliases > 0) reader.aliasedNodes += 1;
  if (depth > MAX_DEPTH) {
    giveUp(reader, 'SOURCE_TOO_DEEP', spot, `expected at most ${MAX_DEPTH} levels of nesting, aliases included`);
  } else if (reader.aliasedNodes > MAX_ALIASED_NODES) {
    giveUp(reader, 'SOURCE_TOO_LARGE', spot, `expected aliases to stand for at most ${MAX_ALIASED_NODES} values`);
  }
  if (reader.isFull || !node) return { ...spot, kind: 'null' };
  if (isMap(node)) return { ...spot, kind: 'object', fields: [...toFields(reader, node, path, depth).values()] };
  if (isSeq(node)) {
    const toItem = (item: unknown, index: number) =>
      toValue(reader, item, { path: `${path}[${index}]`, offset: spot.offset }, depth + 1);
    return { ...spot, kind: 'list', items: node.items.map(toItem) };
  }
  return isScalar(node) ? toScalar(reader, node, spot) : { ...spot, kind: 'null' };
}

function toFields(reader: Reader, map: YAMLMap, parentPath: string, depth: number): Map<string, Field> {
  const fields = new Map<string, Field>();
  let merged: { value: unknown; spot: Spot } | undefined;
  for (const { key: keyNode, value } of map.items) {
    const key = keyText(reader.tree, keyNode);
    const offset = isMap(keyNode) || isSeq(keyNode) || isScalar(keyNode) ? offsetOf(keyNode) : offsetOf(map);
    if (key === undefined) {
      note(reader, 'WRONG_TYPE', { path: parentPath, offset }, 'expected a key that is text');
      continue;
    }
    const spot = { path: fieldPath(parentPath, key), offset };
    if (fields.has(key) || (merged && isMergeKey(keyNode))) {
      note(reader, 'DUPLICATE_FIELD', spot, `expected ${quote(key)} only once in this map`);
    } else if (isMergeKey(keyNode)) merged = { value, spot };
    else {
      checkText(key, spot, quietInAlias(reader));
      fields.set(key, { ...spot, key, value: toValue(reader, value, spot, depth + 1) });
    }
  }
  for (const field of merged ? toMerged(reader, merged.value, merged.spot, parentPath, depth) : []) {
    if (!fields.has(field.key)) fields.set(field.key, field);
  }
  return fields;
}

/** The earlier of several maps comes first (yaml.org/type/merge.html). */
function toMerged(reader: Reader, node: unknown, spot: Spot, parentPath: string, depth: number): Field[] {
  const found = follow(reader.tree, node);
  const isAliased = found !== node;
  if (isMap(found)) {
    if (depth > MAX_DEPTH || reader.isFull) return [];
    const read = () => [...toFields(reader, found, parentPath, depth + 1).values()];
    if (reader.aliases > 0 || isAliased) reader.aliasedNodes += 1;
    return isAliased ? inAlias(reader, read) : read();
  }
  if (isSeq(found) && found.items.every((item) => isMap(follow(reader.tree, item)))) {
    const read = () => found.items.flatMap((item) => toMerged(reader, item, spot, parentPath, depth));
    return isAliased ? inAlias(reader, read) : read();
  }
  note(reader, 'WRONG_TYPE', spot, 'expected a map after "<<", or a list of maps');
  return [];
}

function note(reader: Reader, code: Parameters<Report>[0], spot: Spot, message: string): void {
  if (reader.aliases === 0) reader.report(code, spot, message);
}

function quietInAlias(reader: Reader): Report {
  return reader.aliases === 0 ? reader.report : () => {};
}

function toScalar(reader: Reader, scalar: Scalar, spot: Spot): Value {
  const { value } = scalar;
  if (typeof value === 'number')
    return { ...spot, kind: 'number', number: value, text: scalar.source ?? String(value) };
  if (typeof value === 'boolean') return { ...spot, kind: 'boolean', boolean: value };
  if (typeof value !== 'string') return { ...spot, kind: 'null' };
  const text = toText(reader, value, scalar, spot);
  checkText(text, spot, quietInAlias(reader));
  return { ...spot, kind: 'string', text };
}

function toText(reader: Reader, written: string, scalar: Scalar, spot: Spot): string {
  if (!written.includes('$')) return written;
  const toSpot = (reference: string): Spot => {
    const [start, end] = scalar.range ?? [spot.offset, spot.offset];
    const index = reader.text.slice(start, end).indexOf(reference);
    return { path: spot.path, offset: spot.offset + Math.max(index, 0) };
  };
  const result = interpolate(written, {
    get: (name) => reader.variables.get(name),
    onUnset: (name, reference) => reader.variables.onUnset(name, toSpot(reference)),
  });
  if (!result.ok) {
    note(reader, result.trouble.code, toSpot(result.trouble.reference), result.trouble.message);
    reader.unread.add(spot.offset);
    return written;
  }
  reader.variableLength += result.text.length;
  if (reader.variableLength > MAX_VARIABLE_LENGTH) {
    giveUp(
      reader,
      'SOURCE_TOO_LARGE',
      TEXT,
      `expected at most ${MAX_VARIABLE_LENGTH} characters of values with variables`,
    );
  }
  return result.text;
}
