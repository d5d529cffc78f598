import { expect } from 'vitest';
import type { ServiceSpec, StackSpec } from '../../../server/spec/spec.ts';
import { type ComposeOptions, type ParsedCompose, parseCompose } from '../../../server/stackfile/compose/parse.ts';
import { takeMarks } from './marks.ts';

/** `^` marks where each problem is expected to be; a complaint is `CODE path`. */
export type Case = [title: string, marked: string, ...complaints: string[]];

export function parse(text: string, options: Partial<ComposeOptions> = {}): ParsedCompose {
  return parseCompose(text, { variables: {}, profiles: [], ...options });
}

/** Gives the spec of a file without problems. */
export function toSpec(text: string, options?: Partial<ComposeOptions>): StackSpec {
  const parsed = parse(text, options);
  if (!parsed.ok) throw new Error(parsed.problems.map((one) => `${one.path}:${one.line} ${one.message}`).join('\n'));
  return parsed.spec;
}

export function toService(text: string, name: string, options?: Partial<ComposeOptions>): ServiceSpec {
  const service = toSpec(text, options).services.find((one) => one.name === name);
  if (!service) throw new Error(`no service ${name}`);
  return service;
}

/** Writes a file with one service, `a`, that has these keys; `more` follows at the top level. */
export function inService(keys: string, more = ''): string {
  return `name: shop\nservices:\n  a:\n    image: app\n    ${keys}\n${more}`;
}

/** Expects exactly these problems, each at its mark. */
export function check(marked: string, complaints: string[], options?: Partial<ComposeOptions>): void {
  const { text, places } = takeMarks(marked);
  const parsed = parse(text, options);
  const found = parsed.ok ? [] : parsed.problems;
  const expected = complaints.map(
    (complaint, index) => `${complaint} at ${places[index]?.line}:${places[index]?.column}`,
  );
  expect(found.map(({ code, path, line, column }) => `${code} ${path} at ${line}:${column}`)).toEqual(expected);
}
