/**
 * Reads text into YAML nodes: one document, no deeper and no larger than a stack file may be, with what each alias stands
 * for. Nothing here throws, whatever the text. It uses the library's parts rather than its `parseDocument`, which
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
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { MAX_DEPTH, MAX_SOURCE_BYTES } from '../../spec/limits.ts';
import { type Location, quote, type Report, WHOLE_TEXT } from '../problems.ts';

export type Tree = {
  root: Node;
  /** What each alias stands for. */
  targets: ReadonlyMap<Alias, Node>;
};

const OPTIONS = { version: '1.2', schema: 'core', merge: false, uniqueKeys: false, prettyErrors: false } as const;
/** Control characters of Unicode that YAML takes nowhere. Postgres does not take the first of them, either. */
const CONTROL = /[^\P{Cc}\t\n\r\u0085]/u;

export function readYaml(text: string, report: Report): Tree | null {
  if (Buffer.byteLength(text) > MAX_SOURCE_BYTES) {
    report('SOURCE_TOO_LARGE', WHOLE_TEXT, `expected at most ${MAX_SOURCE_BYTES} bytes`);
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

function at(offset: number): Location {
  return { path: '', offset };
}

/** Checks the depth as well: the parser does not recurse, but all that read its nodes do. */
function readTokens(text: string, report: Report): CST.Token[] | null {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let documents = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      tokens.push(token);
      if (token.type === 'document') documents += 1;
    }
    // The second document is enough to refuse the text.
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

/** Reports only the first error of the syntax, because those that follow mostly come from it. */
function compose(tokens: CST.Token[], text: string, report: Report): Node | null {
  let first: Document.Parsed | undefined;
  for (const document of new Composer(OPTIONS).compose(tokens, true, text.length)) {
    if (first) {
      report('SOURCE_NOT_YAML', at(document.range[0]), 'expected one YAML document, found a second one');
      return null;
    }
    first = document as Document.Parsed;
    // The library only warns of a tag that it does not know.
    const [error] = [...document.errors, ...document.warnings].toSorted((a, b) => a.pos[0] - b.pos[0]);
    if (error) {
      report('SOURCE_NOT_YAML', at(error.pos[0]), toMessage(error, text));
      return null;
    }
  }
  if (first?.contents) return first.contents;
  report('SOURCE_NOT_YAML', WHOLE_TEXT, 'expected a Compose file, found no content');
  return null;
}

function toMessage({ message, pos: [start] }: YAMLError, text: string): string {
  const tag = /^Unresolved tag: (.*)$/s.exec(message)?.[1];
  if (tag !== undefined) return `expected no tag ${quote(tag)}`;
  const isVariable = text.slice(start - 1, start + 1) === '${';
  return `expected YAML: ${message}${isVariable ? '; inside {} and [] a variable needs quotes around it' : ''}`;
}

/**
 * Finds what each alias stands for, in the order of the text, because an anchor may be given again. One walk does it all:
 * the library would search the whole text for each alias.
 */
function resolveAliases(root: Node, report: Report): Map<Alias, Node> | null {
  const resolver = new AliasResolver(report);
  resolver.visit(root);
  return resolver.isSound ? resolver.targets : null;
}

class AliasResolver {
  readonly targets = new Map<Alias, Node>();
  isSound = true;
  readonly #anchors = new Map<string, Node>();
  /** The collections around the node that is being visited. */
  readonly #open = new Set<Node>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  visit(node: unknown): void {
    if (isPair(node)) {
      this.visit(node.key);
      this.visit(node.value);
    } else if (isAlias(node)) this.#resolve(node);
    else if (isScalar(node) || isCollection(node)) {
      if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
      if (isCollection(node)) this.#visitItems(node);
    }
  }

  #visitItems(node: YAMLMap | YAMLSeq): void {
    this.#open.add(node);
    for (const item of node.items) this.visit(item);
    this.#open.delete(node);
  }

  #resolve(alias: Alias): void {
    const target = this.#anchors.get(alias.source);
    if (target && !this.#open.has(target)) {
      this.targets.set(alias, target);
      return;
    }
    this.isSound = false;
    const problem = target ? 'is inside what it stands for' : 'has no anchor before it';
    this.#report(
      'UNKNOWN_ALIAS',
      at(offsetOf(alias)),
      () => `expected another alias: ${quote(`*${alias.source}`)} ${problem}`,
    );
  }
}

export function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

/** Gives the node itself, or what it stands for if it is an alias. */
export function follow(tree: Tree, node: unknown): Node | undefined {
  const found = isAlias(node) ? tree.targets.get(node) : node;
  return isNode(found) ? found : undefined;
}

/** Without quotes, `<<` merges the maps after it into its own. */
export function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN';
}

/** Gives a scalar as it is written, because 0644 is more than the number 644. Undefined for anything else. */
export function keyText(tree: Tree, key: unknown): string | undefined {
  const scalar = follow(tree, key);
  if (!isScalar(scalar) || scalar.value === null) return undefined;
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value));
}
