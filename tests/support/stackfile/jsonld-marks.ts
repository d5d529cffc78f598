import { expect } from 'vitest';
import { parseJsonld } from '../../../server/stackfile/jsonld/parse.ts';
import type { Problem } from '../../../server/stackfile/problems.ts';
import { takeMarks } from './marks.ts';

/** `^` marks where each problem is expected to be. */
export type Case = [code: string, fields: string, ...paths: string[]];

export function problemsOf(text: string): Problem[] {
  const parsed = parseJsonld(text);
  return parsed.ok ? [] : parsed.problems;
}

export const inStack = (fields: string) => `{
  "@type": "Stack", "name": "shop",
  ${fields}
}`;

/** Expects exactly these problems, all of one code, each at its mark. */
export function check(marked: string, code: string, paths: string[]): void {
  const { text, places } = takeMarks(marked);
  const found = problemsOf(text).map(({ message: _message, ...problem }) => problem);
  expect(found).toEqual(paths.map((path, index) => ({ code, path, ...places[index] })));
}
