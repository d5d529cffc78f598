// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Compose file are written like this
import { describe, expect, test } from 'vitest';
import { redactSecrets } from '../../../../../server/stackfile/compose/redact.ts';
import { parse } from '../../../../support/stackfile/compose-marks.ts';
import { createRandom, withChangedBytes } from '../../../../support/stackfile/hostile.ts';

const EXAMPLE = `name: shop
x-env: &env {A: "1", B: "\${B:-b}"}
services:
  web:
    image: "nginx:alpine"
    environment: {<<: [*env], C: 'c'}
    ports: ["80:80"]
    volumes:
      - data:/data
    secrets:
      - key
volumes:
  data:
secrets:
  key:
    content: |
      hidden
`;

function expectSound(text: string): void {
  const parsed = parse(text);
  if (parsed.ok) return;
  expect(parsed.problems.length).toBeGreaterThan(0);
  for (const { line, column } of parsed.problems) expect(Math.min(line, column)).toBeGreaterThan(0);
}

describe('hostile files', () => {
  test('cut off anywhere', () => {
    for (let length = 0; length < EXAMPLE.length; length += 1) expectSound(EXAMPLE.slice(0, length));
  });

  test('with changed bytes', () => {
    for (const text of withChangedBytes(EXAMPLE, 2_000)) expectSound(text);
  });

  test('whose secret is in what is stored of them, never', () => {
    const random = createRandom(11);
    let sound = 0;
    for (let round = 0; round < 2_000; round += 1) {
      const chars = [...EXAMPLE];
      const at = random(EXAMPLE.indexOf('content'));
      chars.splice(at, random(2), '\n :-{}[]"&*#'.charAt(random(12)));
      const text = chars.join('');
      if (!parse(text).ok) continue;
      sound += 1;
      const redacted = redactSecrets(text);
      expect(redacted, text).not.toContain('hidden');
      const again = parse(redacted);
      expect(again.ok || [...new Set(again.problems.map(({ code }) => code))], text).toEqual(['SECRET_HIDDEN']);
    }
    expect(sound).toBeGreaterThan(100);
  });

  const bomb = Array.from({ length: 12 }, (_, index) => {
    const below = Array(9).fill(index === 0 ? 'x' : `*a${index - 1}`);
    return `x-a${index}: &a${index} [${below.join(', ')}]`;
  }).join('\n');
  const mergeBomb = Array.from({ length: 12 }, (_, index) => {
    const below = Array(9).fill(index === 0 ? '{k: v}' : `*m${index - 1}`);
    return `x-m${index}: &m${index} {<<: [${below.join(', ')}]}`;
  }).join('\n');
  const chain = Array.from({ length: 40 }, (_, index) => `x-c${index}: &c${index} [${index ? `*c${index - 1}` : ''}]`);
  const services = Array.from({ length: 900 }, (_, index) => `  s${index}: {<<: *s}`).join('\n');

  test.each([
    ['SOURCE_TOO_LARGE', 'too many bytes', `name: ${'x'.repeat(600_000)}`],
    ['SOURCE_TOO_DEEP', 'lists', '['.repeat(500_000)],
    ['SOURCE_TOO_DEEP', 'maps', '{a: '.repeat(100_000)],
    ['SOURCE_TOO_DEEP', 'keys', '? '.repeat(200_000)],
    ['SOURCE_TOO_DEEP', 'items', '- '.repeat(200_000)],
    ['SOURCE_TOO_DEEP', 'lines', Array.from({ length: 500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['SOURCE_TOO_DEEP', 'aliases of aliases', chain.join('\n')],
    ['SOURCE_TOO_LARGE', 'an alias bomb', bomb],
    ['SOURCE_TOO_LARGE', 'a merge bomb', mergeBomb],
    [
      'SOURCE_TOO_LARGE',
      'aliases of a long text',
      `name: a\nx-s: &s {image: app, user: ${'u'.repeat(100_000)}}\nservices:\n${services}`,
    ],
    ['SOURCE_NOT_YAML', 'anchors', '&a '.repeat(40_000)],
    ['SOURCE_NOT_YAML', 'escapes', `"${'\\x'.repeat(40_000)}"`],
    ['SOURCE_NOT_YAML', 'documents', '---\n'.repeat(100_000)],
    [
      'SOURCE_NOT_YAML',
      'binary',
      Buffer.from(Array.from({ length: 1_000 }, (_, i) => (i * 7) % 256)).toString('latin1'),
    ],
    ['UNKNOWN_ALIAS', 'aliases of nothing', `[${'*x, '.repeat(40_000)}]`],
    ['WRONG_TYPE', 'aliases', `x: &x 1\nservices: [${'*x, '.repeat(50_000)}]`],
    ['UNKNOWN_FIELD', 'unknown fields', `name: a\n${Array.from({ length: 30_000 }, (_, i) => `f${i}: 1`).join('\n')}`],
    ['SOURCE_NOT_YAML', 'empty lines', '\n'.repeat(200_000)],
  ])('%s: %s without end', (code, _title, text) => {
    const parsed = parse(text);
    const problems = parsed.ok ? [] : parsed.problems;
    expect(problems.map((problem) => problem.code)).toContain(code);
    expect(problems.length).toBeLessThanOrEqual(1_000);
    expect(JSON.stringify(problems).length).toBeLessThan(1_000_000);
    redactSecrets(text);
  });

  test('long variables many times', () => {
    const text = `name: a\nservices:\n  a:\n    image: app\n    labels:\n${'      - $A\n'.repeat(30_000)}`;
    const parsed = parse(text, { variables: { A: 'x'.repeat(500_000) } });
    expect(parsed.ok || parsed.problems.map(({ code }) => code)).toEqual(['SOURCE_TOO_LARGE']);
  });

  test('names that mean something to JavaScript', () => {
    const text = `name: a
services:
  __proto__: {image: app, environment: {__proto__: x, constructor: y}}
  constructor: {image: app, depends_on: [__proto__], networks: [toString], volumes: ["hasOwnProperty:/a"]}
networks: {toString: }
volumes: {hasOwnProperty: }`;
    const parsed = parse(text);
    expect(parsed.ok && parsed.spec.services.map(({ name }) => name)).toEqual(['__proto__', 'constructor']);
    const environment = parsed.ok ? parsed.spec.services[0]?.container.environment : {};
    expect(Object.entries(environment ?? {})).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });
});
