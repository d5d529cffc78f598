import { describe, test } from 'vitest';
import { type Case, check, inStack } from '../../../../support/stackfile/jsonld-marks.ts';

const inContainer = (fields: string) =>
  inStack(`"locatedInHost": "vm1", "hasPart": [{ "name": "web", "image": "nginx",
  ${fields} }]`);

describe('a container', () => {
  const cases: Case[] = [
    ['UNKNOWN_FIELD', '^"imge": "nginx"', 'imge'],
    ['WRONG_TYPE', '"locatedInHost": ^1', 'locatedInHost'],
    ['INVALID_NAME', '"locatedInHost": { "@id": ^"a b" }', 'locatedInHost.@id'],
    ['MISSING_FIELD', '"locatedInHost": ^{}', 'locatedInHost.@id'],
    ['CONFLICTING_FIELDS', '"ports": [], ^"containerPort": []', 'containerPort'],
    ['CONFLICTING_FIELDS', '"environment": {}, ^"environmentVariable": []', 'environmentVariable'],
    ['CONFLICTING_FIELDS', '"volumes": [], ^"volumeMount": [], ^"volumeMounts": []', 'volumeMount', 'volumeMounts'],
    ['CONFLICTING_FIELDS', '"ports": [{ "portNumber": 1, ^"containerPort": 1 }]', 'ports[0].containerPort'],
    ['MISSING_FIELD', '"ports": [^{ "hostPort": 1 }]', 'ports[0].portNumber'],
    ['INVALID_VALUE', '"ports": [{ "@type": ^"Banana", "portNumber": 1 }]', 'ports[0].@type'],
    ['WRONG_TYPE', '"ports": [^"80:80"]', 'ports[0]'],
    ['WRONG_TYPE', '"ports": [{ "portNumber": ^"80" }]', 'ports[0].portNumber'],
    ['INVALID_VALUE', '"ports": [{ "portNumber": ^0 }]', 'ports[0].portNumber'],
    ['INVALID_VALUE', '"ports": [{ "portNumber": 1, "hostPort": ^65536 }]', 'ports[0].hostPort'],
    ['INVALID_VALUE', '"ports": [{ "portNumber": ^80.5 }]', 'ports[0].portNumber'],
    ['INVALID_VALUE', '"ports": [{ "portNumber": 1, "hostIp": ^"1.2.3" }]', 'ports[0].hostIp'],
    ['INVALID_VALUE', '"ports": [{ "portNumber": 1, "protocol": ^"icmp" }]', 'ports[0].protocol'],
    [
      'PORT_CONFLICT',
      '"ports": [{ "portNumber": 1, "hostPort": 9, "hostIp": "0.0.0.0" }, { "portNumber": 2, "hostPort": ^9, "hostIp": "127.0.0.1" }]',
      'ports[1].hostPort',
    ],
    [
      'INVALID_VALUE',
      '"network": {"name": "host"}, "ports": [{ "portNumber": 1, "hostPort": ^9 }]',
      'ports[0].hostPort',
    ],
    ['WRONG_TYPE', '"environment": { "A": ^null }', 'environment.A'],
    ['WRONG_TYPE', '"environment": ^"A=b"', 'environment'],
    ['INVALID_VALUE', '"environment": [^"A"]', 'environment[0]'],
    ['INVALID_NAME', '"environment": { ^"1a": "b" }', 'environment.1a'],
    ['INVALID_NAME', '"environment": { ^"a b": "b" }', 'environment["a b"]'],
    ['DUPLICATE_NAME', '"environment": ["A=b", ^"A=c"]', 'environment[1]'],
    ['MISSING_FIELD', '"environmentVariable": [^{ "name": "A" }]', 'environmentVariable[0].value'],
    ['INVALID_VALUE', '"environment": { "A": ^"a\\u0000" }', 'environment.A'],
    [
      'INVALID_NAME',
      '"labels": { ^"graphium.x": "a", ^"com.docker.compose.project": "b" }',
      'labels["graphium.x"]',
      'labels["com.docker.compose.project"]',
    ],
    ['INVALID_NAME', '"labels": [^"=a"]', 'labels[0]'],
    ['INVALID_NAME', '"volumes": [{ "name": ^"/srv", "mountPath": "/a" }]', 'volumes[0].name'],
    ['INVALID_VALUE', '"volumes": [{ "name": "a", "mountPath": ^"a" }]', 'volumes[0].mountPath'],
    ['INVALID_VALUE', '"volumes": [{ "name": "a", "mountPath": ^"/a/.." }]', 'volumes[0].mountPath'],
    ['UNKNOWN_FIELD', '"volumes": [{ "name": "a", "mountPath": "/a", ^"target": "/a" }]', 'volumes[0].target'],
    [
      'DUPLICATE_MOUNT',
      '"volumes": [{ "name": "a", "mountPath": "/a" }, { "name": "b", "mountPath": ^"/a/" }]',
      'volumes[1].mountPath',
    ],
    ['MISSING_FIELD', '"volumeMounts": [^{ "target": "/a" }]', 'volumeMounts[0].source'],
    ['MISSING_FIELD', '"volumeMounts": [^{ "source": "a" }]', 'volumeMounts[0].target'],
    [
      'INVALID_VALUE',
      '"volumeMounts": [{ "source": ^"a", "target": "/a", "type": "tmpfs" }]',
      'volumeMounts[0].source',
    ],
    ['INVALID_VALUE', '"volumeMounts": [{ "source": "a", "target": "/a", "type": ^"nfs" }]', 'volumeMounts[0].type'],
    ['INVALID_NAME', '"volumeMounts": [{ "source": ^"./a", "target": "/a" }]', 'volumeMounts[0].source'],
    ['WRONG_TYPE', '"volumes": [{ "name": "a", "mountPath": "/a", "readOnly": ^"yes" }]', 'volumes[0].readOnly'],
    ['INVALID_VALUE', '"command": ^[]', 'command'],
    ['INVALID_VALUE', '"command": ^" "', 'command'],
    ['INVALID_VALUE', '"command": ^"echo \'a"', 'command'],
    ['INVALID_VALUE', '"command": ^"a && b"', 'command'],
    ['WRONG_TYPE', '"command": ["a", ^1]', 'command[1]'],
    ['INVALID_VALUE', '"restartPolicy": ^"sometimes"', 'restartPolicy'],
    ['INVALID_VALUE', '"restartPolicy": ^"always:3"', 'restartPolicy'],
    ['INVALID_VALUE', '"resources": { "cpu": ^0 }', 'resources.cpu'],
    ['INVALID_VALUE', '"resources": { "cpu": ^"500m" }', 'resources.cpu'],
    ['INVALID_VALUE', '"resources": { "memory": ^"5m" }', 'resources.memory'],
    ['INVALID_VALUE', '"resources": { "memory": ^"much" }', 'resources.memory'],
    ['MISSING_FIELD', '"healthCheck": ^{}', 'healthCheck.command'],
    ['INVALID_VALUE', '"healthCheck": { "command": ^["NONE"] }', 'healthCheck.command'],
    ['INVALID_VALUE', '"healthCheck": { "command": ^["CMD-SHELL", "a", "b"] }', 'healthCheck.command'],
    ['WRONG_TYPE', '"healthCheck": { "command": "a", "interval": ^"30s" }', 'healthCheck.interval'],
    ['INVALID_VALUE', '"healthCheck": { "command": "a", "timeout": ^0 }', 'healthCheck.timeout'],
    ['INVALID_VALUE', '"healthCheck": { "command": "a", "retries": ^1.5 }', 'healthCheck.retries'],
    ['MISSING_FIELD', '"network": ^{ "driver": "bridge" }', 'network.name'],
    ['INVALID_VALUE', '"network": { "name": "none", ^"driver": "bridge" }', 'network.driver'],
    ['INVALID_VALUE', '"network": { "name": "a", "driver": ^"host" }', 'network.driver'],
    ['INVALID_VALUE', '"network": { "name": "a", "subnet": ^"10.0.0.0" }', 'network.subnet'],
    ['INVALID_VALUE', '"network": { "name": "a", "subnet": ^"10.0.0.5/24" }', 'network.subnet'],
    ['INVALID_VALUE', '"network": { "name": "a", "subnet": ^"fd00::/64" }', 'network.subnet'],
    ['INVALID_VALUE', '"network": { "name": "a", "gateway": ^"10.0.0.1" }', 'network.gateway'],
    ['INVALID_VALUE', '"network": { "name": "a", "subnet": "10.0.0.0/24", "gateway": ^"10.0.1.1" }', 'network.gateway'],
    [
      'INVALID_VALUE',
      '"network": { "name": "a", "subnet": "10.0.0.0/24", "gateway": ^"10.0.0.255" }',
      'network.gateway',
    ],
    [
      'INVALID_VALUE',
      '"network": { "name": "a", "subnet": "10.0.0.0/24", "ipRange": ^"10.0.0.0/16" }',
      'network.ipRange',
    ],
  ];
  test.each(cases)('%s, case %#', (code, fields, ...paths) => {
    check(
      inContainer(fields),
      code,
      paths.map((path) => `hasPart[0].${path}`),
    );
  });

  const named = (name: string, image: string) =>
    `{ "@type": "Stack", "name": "shop", "locatedInHost": "vm1", "hasPart": { "name": ${name}, "image": ${image} } }`;
  test.each(['a', '-ab', 'a b', 'ab.graphium-previous', 'a'.repeat(129)])('INVALID_NAME: %s', (name) =>
    check(named(`^"${name}"`, '"nginx"'), 'INVALID_NAME', ['hasPart.name']),
  );
  test.each([
    '',
    'Nginx',
    'a/B',
    'nginx:',
    'nginx:a b',
    `nginx:${'a'.repeat(129)}`,
    'nginx@sha256:abc',
    `nginx@md5:${'a'.repeat(32)}`,
    `nginx@sha256:${'A'.repeat(64)}`,
    'a..b',
    'a//b',
    '/a',
    'a/',
    'a___b',
    '-a',
    'a.b_c.io/x',
    'x.io:port/y',
    'a'.repeat(64),
    'b'.repeat(238),
    'https://nginx',
  ])('INVALID_IMAGE: %s', (image) => check(named('"web"', `^"${image}"`), 'INVALID_IMAGE', ['hasPart.image']));
});
