// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Compose file are written like this
import { describe, expect, test } from 'vitest';
import { type Case, check, parse, toService, toSpec } from '../../../../support/stackfile/compose-marks.ts';

const withService = (service: string, more = '') => `name: shop\n${more}\nservices:\n  a:\n    image: app\n${service}`;
const environmentOf = (text: string) => toService(text, 'a').container.environment;

describe('anchors and merge keys', () => {
  test('the own keys go before the merged, the earlier map before the later', () => {
    const more = 'x-a: &a {A: a, S: a}\nx-b: &b {B: b, S: b, O: b}';
    const text = withService('    environment:\n      O: own\n      <<: [*a, *b]\n      N: {}', more).replace(
      'N: {}',
      'N: n',
    );
    expect(environmentOf(text)).toEqual({ A: 'a', B: 'b', S: 'a', O: 'own', N: 'n' });
  });

  test('merges of merges, of a list with an anchor, and of maps written in place', () => {
    const more = 'x-a: &a {A: 1}\nx-b: &b {<<: *a, B: 2}\nx-l: &l [*b, {C: 3}]';
    expect(environmentOf(withService('    environment: {<<: *l}', more))).toEqual({ A: '1', B: '2', C: '3' });
  });

  test('aliases of scalars and lists, and of an anchor that is given again', () => {
    const more = 'x-1: &v one\nx-l: &l [A=1, B=2]\nx-2: &w [*v]\nx-3: &v two';
    expect(environmentOf(withService('    environment: *l', more))).toEqual({ A: '1', B: '2' });
    const { container } = toService(withService('    command: *w\n    hostname: *v', more), 'a');
    expect([container.command, container.hostname]).toEqual([['one'], 'two']);
  });

  test('a quoted << is a key like any other', () => {
    check(withService('    environment: {^"<<": 1}'), ['INVALID_NAME services.a.environment["<<"]']);
  });

  test('a problem in an anchor is told where it is written', () => {
    check('name: shop\nx-a: &a {mem_limit: ^lots}\nservices:\n  a: {image: app, <<: *a}', [
      'INVALID_VALUE services.a.mem_limit',
    ]);
  });

  test('a merged service without an image', () => {
    check('name: shop\nx-a: &a {tty: true}\nservices:\n  ^a: {<<: *a}', ['MISSING_FIELD services.a.image']);
  });
});

describe('scalars', () => {
  test('of the core schema, as they are written', () => {
    const environment = `    environment:
      OCTAL: 0644
      OCTAL2: 0o644
      FLOAT: 1.10
      YES: yes
      TRUE: True
      TIME: 22:22
      DATE: 2024-01-01
      HEX: 0x1F
      TEXT: !!str 007
      MANY: |
        one
        two
      FOLD: >-
        one
        two`;
    expect(environmentOf(withService(environment))).toEqual({
      OCTAL: '0644',
      OCTAL2: '0o644',
      FLOAT: '1.10',
      YES: 'yes',
      TRUE: 'true',
      TIME: '22:22',
      DATE: '2024-01-01',
      HEX: '0x1F',
      TEXT: '007',
      MANY: 'one\ntwo\n',
      FOLD: 'one two',
    });
  });

  test('with a variable are numbers and booleans all the same', () => {
    const text = withService('    tty: ${YES}\n    mem_limit: ${SIZE}m\n    deploy: {replicas: "$N"}');
    const service = toService(text, 'a', { variables: { YES: 'true', SIZE: '512', N: '3' } });
    expect([service.container.tty, service.container.memoryBytes, service.replicas]).toEqual([true, 536870912, 3]);
  });

  test('keys are not interpolated', () => {
    expect(toService(withService('    labels: {$A: $A}'), 'a', { variables: { A: 'x' } }).container.labels).toEqual({
      $A: 'x',
    });
  });

  test('keys that are numbers or booleans are text', () => {
    expect(toService(withService('    labels: {1.0: a, true: b}'), 'a').container.labels).toEqual({
      '1.0': 'a',
      true: 'b',
    });
  });
});

