import { describe, expect, test } from 'vitest';
import { type Case, check, inStack, problemsOf } from '../../../../support/stackfile/jsonld-marks.ts';

const CONTAINERS = '"hasPart": [{ "name": "web", "image": "nginx", "locatedInHost": "vm1" }]';
const two = (first: string, second: string) => `"hasPart": [
  { "name": "web", "image": "nginx", "locatedInHost": "vm1", ${first} },
  { "name": "db", "image": "nginx", "locatedInHost": "vm1", ${second} }]`;

describe('the source', () => {
  const cases: Case[] = [
    ['SOURCE_NOT_JSON', '^', ''],
    ['SOURCE_NOT_JSON', '{ "a": 1,\n  ^// no\n}', ''],
    ['SOURCE_NOT_JSON', '{ "a": [1,^] }', ''],
    ['SOURCE_NOT_JSON', '{ "a": 1 ^"b": 2 }', ''],
    ['SOURCE_NOT_JSON', '{} ^x', ''],
    ['SOURCE_NOT_JSON', '[0^1]', ''],
    ['SOURCE_TOO_DEEP', `${'['.repeat(32)}^[${'['.repeat(100_000)}`, ''],
    ['SOURCE_TOO_LARGE', `^"${' '.repeat(512 * 1024)}"`, ''],
    ['WRONG_TYPE', '^[]', ''],
    ['WRONG_TYPE', '{ "@graph": ^1 }', '@graph'],
    ['INVALID_VALUE', '{ "@graph": ^[] }', '@graph'],
    ['INVALID_VALUE', `{ "@graph": [${inStack(CONTAINERS)}, ^{}] }`, '@graph[1]'],
    ['UNKNOWN_FIELD', `{ "@graph": [${inStack(CONTAINERS)}],\n ^"name": "x" }`, 'name'],
    ['WRONG_TYPE', inStack(`"@context": ^1, ${CONTAINERS}`), '@context'],
  ];
  test.each(cases)('%s, case %#', (code, marked, ...paths) => check(marked, code, paths));
});

describe('the stack', () => {
  const cases: Case[] = [
    ['UNKNOWN_FIELD', `^"hasParts": 1, ${CONTAINERS}`, 'hasParts'],
    ['UNKNOWN_FIELD', `"@context": { "a b": 1 }, ^"c d": 1, ${CONTAINERS}`, '["c d"]'],
    ['DUPLICATE_FIELD', `"comment": "a", ^"comment": "a", ${CONTAINERS}`, 'comment'],
    ['DUPLICATE_FIELD', `${CONTAINERS}, ^"name": "shop"`, 'name'],
    ['WRONG_TYPE', `"description": ^null, ${CONTAINERS}`, 'description'],
    ['INVALID_VALUE', `"description": ^"a\\u0000b", ${CONTAINERS}`, 'description'],
    ['INVALID_VALUE', `"description": ^"a\\ud800b", ${CONTAINERS}`, 'description'],
    ['INVALID_VALUE', `"deployment": { "placementStrategy": ^"magic" }, ${CONTAINERS}`, 'deployment.placementStrategy'],
    ['INVALID_VALUE', `"deployment": { "networkMode": ^"overlay" }, ${CONTAINERS}`, 'deployment.networkMode'],
    ['INVALID_VALUE', `"deployment": { "mode": ^"some-host" }, ${CONTAINERS}`, 'deployment.mode'],
    ['UNKNOWN_FIELD', `"deployment": { ^"replicas": 2 }, ${CONTAINERS}`, 'deployment.replicas'],
    ['INVALID_VALUE', `"deployment": { "@type": ^"Banana" }, ${CONTAINERS}`, 'deployment.@type'],
    ['INVALID_NAME', `"network": { "name": ^"-x" }, ${CONTAINERS}`, 'network.name'],
    [
      'INVALID_VALUE',
      `"deployment": {"networkMode": "none"}, "network": {"name": ^"x"}, ${CONTAINERS}`,
      'network.name',
    ],
    ['INVALID_VALUE', '"hasPart": ^[]', 'hasPart'],
    ['WRONG_TYPE', '"hasPart": ^"web"', 'hasPart'],
    ['TOO_MANY_CONTAINERS', `"hasPart": ^[${Array(1001).fill('{}').join()}]`, 'hasPart'],
    [
      'HOST_MISSING',
      '"deployment": { "placementStrategy": "manual" }, "hasPart": [^{ "name": "web", "image": "nginx" }, ^{ "name": "db", "image": "nginx" }]',
      'hasPart[0].locatedInHost',
      'hasPart[1].locatedInHost',
    ],
    [
      'INVALID_VALUE',
      `"deployment": { "mode": ^"single-host" }, "hasPart": [{ "name": "web", "image": "a", "locatedInHost": "x" },
        { "name": "db", "image": "a", "locatedInHost": "y" }]`,
      'deployment.mode',
    ],
    ['DUPLICATE_CONTAINER', two('"comment": ""', '"comment": ""').replace('"db"', '^"web"'), 'hasPart[1].name'],
    ['DUPLICATE_CONTAINER', two('"@id": "c:x"', '"@id": ^"c:x"'), 'hasPart[1].@id'],
    ['UNKNOWN_DEPENDENCY', two('"dependsOn": ["db", ^"dbb"]', '"comment": ""'), 'hasPart[0].dependsOn[1]'],
    ['UNKNOWN_DEPENDENCY', two('"dependsOn": { "@id": ^"container:x" }', '"comment": ""'), 'hasPart[0].dependsOn.@id'],
    ['DEPENDENCY_CYCLE', two('"dependsOn": ["db"]', '"dependsOn": [^"web"]'), 'hasPart[1].dependsOn[0]'],
    ['DEPENDENCY_CYCLE', two('"dependsOn": ^"web"', '"comment": ""'), 'hasPart[0].dependsOn'],
    [
      'PORT_CONFLICT',
      two(
        '"ports": [{ "portNumber": 1, "hostPort": 80 }]',
        '"ports": [{ "portNumber": 2, "hostIp": "::1", "hostPort": ^80 }]',
      ),
      'hasPart[1].ports[0].hostPort',
    ],
    [
      'NETWORK_REDEFINED',
      two('"network": { "name": "a", "subnet": "10.1.0.0/24" }', '"network": { "name": ^"a", "driver": "bridge" }'),
      'hasPart[1].network.name',
    ],
  ];
  test.each(cases)('%s, case %#', (code, fields, ...paths) => check(inStack(fields), code, paths));

  test.each([
    [
      'MISSING_FIELD',
      '^{ "name": "shop", "locatedInHost": "vm1", "hasPart": { "name": "web", "image": "a" } }',
      '@type',
    ],
    ['INVALID_VALUE', `{ "@type": ^"Banana", "name": "shop", ${CONTAINERS} }`, '@type'],
    ['INVALID_VALUE', `{ "@type": ^[], "name": "shop", ${CONTAINERS} }`, '@type'],
    ['MISSING_FIELD', `^{ "@type": "x:Stack", ${CONTAINERS} }`, 'name'],
    ['INVALID_NAME', `{ "@type": "x/Stack", "name": ^"${'a'.repeat(64)}", ${CONTAINERS} }`, 'name'],
    ['INVALID_NAME', `{ "@type": "x#Stack", "name": ^"_a", ${CONTAINERS} }`, 'name'],
    ['MISSING_FIELD', '^{ "@type": "Stack", "name": "shop" }', 'hasPart'],
  ])('%s: %s', (code, marked, path) => check(marked, code, [path]));
});

