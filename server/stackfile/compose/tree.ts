/**
 * Turns the YAML nodes of a Compose file into values that know where they are. Aliases and merge keys are replaced by
 * what they stand for, which keeps its own location, and variables by their values.
 */
import { isAlias, isMap, isNode, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from 'yaml';
import { MAX_DEPTH } from '../../spec/limits.ts';
import { fieldPath, type Location, type ProblemCode, quote, type Report, WHOLE_TEXT } from '../problems.ts';
import { checkText, type Field, type Value } from '../text.ts';
import { interpolate } from './interpolate.ts';
import type { Variables } from './variables.ts';
import { follow, isMergeKey, keyText, offsetOf, type Tree } from './yaml.ts';

// Without these limits, a short text could become an endless one.
const MAX_ALIASED_NODES = 100_000;
const MAX_VARIABLE_LENGTH = 2 * 1024 * 1024;

/** What no service can have as empty text: a variable that is empty leaves it out, as in Compose (`platform: ${PLATFORM:-}`). */
const ABSENT_IF_EMPTY = new RegExp(
  `^services(?:\\.[^.[]+|\\["[^"]*"\\])\\.(?:${[
    'cgroup|cgroup_parent|container_name|cpu_count|cpu_percent|cpu_period|cpu_quota|cpu_shares|cpus|cpuset',
    'dns|dns_opt|dns_search|domainname|hostname|init|ipc|mac_address|mem_limit|mem_reservation|mem_swappiness',
    'memswap_limit|network_mode|oom_kill_disable|oom_score_adj|pid|pids_limit|platform|privileged|pull_policy',
    'read_only|restart|runtime|scale|shm_size|stdin_open|stop_grace_period|stop_signal|tty|user|userns_mode|uts',
    'working_dir|deploy\\.replicas|deploy\\.resources\\.(?:limits|reservations)\\.(?:cpus|memory|pids)|logging\\.driver',
  ].join('|')})$`,
);

/**
 * `root` is null after reporting that aliases or variables make the file too large or too deep. `unread` has the offsets
 * of values whose variables cannot be replaced. That is reported, and nothing else should be reported of them.
 */
export function toComposeValue(
  text: string,
  tree: Tree,
  report: Report,
  variables: Variables,
): { root: Value | null; unread: ReadonlySet<number> } {
  const converter = new Converter(text, tree, report, variables);
  const root = converter.toValue(tree.root, WHOLE_TEXT, 0);
  return { root: converter.isFull ? null : root, unread: converter.unread };
}

class Converter {
  readonly unread = new Set<number>();
  /** Set when something is too large to go on. */
  isFull = false;
  readonly #text: string;
  readonly #tree: Tree;
  /** Reports nothing inside an alias: the problems there were reported where the anchor is. */
  readonly #report: Report;
  readonly #reportInAlias: Report;
  readonly #variables: Variables;
  /** The values that a variable left empty, and that nothing should read. */
  readonly #absent = new Set<Value>();
  /** Counts the aliases around the current node. */
  #aliases = 0;
  #aliasedNodes = 0;
  #variableLength = 0;

  constructor(text: string, tree: Tree, report: Report, variables: Variables) {
    this.#text = text;
    this.#tree = tree;
    this.#report = (code, location, message) => {
      if (this.#aliases === 0) report(code, location, message);
    };
    this.#reportInAlias = report;
    this.#variables = variables;
  }

  #giveUp(code: ProblemCode, location: Location, message: string): void {
    if (!this.isFull) this.#reportInAlias(code, location, message);
    this.isFull = true;
  }

  /** The offset of `location` is for a node that is not written, such as the value of `key:`. */
  toValue(node: unknown, location: Location, depth: number): Value {
    const found = follow(this.#tree, node);
    if (found === node) return this.#toOwnValue(found, location, depth);
    return this.#inAlias(() => this.#toOwnValue(found, location, depth));
  }

  #inAlias<T>(read: () => T): T {
    this.#aliases += 1;
    const result = read();
    this.#aliases -= 1;
    return result;
  }

  #toOwnValue(node: Node | undefined, { path, offset }: Location, depth: number): Value {
    const location = { path, offset: node ? offsetOf(node) : offset };
    this.#checkSize(location, depth);
    if (this.isFull || !node) return { ...location, kind: 'null' };
    if (isMap(node)) {
      const fields = [...this.#toFields(node, path, depth).values()];
      return { ...location, kind: 'object', fields: fields.filter((field) => !this.#absent.has(field.value)) };
    }
    if (isSeq(node)) {
      const items = node.items.map((item, index) =>
        this.toValue(item, { path: `${path}[${index}]`, offset: location.offset }, depth + 1),
      );
      return { ...location, kind: 'list', items };
    }
    return isScalar(node) ? this.#toScalar(node, location) : { ...location, kind: 'null' };
  }

  #checkSize(location: Location, depth: number): void {
    if (this.#aliases > 0) this.#aliasedNodes += 1;
    if (depth > MAX_DEPTH) {
      this.#giveUp('SOURCE_TOO_DEEP', location, `expected at most ${MAX_DEPTH} levels of nesting, aliases included`);
    } else if (this.#aliasedNodes > MAX_ALIASED_NODES) {
      const message = `expected aliases to stand for at most ${MAX_ALIASED_NODES} values`;
      this.#giveUp('SOURCE_TOO_LARGE', location, message);
    }
  }

  /** What the map says itself goes before what is merged into it. */
  #toFields(map: YAMLMap, parentPath: string, depth: number): Map<string, Field> {
    const fields = new Map<string, Field>();
    let merged: (() => Field[]) | undefined;
    for (const { key: keyNode, value } of map.items) {
      const written = this.#readKey(keyNode, map, parentPath);
      if (!written) continue;
      const { key, location } = written;
      const isMerge = isMergeKey(keyNode);
      if (fields.has(key) || (merged && isMerge)) {
        this.#report('DUPLICATE_FIELD', location, `expected ${quote(key)} only once in this map`);
      } else if (isMerge) merged = () => this.#toMerged(value, location, parentPath, depth);
      else {
        checkText(key, location, this.#report);
        fields.set(key, { ...location, key, value: this.toValue(value, location, depth + 1) });
      }
    }
    for (const field of merged?.() ?? []) if (!fields.has(field.key)) fields.set(field.key, field);
    return fields;
  }

  #readKey(node: unknown, map: YAMLMap, parentPath: string): { key: string; location: Location } | undefined {
    const key = keyText(this.#tree, node);
    const offset = offsetOf(isNode(node) && !isAlias(node) ? node : map);
    if (key !== undefined) return { key, location: { path: fieldPath(parentPath, key), offset } };
    this.#report('WRONG_TYPE', { path: parentPath, offset }, 'expected a key that is text');
    return undefined;
  }

  /** If several maps have one key, the earliest of them counts (yaml.org/type/merge.html). */
  #toMerged(node: unknown, location: Location, parentPath: string, depth: number): Field[] {
    const found = follow(this.#tree, node);
    const read = this.#findMergeReader(found, location, parentPath, depth);
    if (!read) {
      this.#report('WRONG_TYPE', location, 'expected a map after "<<", or a list of maps');
      return [];
    }
    return found === node ? read() : this.#inAlias(read);
  }

  #findMergeReader(
    found: Node | undefined,
    location: Location,
    parentPath: string,
    depth: number,
  ): (() => Field[]) | undefined {
    if (isMap(found)) {
      return () => {
        if (depth > MAX_DEPTH || this.isFull) return [];
        if (this.#aliases > 0) this.#aliasedNodes += 1;
        return [...this.#toFields(found, parentPath, depth + 1).values()];
      };
    }
    if (!isSeq(found) || !found.items.every((item) => isMap(follow(this.#tree, item)))) return undefined;
    return () => found.items.flatMap((item) => this.#toMerged(item, location, parentPath, depth));
  }

  #toScalar(scalar: Scalar, location: Location): Value {
    const { value } = scalar;
    if (typeof value === 'number') {
      return { ...location, kind: 'number', number: value, text: scalar.source ?? String(value) };
    }
    if (typeof value === 'boolean') return { ...location, kind: 'boolean', boolean: value };
    if (typeof value !== 'string') return { ...location, kind: 'null' };
    const text = value.includes('$') ? this.#interpolate(value, scalar, location) : value;
    checkText(text, location, this.#report);
    const read: Value = { ...location, kind: 'string', text };
    if (text === '' && value !== '' && ABSENT_IF_EMPTY.test(location.path)) this.#absent.add(read);
    return read;
  }

  #interpolate(written: string, scalar: Scalar, { path, offset }: Location): string {
    const locationOf = (reference: string): Location => {
      const [start, end] = scalar.range ?? [offset, offset];
      const index = this.#text.slice(start, end).indexOf(reference);
      return { path, offset: offset + Math.max(index, 0) };
    };
    const result = interpolate(written, {
      get: (name) => this.#variables.known.get(name),
      onUnset: (name, reference) => this.#variables.warnUnset(name, locationOf(reference)),
    });
    if (!result.ok) {
      const { code, message, reference } = result.error;
      this.#report(code, locationOf(reference), message);
      this.unread.add(offset);
      return written;
    }
    this.#variableLength += result.text.length;
    if (this.#variableLength > MAX_VARIABLE_LENGTH) {
      const message = `expected at most ${MAX_VARIABLE_LENGTH} characters of values with variables`;
      this.#giveUp('SOURCE_TOO_LARGE', WHOLE_TEXT, message);
    }
    return result.text;
  }
}