test('JSON is YAML', () => {
  const file = { name: 'shop', services: { a: { image: 'app', command: ['a\tb', '☃', '/'], tty: true } } };
  const expected = toSpec(JSON.stringify(file));
  expect(toSpec(JSON.stringify(file, null, '\t'))).toEqual(expected);
  expect(expected.services[0]?.container.command).toEqual(['a\tb', '☃', '/']);
  const escaped = JSON.stringify(file).replace('☃', '\\u2603').replace('"/"', '"\\/"');
  expect(toSpec(escaped)).toEqual(expected);
  check('{"name": "shop", "services": {"a": {"image": "app", ^"image": "b"}}}', ['DUPLICATE_FIELD services.a.image']);
});

test('a byte order mark, Windows line ends and comments', () => {
  check('\uFEFF# a\r\nname: shop\r\nservices:\r\n  a: {image: app, ^foo: 1}\r\n', ['UNKNOWN_FIELD services.a.foo']);
});

describe('what is no Compose file', () => {
  const cases: Case[] = [
    ['nothing', '^', 'SOURCE_NOT_YAML '],
    ['a comment', '^# hello', 'SOURCE_NOT_YAML '],
    ['a scalar', '^hello', 'WRONG_TYPE '],
    ['a list', '^- a', 'WRONG_TYPE '],
    ['two colons', 'services:\n  a: ^b: c', 'SOURCE_NOT_YAML '],
    ['an open quote', 'name: "shop\nservices:\n  a: b^', 'SOURCE_NOT_YAML '],
    ['a tab for indentation', 'services:\n^\ta: b', 'SOURCE_NOT_YAML '],
    ['two documents', 'name: shop\n^---\nname: b', 'SOURCE_NOT_YAML '],
    ['a tag', 'name: shop\nservices: ^!reset {}', 'SOURCE_NOT_YAML '],
    ['an alias of nothing', 'name: ^*gone', 'UNKNOWN_ALIAS '],
    ['an alias inside its anchor', 'x-a: &a\n  b: ^*a', 'UNKNOWN_ALIAS '],
    ['a map for a key', 'name: shop\nservices: {a: {image: app}}\nx-a: {? ^{a: b} : c}', 'WRONG_TYPE x-a'],
    ['a key twice', 'name: shop\n^name: b\nservices: {a: {image: app}}', 'DUPLICATE_FIELD name'],
    [
      '<< twice',
      'name: shop\nx-a: {<<: {a: b}, ^<<: {a: b}}\nservices: {a: {image: app}}',
      'DUPLICATE_FIELD x-a["<<"]',
    ],
    ['<< of a scalar', 'name: shop\nx-a: {^<<: 1}\nservices: {a: {image: app}}', 'WRONG_TYPE x-a["<<"]'],
    ['NUL', 'name: shop^\0', 'SOURCE_NOT_YAML '],
    ['NUL in an escape', 'name: shop\nservices: {a: {image: app, user: ^"\\0"}}', 'INVALID_VALUE services.a.user'],
    ['half a pair', 'name: shop\nservices: {a: {image: app, user: ^"\\ud800"}}', 'INVALID_VALUE services.a.user'],
  ];
  test.each(cases)('%s', (_title, marked, ...complaints) => check(marked, complaints));

  test('a variable in a flow map without quotes, with the way out', () => {
    const parsed = parse('services: {a: {image: ${IMAGE}}}');
    expect(parsed.ok || parsed.problems[0]?.message).toContain('inside {} and [] a variable needs quotes around it');
  });

  test('the first error of the syntax alone', () => {
    const parsed = parse('a: b: c: d\n]]\n"');
    expect(parsed.ok || parsed.problems.length).toBe(1);
  });
});
