/** Hides what the secrets of a Compose file hold, in the text that is stored and shown. */
import { isMap, isSeq, type Node, type YAMLMap } from 'yaml';
import { type Range, replaceRanges } from '../ranges.ts';
import { follow, isMergeKey, keyText, readYaml, type Tree } from './yaml.ts';

/** Stands in a stored file in place of a secret's content. */
export const SECRET_MARK = '<secret, not shown>';

/**
 * Puts a mark in place of every `secrets.<name>.content`, also where an anchor elsewhere holds it. All else stays on its
 * line. Of a text that is no YAML, only the mark is left, because its secrets cannot be found.
 */
export function redactSecrets(text: string): string {
  const mark = JSON.stringify(SECRET_MARK);
  const tree = readYaml(text, () => {});
  if (!tree) return mark;
  return replaceRanges(text, findContents(tree), () => mark);
}

function findContents(tree: Tree): Range[] {
  const ranges = new Map<number, Range>();
  for (const secrets of valuesOf(tree, tree.root, (key) => key === 'secrets')) {
    for (const secret of valuesOf(tree, secrets, () => true)) {
      for (const { range } of valuesOf(tree, secret, (key) => key === 'content')) {
        if (range) ranges.set(range[0], [range[0], range[1]]);
      }
    }
  }
  return [...ranges.values()];
}

/** Finds the values of the wanted keys, also of those that are merged in and those that are there twice. */
function valuesOf(tree: Tree, node: unknown, isWanted: (key: string) => boolean): Set<Node> {
  const pairs = mapsOf(tree, node).flatMap((map) => map.items);
  const wanted = pairs.filter(({ key }) => !isMergeKey(key) && isWanted(keyText(tree, key) ?? ''));
  return new Set(wanted.flatMap(({ value }) => follow(tree, value) ?? []));
}

/** Gives a map and all maps that are merged into it; for a list, this of each of its maps. */
function mapsOf(tree: Tree, node: unknown, seen = new Set<Node>()): YAMLMap[] {
  const found = follow(tree, node);
  if (!found || seen.has(found)) return [];
  seen.add(found);
  if (isSeq(found)) return found.items.flatMap((item) => mapsOf(tree, item, seen));
  if (!isMap(found)) return [];
  const merged = found.items.filter(({ key }) => isMergeKey(key));
  return [found, ...merged.flatMap(({ value }) => mapsOf(tree, value, seen))];
}
