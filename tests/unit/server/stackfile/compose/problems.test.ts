// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Compose file are written like this
import { describe, expect, test } from 'vitest';
import { parseCompose } from '../../../../../server/stackfile/compose/parse.ts';
import { type Case, check, parse } from '../../../../support/stackfile/compose-marks.ts';

const A = 'services: {a: {image: app}}';

describe('problems of a file, each at its place', () => {
  const cases: Case[] = [
    ['an unknown key', `^service: {}\n${A}`, 'UNKNOWN_FIELD service'],
    [
      'waiting for the end of what never ends',
      'services: {a: {image: app, depends_on: {^b: {condition: service_completed_successfully}}}, b: {image: app, restart: always}}',
      'INVALID_VALUE services.a.depends_on.b',
    ],
    [
      'start-first with a static address',
      `services: {a: {image: app, networks: {default: {ipv4_address: 10.1.1.2}}, deploy: {update_config: {^order: start-first}}}}
networks: {default: {ipam: {config: [{subnet: 10.1.1.0/24}]}}}`,
      'UNSUPPORTED_FIELD services.a.deploy.update_config.order',
    ],
    ['no services', '^volumes: {}', 'MISSING_FIELD services'],
    ['services that are nothing', 'services: ^', 'INVALID_VALUE services'],
    ['no service', 'services: ^{}', 'INVALID_VALUE services'],
    ['a list of services', 'services: ^[a]', 'WRONG_TYPE services'],
    ['a service that is nothing', 'services: {a:  ^}', 'WRONG_TYPE services.a'],
    ['a service that is text', 'services: {a: ^app}', 'WRONG_TYPE services.a'],
    ['no image', 'services: {^a: {tty: true}}', 'MISSING_FIELD services.a.image'],
    ['a name of a service', 'services: {^a b: {image: app}}', 'INVALID_NAME services["a b"]'],
    ['an unknown key of a service', 'services: {a: {image: app, ^imgae: b}}', 'UNKNOWN_FIELD services.a.imgae'],
    ['include', `${A}\n^include: [b.yml]`, 'UNSUPPORTED_FIELD include'],
    ['models', `${A}\n^models: {m: {model: ai/m}}`, 'UNSUPPORTED_FIELD models'],
    ['build', 'services:\n  a:\n    image: app\n    ^build: .', 'UNSUPPORTED_FIELD services.a.build'],
    ['build alone', 'services:\n  a:\n    ^build: {context: .}', 'UNSUPPORTED_FIELD services.a.build'],
    ['env_file', 'services:\n  a:\n    image: app\n    ^env_file: .env', 'UNSUPPORTED_FIELD services.a.env_file'],
    ['extends', 'services:\n  a:\n    image: app\n    ^extends: {service: b}', 'UNSUPPORTED_FIELD services.a.extends'],
    ['no service with an active profile', 'services: ^{a: {image: app, profiles: [b]}}', 'INVALID_VALUE services'],
    [
      'an unknown dependency',
      'services: {a: {image: app, depends_on: [^b]}}',
      'UNKNOWN_DEPENDENCY services.a.depends_on[0]',
    ],
    [
      'one that need not be there',
      'services: {a: {image: app, depends_on: {^b: {required: false}}}}',
      'UNKNOWN_DEPENDENCY services.a.depends_on.b',
    ],
    [
      'a dependency without an active profile',
      'services: {a: {image: app, depends_on: [^b]}, b: {image: app, profiles: [c]}}',
      'INACTIVE_DEPENDENCY services.a.depends_on[0]',
    ],
    [
      'a circle',
      'services: {a: {image: app, depends_on: [b]}, b: {image: app, depends_on: [^a]}}',
      'DEPENDENCY_CYCLE services.b.depends_on[0]',
    ],
    ['a port twice', 'services: {a: {image: app, ports: ["80:80", ^"80:81"]}}', 'PORT_CONFLICT services.a.ports[1]'],
    [
      'a name for two containers',
      'services: {a: {image: app, ^container_name: box, scale: 2}}',
      'CONFLICTING_FIELDS services.a.container_name',
    ],
    [
      'a name for a global service',
      'services: {a: {image: app, container_name: ^box, deploy: {mode: global}}}',
      'CONFLICTING_FIELDS services.a.container_name',
    ],
    [
      'a name of two services',
      'services: {a: {image: app, container_name: box}, b: {image: app, container_name: ^box}}',
      'DUPLICATE_CONTAINER services.b.container_name',
    ],
    [
      'the name of another service’s container',
      'services: {a: {image: app}, b: {image: app, container_name: ^shop-a-1}}',
      'DUPLICATE_CONTAINER services.b.container_name',
    ],
    [
      'too many containers',
      'services: {a: {image: app, scale: 501}, ^b: {image: app, scale: 500}}',
      'TOO_MANY_CONTAINERS services.b',
    ],
    ['a long name', `services: {^${'a'.repeat(125)}: {image: app}}`, `INVALID_NAME services["${'a'.repeat(60)}…"]`],
    [
      'bad interpolation',
      'services: {a: {image: app, command: "echo ^${A!}"}}',
      'INVALID_INTERPOLATION services.a.command',
    ],
    [
      'a shell’s own syntax',
      'services: {a: {image: app, command: ^echo $(date) && ls}}',
      'INVALID_VALUE services.a.command',
    ],
    [
      'what is wrong in an anchor, once for all that use it',
      'x-log: &log {driver: fluentd, options: {a: ^[1]}}\nservices: {a: {image: app, logging: *log}, b: {image: app, logging: *log}}',
      'WRONG_TYPE services.a.logging.options.a',
    ],
    ['a missing variable', 'services:\n  a: {image: "app:^${A:?which}"}', 'VARIABLE_MISSING services.a.image'],
    [
      'a missing variable further down',
      'configs:\n  c:\n    content: |\n      one\n      two ^${A?}\nservices: {a: {image: app}}',
      'VARIABLE_MISSING configs.c.content',
    ],
    [
      'several, in the order of the text',
      'networks: {n: {^a: 1}}\nservices: {a: {image: ^A, ^b: 1}}\nvolumes: {v: {^c: 1}}',
      'UNKNOWN_FIELD networks.n.a',
      'INVALID_IMAGE services.a.image',
      'UNKNOWN_FIELD services.a.b',
      'UNKNOWN_FIELD volumes.v.c',
    ],
  ];
  test.each(cases)('%s', (_title, marked, ...complaints) => check(marked, complaints, { name: 'shop' }));

  test('the file’s own name', () => {
    check(`name: ^a b\n${A}`, ['INVALID_NAME name']);
    check(`name: ^""\n${A}`, ['INVALID_NAME name']);
    check(`name: ^[a]\n${A}`, ['WRONG_TYPE name']);
    check(`^name: a\n${A}`, ['INVALID_NAME '], { name: 'a b' });
  });
});

