// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what a Compose file writes
import { describe, expect, it } from 'vitest';
import { findFormat, findName, findVariables } from '../../../../web/deploy/format.ts';

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
});
