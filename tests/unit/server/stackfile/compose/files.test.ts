// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Compose file are written like this
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { redactSecrets } from '../../../../../server/stackfile/compose/redact.ts';
import { type Case, check, inService, parse, toService } from '../../../../support/stackfile/compose-marks.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const filesOf = (keys: string, more: string, variables = {}) =>
  toService(inService(keys, more), 'a', { variables }).container.files;

test('where configs and secrets are put', () => {
  const more = `configs:
  plain: {content: "a=$A"}
  fromEnv: {environment: A}
secrets:
  key: {content: "<$A>"}
  cert: {environment: CERT}`;
  const keys = `configs:
      - plain
      - {source: fromEnv, target: etc/app.conf, uid: "103", gid: 104, mode: 0o777}
    secrets:
      - key
      - {source: cert, target: server.crt, mode: 0440}
      - {source: cert, target: /etc/ssl/c.pem, mode: "0500"}`;
  const owner = { mode: 0o444, uid: 0, gid: 0 };
  expect(filesOf(keys, more, { A: '1', CERT: 'c\n' })).toEqual([
    { kind: 'config', name: 'plain', target: '/plain', ...owner, digest: sha256('a=1'), content: 'a=1' },
    {
      kind: 'config',
      name: 'fromEnv',
      target: '/etc/app.conf',
      mode: 0o555,
      uid: 103,
      gid: 104,
      digest: sha256('1'),
      content: '1',
    },
    { kind: 'secret', name: 'key', target: '/run/secrets/key', ...owner, digest: sha256('<1>'), content: '<1>' },
    {
      kind: 'secret',
      name: 'cert',
      target: '/run/secrets/server.crt',
      ...owner,
      mode: 0o440,
      digest: sha256('c\n'),
      content: 'c\n',
    },
    {
      kind: 'secret',
      name: 'cert',
      target: '/etc/ssl/c.pem',
      ...owner,
      mode: 0o500,
      digest: sha256('c\n'),
      content: 'c\n',
    },
  ]);
});

test.each([
  ['0444', 0o444],
  ['"0444"', 0o444],
  ['"444"', 0o444],
  ['0o444', 0o444],
  ['"0o444"', 0o444],
  ['00444', 0o444],
  ['0', 0],
  ['"${MODE}"', 0o400],
])('the mode %s is octal', (text, mode) => {
  const files = filesOf(`configs: [{source: c, mode: ${text}}]`, 'configs: {c: {content: x}}', { MODE: '400' });
  expect(files?.[0]?.mode).toBe(mode);
});

describe('refused', () => {
  const cases: Case[] = [
    ['a file', 'configs: {c: {^file: ./c}}', 'UNSUPPORTED_FIELD configs.c.file'],
    ['a file of a secret', 'secrets: {c: {^file: ./c}}', 'UNSUPPORTED_FIELD secrets.c.file'],
    ['an external config', 'configs: {c: {^external: true, name: x}}', 'UNSUPPORTED_FIELD configs.c.external'],
    ['an external secret', 'secrets: {c: {^external: {name: x}}}', 'UNSUPPORTED_FIELD secrets.c.external'],
    ['a driver', 'secrets: {c: {^driver: vault}}', 'UNSUPPORTED_FIELD secrets.c.driver'],
    [
      'a template driver',
      'configs: {c: {content: x, ^template_driver: golang}}',
      'UNSUPPORTED_FIELD configs.c.template_driver',
    ],
    ['labels', 'configs: {c: {content: x, ^labels: {a: b}}}', 'UNSUPPORTED_FIELD configs.c.labels'],
    ['nothing', 'configs: {^c: {}}', 'MISSING_FIELD configs.c'],
    ['nothing at all', 'secrets: {^c: }', 'MISSING_FIELD secrets.c'],
    ['two contents', 'configs: {c: {content: x, ^environment: Y}}', 'CONFLICTING_FIELDS configs.c.environment'],
    ['an unknown variable', 'secrets: {c: {environment: ^NOPE}}', 'VARIABLE_MISSING secrets.c.environment'],
    ['an unknown setting', 'secrets: {^c: {^value: x}}', 'MISSING_FIELD secrets.c', 'UNKNOWN_FIELD secrets.c.value'],
    ['the mark of a secret', 'secrets: {c: {content: ^"<secret, not shown>"}}', 'SECRET_HIDDEN secrets.c.content'],
    ['a map for a content', 'configs: {c: {content: ^{a: b}}}', 'WRONG_TYPE configs.c.content'],
  ];
  test.each(cases)('%s', (_title, marked, ...complaints) => check(inService('tty: true', marked), complaints));

  const more = 'configs: {c: {content: x}, d: {content: y}}\nsecrets: {s: {content: z}}';
  const grants: Case[] = [
    ['an unknown config', 'configs: [^e]', 'UNKNOWN_CONFIG services.a.configs[0]'],
    ['an unknown secret', 'secrets: [{source: ^c}]', 'UNKNOWN_SECRET services.a.secrets[0].source'],
    ['no source', 'secrets: [^{target: c}]', 'MISSING_FIELD services.a.secrets[0].source'],
    ['a string', 'configs: ^c', 'WRONG_TYPE services.a.configs'],
    ['a user by name', 'configs: [{source: c, uid: ^root}]', 'INVALID_VALUE services.a.configs[0].uid'],
    ['a bare decimal mode', 'configs: [{source: c, mode: ^444}]', 'INVALID_VALUE services.a.configs[0].mode'],
    ['a directory', 'configs: [{source: c, target: ^/etc/}]', 'INVALID_VALUE services.a.configs[0].target'],
    ['two at one place', 'configs: [c, ^{source: d, target: /c}]', 'DUPLICATE_MOUNT services.a.configs[1]'],
    ['one at a mount', 'tmpfs: /c\n    configs: [^c]', 'DUPLICATE_MOUNT services.a.configs[0]'],
  ];
  test.each(grants)('%s', (_title, keys, ...complaints) => check(inService(keys, more), complaints));

  test('the way out is told', () => {
    const parsed = parse(inService('tty: true', 'secrets: {c: {content: "<secret, not shown>"}}'));
    expect(parsed.ok || parsed.problems[0]?.message).toBe(
      'expected the content itself, found what is shown in place of a secret: write it again, or name a variable under "environment"',
    );
  });
});