describe('every refusal names what it refuses, and the way out', () => {
  test.each([
    [
      `include: [b.yml]\n${A}`,
      '"include" is not supported: the server has no files beside the Compose file; copy what they hold into this one',
    ],
    ['services: {a: {image: app, build: .}}', '"build" is not supported: push an image first and name it with "image"'],
    [
      'services: {a: {image: app, volumes: ["./a:/a"]}}',
      'the relative path "./a" is not supported: the Compose file is not on the host; use a named volume, or an absolute path below a directory that `allowBindMounts` in the policy of the host names',
    ],
    [
      'services: {a: {image: app, network_mode: "service:b"}}',
      'sharing the network of another container ("service:b") is not supported: put both on one network, where they reach one another by the names of their services',
    ],
    [
      `configs: {c: {file: ./c}}\n${A}`,
      '"file" is not supported: the server has no files beside the Compose file; write it under "content", or name a variable under "environment"',
    ],
    [
      `secrets: {c: {external: true}}\n${A}`,
      'an external secret is not supported: there is no store of secrets on a host; write it under "content", or name a variable under "environment"',
    ],
    [
      'services: {a: {image: app, volumes: ["dta:/d"]}}\nvolumes: {data: }',
      'expected a volume that is declared at the top level, found "dta": did you mean "data"?',
    ],
    [
      'services: {a: {image: app, networks: [back]}}',
      'expected a network that is declared at the top level, found "back": declare it under "networks"',
    ],
    [
      'services: {a: {image: app, depends_on: [b]}, b: {image: app, profiles: [dev]}}',
      'expected a service of this deployment: "b" has the profile dev, which is not active',
    ],
    [
      'services: {a: {image: app, user: "${(id)}"}}',
      'expected $NAME, ${NAME} or ${NAME:-default}, and $$ for a dollar sign, found "${(id)}"',
    ],
  ])('%s', (text, message) => {
    const parsed = parse(text, { name: 'shop' });
    expect(parsed.ok || parsed.problems.map((problem) => problem.message)).toEqual([message]);
  });
});

test('a service without an active profile is not looked at', () => {
  const text = 'services: {a: {image: app}, dev: {build: ., profiles: [dev], networks: [gone]}}';
  const parsed = parse(text, { name: 'shop' });
  expect(parsed.ok && parsed.spec.services.map(({ name }) => name)).toEqual(['a']);
});

test('extensions are ignored everywhere', () => {
  const text = `x-top: {a: [1]}
services: {a: {image: app, x-own: 1, networks: {n: {x-b: 1}}, configs: [{source: c, x-c: 1}]}}
networks: {n: {x-d: 1, ipam: {x-e: 1}}}
configs: {c: {content: a, x-f: 1}}`;
  expect(parse(text, { name: 'shop' }).ok).toBe(true);
});

test('a value that an unset variable makes invalid says which variable that is', () => {
  const parsed = parseCompose('name: x\nservices:\n  a:\n    image: n8nio/n8n:${TAG}\n', {
    variables: {},
    profiles: [],
  });
  expect(parsed.ok).toBe(false);
  const [problem] = parsed.ok ? [] : parsed.problems;
  expect(problem).toMatchObject({ code: 'INVALID_IMAGE', line: 4 });
  expect(problem?.message).toContain('the variable "TAG" is not set');
});
