// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what a Compose file writes
import { describe, expect, it } from 'vitest';
import { findFormat, findName, findVariables, looksSecret } from '../../../web/deploy/format.ts';
import { DEFAULTS, parseOptions } from '../../../web/plan/options.ts';
import { toServices } from '../../../web/stack/services.ts';

describe('a stack file that may be half written', () => {
  it.each([
    ['', 'COMPOSE'],
    ['services:\n  web:', 'COMPOSE'],
    ['# {', 'COMPOSE'],
    ['{', 'JSONLD'],
    ['{ "@graph": [', 'JSONLD'],
    ['{ "services": { "web": {', 'COMPOSE'],
    ['{ "hasPart": [{ "services": 1 }] }', 'JSONLD'],
    ['\n [{ "@type": "Stack" }]', 'JSONLD'],
  ])('%j is %s', (text, format) => expect(findFormat(text)).toBe(format));

  it.each([
    ['name: shop', 'shop'],
    ['services:\n  web:\n    name: inner', null],
    ['x: 1\nname: "my-shop" # ours', 'my-shop'],
    ['name:\nservices:', null],
    ['{ "name": "shop" }', 'shop'],
  ])('%j is named %j', (text, name) => expect(findName(text)).toBe(name));

  it.each([
    ['a: $TAG', ['TAG', null, false]],
    ['a: ${TAG}', ['TAG', null, false]],
    ['a: ${TAG:-1.27}', ['TAG', '1.27', false]],
    ['a: ${TAG-}', ['TAG', '', false]],
    ['a: ${TAG:?say which}', ['TAG', null, true]],
    ['a: ${TAG:+yes}', ['TAG', null, false]],
  ] as const)('%j uses a variable', (text, [name, fallback, needed]) =>
    expect(findVariables(text)).toEqual([{ name, fallback, needed }]),
  );

  it('uses each variable once, those within others too, and none of comments and doubled signs', () => {
    const text = 'a: $$NOT\n# ${COMMENT}\nb: ${B:-${C:-x}}\nc: $B ${D}';
    expect(findVariables(text).map(({ name }) => name)).toEqual(['B', 'C', 'D']);
  });

  it.each(['DB_PASSWORD', 'apiToken', 'PRIVATE_KEY'])('%s looks secret', (name) =>
    expect(looksSecret(name)).toBe(true),
  );
});

describe('options', () => {
  it('are the defaults of the API where nothing is said', () => {
    const none = { timeoutSeconds: null, taskTimeoutSeconds: null };
    expect(parseOptions(DEFAULTS)).toEqual({ options: { onFailure: null, priority: 0, maxRetries: 2, ...none } });
  });

  it.each([
    { priority: '101' },
    { priority: '' },
    { maxRetries: '-1' },
    { maxRetries: '1.5' },
    { timeoutSeconds: '0' },
    { taskTimeoutSeconds: 'soon' },
  ])('%j is said to be wrong', (fields) => expect(parseOptions({ ...DEFAULTS, ...fields })).toHaveProperty('mistake'));
});

it('services that were scaled to none are still there to be scaled', () => {
  const stack = { wanted: [{ service: 'db' }], containers: [] } as never;
  const names = (notes: (string | null)[]) =>
    toServices(
      stack,
      notes.map((note) => ({ note })),
    ).map(({ name }) => name);
  expect(names(['web scaled to 0', null])).toEqual(['db', 'web']);
  expect(names([null, 'web scaled to 0'])).toEqual(['db']);
});
