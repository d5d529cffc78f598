/** A Compose file without what its secrets hold: what is stored and shown of it. */
import { isMap, isSeq, type Node } from 'yaml';
import { follow, isMergeKey, keyText, readYaml, type Tree } from './yaml.ts';

/** What a stored file has in place of a secret's content. */
export const SECRET_MARK = '<secret, not shown>';

/**
 * The text with a mark in place of every `secrets.<name>.content`, also where an anchor elsewhere holds it. All else
 * stays on its line. Of a text that is no YAML nothing is left but the mark, since its secrets cannot be found.
 */
export function redactSecrets(text: string): string {
  const mark = JSON.stringify(SECRET_MARK);
  const tree = readYaml(text, () => {});
  if (!tree) return mark;
  let redacted = text;
  let before = text.length;
  for (const [start, end] of findContents(tree).toSorted((a, b) => b[0] - a[0])) {
    if (end > before || start === end) continue;
    const lines = text.slice(start, end).match(/(?:\r\n|\n|\r)[ \t]*/g) ?? [];
    // What follows on the last line, such as a closing brace, has to stay indented.
    const breaks = lines.map((line, index) => (index < lines.length - 1 ? line.replace(/[ \t]+$/, '') : line));
    redacted = redacted.slice(0, start) + mark + breaks.join('') + redacted.slice(end);
    before = start;
  }
  return redacted;
}

function findContents(tree: Tree): [start: number, end: number][] {
  const ranges = new Map<number, [number, number]>();
  for (const secrets of valuesOf(tree, tree.root, (key) => key === 'secrets')) {
    for (const secret of valuesOf(tree, secrets, () => true)) {
      for (const { range } of valuesOf(tree, secret, (key) => key === 'content')) {
        if (range) ranges.set(range[0], [range[0], range[1]]);
      }
    }
  }
  return [...ranges.values()];
}

/** Of the keys that are wanted, also those that are merged in and those that are there twice. */
function valuesOf(tree: Tree, node: unknown, isWanted: (key: string) => boolean): Set<Node> {
  const values = new Set<Node>();
  const seen = new Set<Node>();
  const visit = (one: unknown): void => {
    const map = follow(tree, one);
    if (!map || seen.has(map)) return;
    seen.add(map);
    if (isSeq(map)) for (const item of map.items) visit(item);
    if (!isMap(map)) return;
    for (const { key, value } of map.items) {
      const found = follow(tree, value);
      if (isMergeKey(key)) visit(value);
      else if (found && isWanted(keyText(tree, key) ?? '')) values.add(found);
    }
  };
  visit(node);
  return values;
}
