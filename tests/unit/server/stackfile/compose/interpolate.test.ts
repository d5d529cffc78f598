// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Compose file are written like this
import { describe, expect, test } from 'vitest';
import { interpolate } from '../../../../../server/stackfile/compose/interpolate.ts';

// Most are the specification's own (12-interpolation.md), or those of Compose's tests (compose-go, template_test.go).
const VARIABLES = new Map([
  ['FOO', 'first'],
  ['BAR', ''],
  ['DOLLAR', '$FOO ${FOO}'],
]);

function run(text: string) {
  const unset: string[] = [];
  const result = interpolate(text, { get: (name) => VARIABLES.get(name), onUnset: (name) => unset.push(name) });
  return { result, unset };
}

test.each([
  ['foo', 'foo'],
  ['$FOO', 'first'],
  ['${FOO}', 'first'],
  ['$FOO-bar', 'first-bar'],
  ['$FOO$FOO', 'firstfirst'],
  ['[$BAR]', '[]'],
  ['$${foo}', '${foo}'],
  ['$$FOO $$$FOO', '$FOO $first'],
  ['$$', '$'],
  ['a $}', 'a $}'],
  ['$1 x', '$1 x'],
  ['costs $5', 'costs $5'],
  ['costs 5$', 'costs 5$'],
  ['$(seq 1 60) $FOO', '$(seq 1 60) first'],
  ['^REGEX$', '^REGEX$'],
  ['ok ${missing:-def}', 'ok def'],
  ['ok ${missing-def}', 'ok def'],
  ['ok ${BAR:-def}', 'ok def'],
  ['ok ${BAR-def}', 'ok '],
  ['ok ${FOO:-def}', 'ok first'],
  ['ok ${BAR:-/non:-alphanumeric}', 'ok /non:-alphanumeric'],
  ['${missing:-}', ''],
  ['${missing-$FOO}', 'first'],
  ['${missing-${FOO}}', 'first'],
  ['${missing-${FOO} ${FOO}}', 'first first'],
  ['${BAR:-${missing:-${FOO}}}', 'first'],
  ['${missing:-{"json":1}}', '{"json":1}'],
  ['${missing:-$$FOO}', '$FOO'],
  ['${missing-a$${b}c}', 'a${b}c'],
  ['${FOO:+set}', 'set'],
  ['${FOO+set}', 'set'],
  ['${BAR:+set}', ''],
  ['${BAR+set}', 'set'],
  ['${missing:+set}', ''],
  ['${missing+set}', ''],
  ['${FOO:+a ${FOO} b}', 'a first b'],
  ['ok ${FOO:?err}', 'ok first'],
  ['ok ${BAR?err}', 'ok '],
  ['${missing-myerror?msg}', 'myerror?msg'],
  ['${FOO?bar-baz}', 'first'],
  ['${missing-va+lu?e}', 'va+lu?e'],
  ['${FOO+va:+lu-e}', 'va:+lu-e'],
  // A default that is not needed is not read, and the value of a variable is not interpolated again.
  ['${FOO:-${missing:?no}}', 'first'],
  ['$DOLLAR', '$FOO ${FOO}'],
  ['${missing-$DOLLAR}', '$FOO ${FOO}'],
])('%s', (text, expected) => {
  expect(run(text)).toEqual({ result: { ok: true, text: expected }, unset: [] });
});

test('variables without a value and without a default are told', () => {
  expect(run('$a ${b} ${c-$d} ${e+$f}')).toEqual({ result: { ok: true, text: '   ' }, unset: ['a', 'b', 'd'] });
});

describe('refused', () => {
  test.each([
    ['${', '${'],
    ['${}', '${}'],
    ['${ }', '${ }'],
    ['${ foo}', '${ foo}'],
    ['${foo }', '${foo }'],
    ['${foo!}', '${foo!}'],
    ['${FOO/a/b}', '${FOO/a/b}'],
    ['${1}', '${1}'],
    ['${missing:-${}}', '${}'],
    ['${FOO', '${FOO'],
  ])('%s', (text, reference) => {
    const { result } = run(text);
    expect(result.ok ? result : result.error).toMatchObject({ code: 'INVALID_INTERPOLATION', reference });
  });

  test.each([
    ['not ok ${missing:?Mandatory Unset}', 'expected the variable "missing" to have a value: Mandatory Unset'],
    ['not ok ${BAR:?Mandatory Empty}', 'expected the variable "BAR" to have a value: Mandatory Empty'],
    ['not ok ${missing:?}', 'expected the variable "missing" to have a value'],
    ['not ok ${missing?}', 'expected the variable "missing" to be set'],
    ['${missing?because ${FOO}}', 'expected the variable "missing" to be set: because first'],
    ['${missing?bar-baz}', 'expected the variable "missing" to be set: bar-baz'],
  ])('%s', (text, message) => {
    const { result } = run(text);
    expect(result.ok ? result : result.error).toMatchObject({ code: 'VARIABLE_MISSING', message });
  });

  test('without end', () => {
    const deep = `${'${x:-'.repeat(20_000)}${'}'.repeat(20_000)}`;
    expect(run(deep).result.ok).toBe(false);
    expect(run('${'.repeat(20_000)).result.ok).toBe(false);
    const many = new Map([['BIG', 'x'.repeat(100_000)]]);
    const result = interpolate('$BIG'.repeat(100_000), { get: (name) => many.get(name), onUnset() {} });
    expect(result.ok).toBe(false);
  });
});