describe('what is stored of a file', () => {
  test('has a mark for every secret, each line where it was', () => {
    const text = `x-own: &own "hidden 1"
x-all: &all {content: hidden 2}
x-conf: {content: shown}
services: # hidden from none
  a: {image: app, environment: {content: shown}}
secrets:
  b:
    content: |
      hidden 3
        hidden 4

      hidden 5
  c: {content: 'hidden 6', x-note: shown} # shown
  d:
    content: hidden
      7
  e: {content: *own}
  f: *all
  g: {<<: *all}
  h: {environment: SHOWN}
  "i": {"content": "hid\\
    den"}
  j: {content: &anchor !!str hidden 8}
  k: {content: "\${K:-hidden 9}"}
  l: {content: }
configs:
  b: {content: *anchor}
  c: {content: shown}
`;
    const expected = `x-own: &own "<secret, not shown>"
x-all: &all {content: "<secret, not shown>"}
x-conf: {content: shown}
services: # hidden from none
  a: {image: app, environment: {content: shown}}
secrets:
  b:
    content: "<secret, not shown>"




  c: {content: "<secret, not shown>", x-note: shown} # shown
  d:
    content: "<secret, not shown>"
      
  e: {content: *own}
  f: *all
  g: {<<: *all}
  h: {environment: SHOWN}
  "i": {"content": "<secret, not shown>"
    }
  j: {content: &anchor !!str "<secret, not shown>"}
  k: {content: "<secret, not shown>"}
  l: {content: }
configs:
  b: {content: *anchor}
  c: {content: shown}
`;
    expect(redactSecrets(text)).toBe(expected);
    expect(redactSecrets(expected)).toBe(expected);
  });

  test('is read again as the same file, but for its secrets', () => {
    const text = inService(
      'secrets: [s]',
      'secrets:\r\n  s:\r\n    content: |\r\n      one\r\n      two\r\nnetworks: {^n}',
    );
    const marked = redactSecrets(text.replace('^', ''));
    expect(marked).not.toContain('      two');
    check(marked.replace('"<sec', '^"<sec'), ['SECRET_HIDDEN secrets.s.content']);
  });

  test('is nothing when it cannot be read', () => {
    expect(redactSecrets('secrets: {s: {content: hidden')).toBe('"<secret, not shown>"');
    expect(redactSecrets('a: 1\n---\nsecrets: {s: {content: hidden}}')).toBe('"<secret, not shown>"');
  });

  test('is all of it without secrets', () => {
    const text = 'name: shop # a\nservices: {}\n';
    expect(redactSecrets(text)).toBe(text);
  });
});
