/** Texts that both formats have in place of other values. Undefined stands for one that is not understood. */
import type { RestartSpec } from '../spec/spec.ts';

/**
 * One piece of a command line: white space, an escaped character, something quoted, what a shell would put in the place of
 * `$(...)` or of backquotes, or characters as they are.
 */
const PIECE =
  /[ \t\r\n]+|\\.|'[^']*'|"(?:\\.|[^"\\])*"|\$\([^()\\]*\)|`[^`\\'"]*`|(?:(?!\$\()[^ \t\r\n\\'";&|<>()`])+/gsy;
const ESCAPES = new Map([
  ['n', '\n'],
  ['t', '\t'],
]);

/**
 * Splits a command line as Compose does (go-shellwords): quotes, and `\` before any character (`\n` and `\t` being newline and tab).
 * There is no shell, so `$(...)` and backquotes stay as they are, for a program that is one. Unquoted operators are refused;
 * Compose would drop the rest of the line without a word.
 */
export function splitCommand(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let end = 0;
  for (const [piece] of line.matchAll(PIECE)) {
    end += piece.length;
    if (!/^[ \t\r\n]/.test(piece)) word = (word ?? '') + unquote(piece);
    else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  // What is left is an operator, or something that is not closed.
  if (end < line.length) return undefined;
  return word === undefined ? words : [...words, word];
}

function unquote(piece: string): string {
  if (piece.startsWith("'")) return piece.slice(1, -1);
  const text = piece.startsWith('"') ? piece.slice(1, -1) : piece;
  return text.replace(/\\(.)/gs, (_, char: string) => ESCAPES.get(char) ?? char);
}

const SIZE = /^(\d{1,16}(?:\.\d{1,9})?)\s?(?:([kmgt])i?b?|b)?$/i;
const POWER: Record<string, number> = { k: 1, m: 2, g: 3, t: 4 };

/** `512m`, `1gb`, `512Mi`, `1.5g`: as in Docker, every unit is a power of 1,024. */
export function toBytes(text: string): number | undefined {
  const match = SIZE.exec(text);
  if (!match) return undefined;
  return Math.floor(Number(match[1]) * 1024 ** (POWER[match[2]?.toLowerCase() ?? ''] ?? 0));
}

export function toCores(text: string): number | undefined {
  return /^\d{1,9}(?:\.\d{1,9})?$/.test(text) ? Number(text) : undefined;
}

export function toRestart(text: string): RestartSpec | undefined {
  if (text === 'no' || text === 'always' || text === 'unless-stopped' || text === 'on-failure') {
    return { name: text, maximumRetryCount: 0 };
  }
  const retries = /^on-failure:(\d{1,9})$/.exec(text);
  return retries ? { name: 'on-failure', maximumRetryCount: Number(retries[1]) } : undefined;
}
