import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import { CONFIDENTIAL, NOT_SHOWN } from '../spec/confidential.ts';
import { follow, keyText, readYaml, type Tree } from './compose/yaml.ts';
import { type Range, replaceRanges } from './ranges.ts';

/** The password in scheme://user:password@host. */
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s:@/]*):[^\s@/]+@/gi;

/**
 * Hides in a stack file, of either format, what a viewer may not see. Names stay, and every line is where it was. Of a text
 * that cannot be read nothing is shown.
 */
export function maskSource(text: string): string {
  const tree = readYaml(text, () => {});
  if (!tree) return JSON.stringify(NOT_SHOWN);
  const masker = new Masker(tree);
  masker.visit(tree.root, false);
  return replaceRanges(text, [...masker.ranges.values()], toMask).replaceAll(URL_PASSWORD, '$1:***@');
}

/** A variable of a list, `NAME=value`, keeps its name. */
function toMask(was: string): string {
  const name = /^["']?([A-Za-z_][\w.-]*)=/.exec(was)?.[1];
  return JSON.stringify(name === undefined ? NOT_SHOWN : `${name}=${NOT_SHOWN}`);
}

class Masker {
  readonly ranges = new Map<number, Range>();
  readonly #tree: Tree;
  /** An anchor is masked where it stands as soon as one alias to it is in a place that is masked. */
  readonly #masked = new Set<Node>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  visit(node: unknown, isHidden: boolean): void {
    if (isAlias(node)) {
      const target = follow(this.#tree, node);
      if (isHidden && target && !this.#masked.has(target)) this.visit(target, true);
      return;
    }
    if (isHidden && isScalar(node)) this.#hide(node);
    if (!isMap(node) && !isSeq(node)) return;
    if (isHidden) this.#masked.add(node);
    if (isSeq(node)) for (const item of node.items) this.visit(item, isHidden);
    else for (const { key, value } of node.items) this.visit(value, this.#isHidden(keyText(this.#tree, key), isHidden));
  }

  /** In JSON-LD an environment variable is `{ "name": ..., "value": ... }`. */
  #isHidden(key: string | null | undefined, isHidden: boolean): boolean {
    if (isHidden) return key !== 'name' && key !== '@type';
    return CONFIDENTIAL.has(key ?? '');
  }

  #hide({ range }: { range?: [number, number, number] | null | undefined }): void {
    if (range) this.ranges.set(range[0], [range[0], range[1]]);
  }
}
