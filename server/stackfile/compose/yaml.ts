/**
 * Text to YAML nodes: one document, no deeper and no larger than a stack file may be, every alias with what it stands
 * for. Nothing here throws, whatever the text. Done with the library's parts rather than its `parseDocument`, which
 * recurses without a limit and takes minutes to word the errors of a hostile text.
 */
import {
  type Alias,
  Composer,
  type CST,
  type Document,
  isAlias,
  isCollection,
  isNode,
  isPair,
  isScalar,
  Lexer,
  type Node,
  Parser,
  type YAMLError,
} from 'yaml';
import { MAX_DEPTH, MAX_SOURCE_BYTES } from '../../spec/limits.ts';
import { quote, type Report, type Spot, TEXT } from '../text.ts';

export type Tree = {
  root: Node;
  /** What each alias stands for. */
  targets: ReadonlyMap<Alias, Node>;
};

const OPTIONS = { version: '1.2', schema: 'core', merge: false, uniqueKeys: false, prettyErrors: false } as const;
/** Those of Unicode that YAML takes nowhere; neither does Postgres take the first of them. */
const CONTROL = /[^\P{Cc}\t\n\r\u0085]/u;

export function readYaml(text: string, report: Report): Tree | null {
  if (Buffer.byteLength(text) > MAX_SOURCE_BYTES) {
    report('SOURCE_TOO_LARGE', TEXT, `expected at most ${MAX_SOURCE_BYTES} bytes`);
    return null;
  }
  const control = CONTROL.exec(text);
  if (control) {
    report('SOURCE_NOT_YAML', at(control.index), 'expected text without control characters: is this a binary file?');
    return null;
  }
  const tokens = readTokens(text, report);
  if (!tokens) return null;
  const root = compose(tokens, text, report);
  const targets = root && resolveAliases(root, report);
  return root && targets ? { root, targets } : null;
}

function at(offset: number): Spot {
  return { path: '', offset };
}

/** Whoever reads the nodes recurses, and the parser does not, so depth is looked at here. */
function readTokens(text: string, report: Report): CST.Token[] | null {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let documents = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      tokens.push(token);
      if (token.type === 'document') documents += 1;
    }
    // One too many is enough to say so.
    if (documents > 1) return tokens;
    // The document and a scalar at the bottom are on the stack as well.
    if (parser.stack.length > MAX_DEPTH && parser.stack.filter((token) => 'items' in token).length > MAX_DEPTH) {
      report('SOURCE_TOO_DEEP', at(parser.offset), `expected at most ${MAX_DEPTH} levels of nesting`);
      return null;
    }
  }
  tokens.push(...parser.end());
  return tokens;
}

/** Only the first error of the syntax is told: those that follow are mostly made by it. */
function compose(tokens: CST.Token[], text: string, report: Report): Node | null {
  let first: Document.Parsed | undefined;
  for (const document of new Composer(OPTIONS).compose(tokens, true, text.length)) {
    if (first) {
      report('SOURCE_NOT_YAML', at(document.range[0]), 'expected one YAML document, found a second one');
      return null;
    }
    first = document as Document.Parsed;
    // A tag that is not understood is only a warning for the library.
    const [error] = [...document.errors, ...document.warnings].toSorted((a, b) => a.pos[0] - b.pos[0]);
    if (error) {
      report('SOURCE_NOT_YAML', at(error.pos[0]), toMessage(error, text));
      return null;
    }
  }
  if (first?.contents) return first.contents;
  report('SOURCE_NOT_YAML', TEXT, 'expected a Compose file, found no content');
  return null;
}

function toMessage({ message, pos: [start] }: YAMLError, text: string): string {
  const tag = /^Unresolved tag: (.*)$/s.exec(message)?.[1];
  if (tag !== undefined) return `expected no tag ${quote(tag)}`;
  const isVariable = text.slice(start - 1, start + 1) === '${';
  return `expected YAML: ${message}${isVariable ? '; inside {} and [] a variable needs quotes around it' : ''}`;
}

/** In the order of the text, as an anchor may be given again. Done once: the library would search the whole text for each. */
function resolveAliases(root: Node, report: Report): Map<Alias, Node> | null {
  const targets = new Map<Alias, Node>();
  const anchors = new Map<string, Node>();
  const open = new Set<Node>();
  let isSound = true;
  const visit = (node: unknown): void => {
    if (isPair(node)) {
      visit(node.key);
      visit(node.value);
    } else if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target && !open.has(target)) targets.set(node, target);
      else {
        isSound = false;
        const problem = target ? 'is inside what it stands for' : 'has no anchor before it';
        report(
          'UNKNOWN_ALIAS',
          at(offsetOf(node)),
          () => `expected another alias: ${quote(`*${node.source}`)} ${problem}`,
        );
      }
    } else if (isScalar(node) || isCollection(node)) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      if (!isCollection(node)) return;
      open.add(node);
      for (const item of node.items) visit(item);
      open.delete(node);
    }
  };
  visit(root);
  return isSound ? targets : null;
}

export function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

/** The node itself, or what the alias stands for. */
export function follow(tree: Tree, node: unknown): Node | undefined {
  const found = isAlias(node) ? tree.targets.get(node) : node;
  return isNode(found) ? found : undefined;
}

/** `<<` without quotes: the maps after it are merged into this one. */
export function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN';
}

/** Of a scalar, as it is written: 0644 is more than the number 644. Undefined for anything else. */
export function keyText(tree: Tree, key: unknown): string | undefined {
  const scalar = follow(tree, key);
  if (!isScalar(scalar) || scalar.value === null) return undefined;
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value));
}
