import { describe, expect, test } from 'vitest';
import type { ContainerSpec } from '../../../../../server/spec/spec.ts';
import { parse, stack } from '../../../../support/stackfile/jsonld-stack.ts';
import { plain } from '../../../../support/stackfile/plain.ts';

function parseContainer(fields: object): ContainerSpec | undefined {
  return parse(stack({}, [fields])).services[0]?.container;
}

describe('one container', () => {
  const port = { containerPort: 80, hostPort: null, hostIp: null, protocol: 'tcp' };
  const check = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0 };
  const volume = { type: 'volume', source: 'shop_data', target: '/data', readOnly: false };
  const cases: [string, object, Partial<Record<keyof ContainerSpec, unknown>>][] = [
    ['nothing but a name and an image', {}, {}],
    ['portNumber alone', { containerPort: [{ portNumber: 80 }] }, { ports: [port] }],
    ['ports, containerPort', { ports: [{ containerPort: 80, hostPort: 1 }] }, { ports: [{ ...port, hostPort: 1 }] }],
    ['a port without brackets', { ports: { '@type': 'schema:Port', portNumber: 80 } }, { ports: [port] }],
    [
      'hostIp and protocol',
      { ports: [{ portNumber: 53, hostPort: 53, hostIp: '::1', protocol: 'UDP' }] },
      { ports: [{ containerPort: 53, hostPort: 53, hostIp: '::1', protocol: 'udp' }] },
    ],
    [
      'environment as a map',
      { environment: { A: 'x', B: true, name: 'n', value: 'v' } },
      { environment: { A: 'x', B: 'true', name: 'n', value: 'v' } },
    ],
    ['environment as lines', { environment: ['A=x=y', 'B='] }, { environment: { A: 'x=y', B: '' } }],
    ['environment as nodes', { environment: [{ name: 'A', value: 1 }] }, { environment: { A: '1' } }],
    [
      'one PropertyValue without brackets',
      { environmentVariable: { '@type': 'PropertyValue', name: 'A', value: 'x' } },
      { environment: { A: 'x' } },
    ],
    ['labels as a map', { labels: { 'a.b': 'x', n: 2 } }, { labels: { 'a.b': 'x', n: '2' } }],
    ['labels as a list', { labels: ['a=x', 'flag'] }, { labels: { a: 'x', flag: '' } }],
    ['arguments alone', { args: ['-v'] }, { command: ['-v'] }],
    ['arguments behind a command', { command: 'serve -a', args: ['b c'] }, { command: ['serve', '-a', 'b c'] }],
    ['a user and a folder', { user: '1000:1000', workingDir: '/app' }, { user: '1000:1000', workingDir: '/app' }],
    [
      'hostIP',
      { ports: [{ portNumber: 53, hostPort: 53, hostIP: '::1' }] },
      { ports: [{ ...port, containerPort: 53, hostPort: 53, hostIp: '::1' }] },
    ],
    [
      'healthcheck as Compose has it',
      { healthcheck: { test: ['CMD', 'true'], interval: '1m30s', timeout: '500ms' } },
      { healthCheck: { ...check, test: ['CMD', 'true'], intervalMs: 90_000, timeoutMs: 500 } },
    ],
    ['volumeMount', { volumeMount: [{ name: 'data', mountPath: '/data/' }] }, { mounts: [volume] }],
    [
      'volumes, read-only',
      { volumes: [{ name: 'data', mountPath: '/data', readOnly: true }] },
      { mounts: [{ ...volume, readOnly: true }] },
    ],
    ['volumeMounts with a name', { volumeMounts: [{ source: 'data', target: '/data' }] }, { mounts: [volume] }],
    [
      'volumeMounts with a path',
      { volumeMounts: [{ source: '/srv', target: '/data' }] },
      { mounts: [{ ...volume, type: 'bind', source: '/srv' }] },
    ],
    [
      'a relative bind',
      { volumeMounts: [{ source: './srv', target: '/data', type: 'bind' }] },
      { mounts: [{ ...volume, type: 'bind', source: './srv' }] },
    ],
    [
      'tmpfs',
      { volumeMounts: [{ target: '/data', type: 'tmpfs' }] },
      { mounts: [{ ...volume, type: 'tmpfs', source: null }] },
    ],
    ['command as a list', { command: ['sh', '-c', 'a; b', ''] }, { command: ['sh', '-c', 'a; b', ''] }],
    [
      'command as a line',
      { command: `sh  -c 'a && "b"' "x\\"y" c\\ d ''` },
      { command: ['sh', '-c', 'a && "b"', 'x"y', 'c d', ''] },
    ],
    ['restartPolicy', { restartPolicy: 'always' }, { restart: { name: 'always', maximumRetryCount: 0 } }],
    [
      'restartPolicy with a number',
      { restartPolicy: 'on-failure:5' },
      { restart: { name: 'on-failure', maximumRetryCount: 5 } },
    ],
    [
      'resources as numbers',
      { resources: { cpu: 1.5, memory: 6_291_456 } },
      { nanoCpus: 1_500_000_000, memoryBytes: 6_291_456 },
    ],
    ['512m', { resources: { cpu: '0.5', memory: '512m' } }, { nanoCpus: 500_000_000, memoryBytes: 536_870_912 }],
    ['1gb', { resources: { memory: '1gb' } }, { memoryBytes: 1_073_741_824 }],
    ['512Mi', { resources: { memory: '512Mi' } }, { memoryBytes: 536_870_912 }],
    ['1.5g', { resources: { memory: '1.5g' } }, { memoryBytes: 1_610_612_736 }],
    [
      'a health check as a line',
      { healthCheck: { command: 'wget -q x' } },
      { healthCheck: { ...check, test: ['CMD-SHELL', 'wget -q x'] } },
    ],
    [
      'a health check as words',
      {
        healthCheck: {
          '@type': 'HealthCheck',
          command: ['true'],
          interval: 0.5,
          timeout: 2,
          retries: 1,
          startPeriod: 4,
        },
      },
      { healthCheck: { test: ['CMD', 'true'], intervalMs: 500, timeoutMs: 2000, retries: 1, startPeriodMs: 4000 } },
    ],
    [
      "a health check in Docker's words",
      { healthCheck: { command: ['CMD-SHELL', 'exit 0'] } },
      { healthCheck: { ...check, test: ['CMD-SHELL', 'exit 0'] } },
    ],
    ['the network host', { network: { name: 'host' } }, { networkMode: 'host', networks: [] }],
    ['the network none', { network: { name: 'none' } }, { networkMode: 'none', networks: [] }],
    ['a named network', { network: { name: 'back' } }, { networks: [{ name: 'shop_back', aliases: ['web'] }] }],
    ['annotations', { '@id': 'c:web', '@type': ['docker:Container', 'x'], description: 'd', comment: 'c' }, {}],
  ];

  test.each(cases)('%s', (_title, fields, expected) => {
    expect(parseContainer(fields)).toStrictEqual({ ...plain('web', 'web', { image: 'nginx' }), ...expected });
  });

  test('numbers in the environment stay as written', () => {
    const file = JSON.stringify(stack({}, [{ environment: { V: 0, N: 0 } }]));
    const text = file.replace('"V":0', '"V":1.10').replace('"N":0', '"N":12345678901234567890');
    expect(parse(text).services[0]?.container.environment).toStrictEqual({ V: '1.10', N: '12345678901234567890' });
  });

  test('a variable called __proto__ is a variable', () => {
    const text = JSON.stringify(stack({}, [{ environment: {} }])).replace(
      '"environment":{}',
      '"environment":{"__proto__":"x"}',
    );
    expect(Object.entries(parse(text).services[0]?.container.environment ?? {})).toEqual([['__proto__', 'x']]);
  });

  test.each([
    'nginx',
    'nginx:alpine',
    'library/nginx:1.27',
    'ghcr.io/a/b/c__d.e-f--g:V1.0_x',
    'registry:5000/x',
    'localhost/x',
    'HOST/x',
    '[fe80::1]:5000/x:y',
    `nginx@sha256:${'a'.repeat(64)}`,
    `r.io/x:y@sha512:${'0'.repeat(128)}`,
    'a'.repeat(237),
  ])('image %s', (image) => expect(parseContainer({ image })?.image).toBe(image));
});
