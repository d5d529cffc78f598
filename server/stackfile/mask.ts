import { type Alias, isAlias, isMap, isScalar, isSeq, Lexer, type Node, type YAMLMap, type YAMLSeq } from 'yaml';
import { CONFIDENTIAL, NOT_SHOWN, withoutPasswords } from '../spec/confidential.ts';
import { follow, keyText, readYaml, type Tree } from './compose/yaml.ts';
import { type Range, replaceRanges } from './ranges.ts';

/**
 * Hides in a stack file, of either format, what a viewer may not see. Names stay, and every line is where it was. Of a text
 * that cannot be read nothing is shown.
 */
export function maskSource(text: string): string {
  const known = MASKED.get(text);
  if (known !== undefined) return known;
  const masked = mask(text);
  const [oldest] = MASKED.keys();
  if (MASKED.size === MOST_MASKED && oldest !== undefined) MASKED.delete(oldest);
  MASKED.set(text, masked);
  return masked;
}

/** A large file takes long, and is mostly asked for several times. */
const MASKED = new Map<string, string>();
const MOST_MASKED = 20;

function mask(text: string): string {
  const tree = readYaml(text, () => {});
  if (!tree) return JSON.stringify(NOT_SHOWN);
  const masker = new Masker(tree);
  masker.visit(tree.root, false);
  // One in the first line of a text that is hidden is hidden with it.
  for (const comment of outside(settingsInComments(text), masker.ranges)) masker.ranges.set(comment[0], comment);
  return withoutPasswords(replaceRanges(text, [...masker.ranges.values()], toMask));
}

/** The lexer writes this before the text of a scalar. */
const SCALAR = '\u001f';
const isMark = (token: string): boolean => ['\u0002', '\u0018', SCALAR].includes(token);

/** Comments that look like settings: what somebody took out of use for a while may be a password still. */
function settingsInComments(text: string): Range[] {
  const found: Range[] = [];
  let offset = text.startsWith('\uFEFF') ? 1 : 0;
  let before = '';
  for (const token of new Lexer().lex(text)) {
    if (token !== '\uFEFF' && !isMark(token)) {
      const isComment = token.startsWith('#') && before !== SCALAR;
      if (isComment && /[:=]/.test(token)) found.push([offset, offset + token.length]);
      offset += token.length;
    }
    before = token;
  }
  return found;
}

/** @param comments in the order of the text */
function outside(comments: readonly Range[], hidden: ReadonlyMap<number, Range>): Range[] {
  const ranges = [...hidden.values()].toSorted(([a], [b]) => a - b);
  let next = 0;
  return comments.filter(([start]) => {
    while (ranges[next] && (ranges[next]?.[1] ?? 0) <= start) next += 1;
    return (ranges[next]?.[0] ?? Number.POSITIVE_INFINITY) > start;
  });
}

/** A variable of a list, `NAME=value`, keeps its name. */
function toMask(was: string): string {
  if (was.startsWith('#')) return `# ${NOT_SHOWN}`;
  const name = /^["']?([A-Za-z_][\w.-]*)=/.exec(was)?.[1];
  return JSON.stringify(name === undefined ? NOT_SHOWN : `${name}=${NOT_SHOWN}`);
}

/** Extensions are whatever people like, and mostly what they use in several places. */
const isHiddenKey = (key: string | null | undefined): boolean =>
  key != null && (CONFIDENTIAL.has(key) || key.startsWith('x-'));

class Masker {
  readonly ranges = new Map<number, Range>();
  readonly #tree: Tree;
  /** An anchor is masked where it stands as soon as one alias to it is in a place that is masked. */
  readonly #masked = new Set<Node>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  visit(node: unknown, isHidden: boolean): void {
    if (isAlias(node)) this.#visitAlias(node, isHidden);
    else if (isScalar(node) && isHidden) this.#hide(node);
    else if (isMap(node) || isSeq(node)) this.#visitItems(node, isHidden);
  }

  #visitAlias(alias: Alias, isHidden: boolean): void {
    const target = follow(this.#tree, alias);
    if (isHidden && target && !this.#masked.has(target)) this.visit(target, true);
  }

  #visitItems(node: YAMLMap | YAMLSeq, isHidden: boolean): void {
    if (isHidden) this.#masked.add(node);
    if (isMap(node)) {
      for (const { key, value } of node.items) this.visit(value, isHidden || isHiddenKey(keyText(this.#tree, key)));
      return;
    }
    for (const item of node.items) {
      if (isHidden && isMap(item) && item.has('name') && item.has('value')) this.#visitVariable(item);
      else this.visit(item, isHidden);
    }
  }

  /** In JSON-LD an environment variable is `{ "name": ..., "value": ... }`. */
  #visitVariable({ items }: YAMLMap): void {
    for (const { key, value } of items) {
      const name = keyText(this.#tree, key);
      this.visit(value, name !== 'name' && name !== '@type');
    }
  }

  #hide({ range }: { range?: [number, number, number] | null | undefined }): void {
    if (range) this.ranges.set(range[0], [range[0], range[1]]);
  }
}