describe('what a message says', () => {
  const message = (fields: string) => problemsOf(inStack(fields)).map((problem) => problem.message);
  test('the word that was meant', () => {
    expect(message(`"hasParts": 1, ${CONTAINERS}`)).toEqual(['unknown field "hasParts": did you mean "hasPart"?']);
  });
  test('the circle', () => {
    const cycle = message(two('"dependsOn": "db"', '"dependsOn": "web"'));
    expect(cycle).toEqual(['expected no container to wait for itself: web -> db -> web']);
  });
  test('no value of the environment', () => {
    const texts = message(two('"environment": ["s3cret"]', '"environment": { "A": ["s3cret"] }'));
    expect(texts).toHaveLength(2);
    expect(texts.join()).not.toContain('s3cret');
  });
});

test('all problems at once, in the order of the text, counted by hand', () => {
  const text = [
    '{',
    '  "@type": "Stack",',
    '  "name": "shop!", "deployment": {"placementStrategy": "manual"},',
    '  "hasPart": [',
    '    {"name": "web", "image": "NGINX", "port": 1},',
    '    {"name": "web", "image": "nginx", "dependsOn": "x"}',
    '  ]',
    '}',
  ];
  const expected = [
    { code: 'INVALID_NAME', path: 'name', line: 3, column: 11 },
    { code: 'HOST_MISSING', path: 'hasPart[0].locatedInHost', line: 5, column: 5 },
    { code: 'INVALID_IMAGE', path: 'hasPart[0].image', line: 5, column: 30 },
    { code: 'UNKNOWN_FIELD', path: 'hasPart[0].port', line: 5, column: 39 },
    { code: 'HOST_MISSING', path: 'hasPart[1].locatedInHost', line: 6, column: 5 },
    { code: 'DUPLICATE_CONTAINER', path: 'hasPart[1].name', line: 6, column: 14 },
    { code: 'UNKNOWN_DEPENDENCY', path: 'hasPart[1].dependsOn', line: 6, column: 52 },
  ];
  for (const end of ['\n', '\r\n', '\r']) {
    expect(problemsOf(text.join(end)).map(({ message: _message, ...problem }) => problem)).toEqual(expected);
  }
});
