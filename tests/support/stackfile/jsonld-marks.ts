import { expect } from 'vitest';
import { parseJsonld } from '../../../server/stackfile/jsonld/parse.ts';
import type { Problem } from '../../../server/stackfile/text.ts';

export type Case = [code: string, fields: string, ...paths: string[]];

export function problemsOf(text: string): Problem[] {
  const parsed = parseJsonld(text);
  return parsed.ok ? [] : parsed.problems;
}

/** `^` marks where each problem is expected to be, in order; the rest of the text is the file. */
function takeMarks(marked: string): { text: string; places: { line: number; column: number }[] } {
  const parts = marked.split('^');
  const places = parts.slice(1).map((_, index) => {
    const lines = parts
      .slice(0, index + 1)
      .join('')
      .split('\n');
    return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
  });
  return { text: parts.join(''), places };
}

export const inStack = (fields: string) => `{
  "@type": "Stack", "name": "shop",
  ${fields}
}`;

export function check(marked: string, code: string, paths: string[]): void {
  const { text, places } = takeMarks(marked);
  const found = problemsOf(text).map(({ message: _message, ...problem }) => problem);
  expect(found).toEqual(paths.map((path, index) => ({ code, path, ...places[index] })));
}
