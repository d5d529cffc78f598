import { describe, expect, it } from 'vitest';
import { toEndpoints } from '../../../../../agent/docker/shapes/endpoints.ts';
import { toImageName, toPullQuery } from '../../../../../agent/docker/shapes/image.ts';
import { toNetworkBody } from '../../../../../agent/docker/shapes/parts.ts';
import { taskSpecs } from '../../../../../agent/docker/shapes/spec.ts';
import { chooseApiVersion } from '../../../../../agent/docker/shapes/version.ts';
import { strictPolicy } from '../../../../../agent/policy/schema.ts';
import { violations } from '../../../../../agent/policy/violations.ts';
import { bodyOf, OWNER, PLAIN, specOf } from '../../../../support/agent/specs.ts';

describe('the body Docker gets', () => {
  it('leaves out what was not asked for', () => {
    const body = bodyOf({});
    expect(body).toEqual({
      Image: 'nginx:alpine',
      Env: [],
      Labels: expect.anything(),
      ExposedPorts: {},
      HostConfig: {
        NetworkMode: 'bridge',
        PortBindings: {},
        Mounts: [],
        RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
      },
    });
    expect(Object.keys(body)).not.toContain('Cmd');
  });

  it('carries our labels over those of the user', () => {
    expect(bodyOf({ labels: { team: 'a', 'graphium.cluster': 'forged', 'graphium.task': 'forged' } }).Labels).toEqual({
      team: 'a',
      'graphium.cluster': 'k',
      'graphium.agent': 'vm1',
      'graphium.stack': 's',
      'graphium.service': 'web',
      'graphium.replica': '1',
      'graphium.revision': '3',
      'graphium.spec': 'abc',
      'graphium.task': 't1',
      'com.docker.compose.project': 's',
      'com.docker.compose.service': 'web',
      'com.docker.compose.container-number': '1',
    });
  });

  it('publishes ports', () => {
    const { ExposedPorts, HostConfig } = bodyOf({
      ports: [
        { containerPort: 80, hostPort: 8080, hostIp: null, protocol: 'tcp' },
        { containerPort: 80, hostPort: 8081, hostIp: '127.0.0.1', protocol: 'tcp' },
        { containerPort: 53, hostPort: null, hostIp: null, protocol: 'udp' },
      ],
    });
    expect(ExposedPorts).toEqual({ '80/tcp': {}, '53/udp': {} });
    expect(HostConfig.PortBindings).toEqual({
      '80/tcp': [
        { HostIp: '', HostPort: '8080' },
        { HostIp: '127.0.0.1', HostPort: '8081' },
      ],
      '53/udp': [{ HostIp: '', HostPort: '' }],
    });
  });

  it('mounts by Mounts, and labels volumes that Docker would have to make', () => {
    const { Mounts } = bodyOf({
      mounts: [
        { type: 'volume', source: 's_data', target: '/data', readOnly: true },
        { type: 'volume', source: null, target: '/cache', readOnly: false },
        { type: 'bind', source: '/srv', target: '/srv', readOnly: false },
        { type: 'tmpfs', source: null, target: '/tmp', readOnly: false },
      ],
    }).HostConfig;
    expect(Mounts).toEqual([
      {
        Type: 'volume',
        Source: 's_data',
        Target: '/data',
        ReadOnly: true,
        VolumeOptions: { Labels: expect.objectContaining({ 'graphium.stack': 's' }) },
      },
      { Type: 'volume', Target: '/cache', ReadOnly: false },
      { Type: 'bind', Source: '/srv', Target: '/srv', ReadOnly: false },
      { Type: 'tmpfs', Target: '/tmp', ReadOnly: false },
    ]);
  });

  it('sets limits, command, environment, restart policy and health check, with times in ns', () => {
    const body = bodyOf({
      command: ['sh', '-c', 'x'],
      environment: { A: '1', EMPTY: '', EQUALS: 'a=b' },
      nanoCpus: 500_000_000,
      memoryBytes: 64e6,
      restart: { name: 'on-failure', maximumRetryCount: 3 },
      healthCheck: { test: ['CMD', 'true'], intervalMs: 1_500, timeoutMs: 500, retries: 2, startPeriodMs: 0 },
    });
    expect(body.Cmd).toEqual(['sh', '-c', 'x']);
    expect(body.Env).toEqual(['A=1', 'EMPTY=', 'EQUALS=a=b']);
    expect(body.HostConfig).toMatchObject({
      NanoCpus: 500_000_000,
      Memory: 64e6,
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
    });
    expect(body.Healthcheck).toEqual({
      Test: ['CMD', 'true'],
      Interval: 1.5e9,
      Timeout: 5e8,
      Retries: 2,
      StartPeriod: 0,
    });
  });

  it('does not send a retry count that Docker would refuse', () => {
    expect(
      bodyOf({ restart: { name: 'always', maximumRetryCount: 3 } }).HostConfig.RestartPolicy.MaximumRetryCount,
    ).toBe(0);
  });

  it('names one network at creation; the others are joined before the start', () => {
    const networks = [
      { name: 's_a', aliases: ['web'] },
      { name: 's_b', aliases: [] },
    ];
    const body = bodyOf({ networks });
    expect(body.HostConfig.NetworkMode).toBe('s_a');
    expect(body.NetworkingConfig).toEqual({ EndpointsConfig: { s_a: { Aliases: ['web'] } } });
    expect(toEndpoints({ ...PLAIN, networks }, '1.44').map(([name]) => name)).toEqual(['s_a', 's_b']);
    expect(bodyOf({ networks, networkMode: 'host' }).HostConfig.NetworkMode).toBe('host');
    expect(bodyOf({ networks, networkMode: 'none' })).not.toHaveProperty('NetworkingConfig');
  });

  it('has nothing that the policy does not know', () => {
    const body = bodyOf({
      command: ['x'],
      nanoCpus: 1,
      memoryBytes: 1,
      networks: [{ name: 'n', aliases: [] }],
      mounts: [{ type: 'volume', source: 'v', target: '/v', readOnly: false }],
      healthCheck: { test: ['NONE'], intervalMs: 0, timeoutMs: 0, retries: 0, startPeriodMs: 0 },
    });
    expect(violations(body, strictPolicy)).toEqual([]);
  });
});

describe('networks', () => {
  const network = {
    name: 's_net',
    driver: 'bridge',
    subnet: null,
    gateway: null,
    ipRange: null,
    labels: { team: 'a' },
  };
  it('leaves addresses to Docker unless told', () => {
    const body = toNetworkBody(network, OWNER);
    expect(body).toMatchObject({
      Name: 's_net',
      Driver: 'bridge',
      CheckDuplicate: true,
      Labels: { team: 'a', 'graphium.stack': 's' },
    });
    expect(body).not.toHaveProperty('IPAM');
  });
  it('passes on the subnet', () => {
    const body = toNetworkBody({ ...network, subnet: '10.9.0.0/24', gateway: '10.9.0.1' }, OWNER);
    expect(body).toHaveProperty('IPAM', { Config: [{ Subnet: '10.9.0.0/24', Gateway: '10.9.0.1' }] });
  });
});

describe('task specs', () => {
  it('takes what the server sends', () => expect(taskSpecs.DEPLOY.safeParse(specOf()).success).toBe(true));
  it.each([
    ['another version', 'STOP', { version: 2 }],
    ['an unknown field', 'STOP', { version: 1, force: true }],
    ['an unknown field of the container', 'DEPLOY', { ...specOf(), container: { ...PLAIN, mystery: true } }],
    ['a missing field', 'PULL', { version: 1, image: 'x' }],
    ['a name Docker would refuse', 'DEPLOY', specOf({ name: '../x' })],
    ['a volume that is a path', 'CLEAN', { version: 1, networks: [], volumes: ['/etc'] }],
    ['no object', 'DELETE', null],
  ] as const)('refuses %s', (_, kind, spec) => expect(taskSpecs[kind].safeParse(spec).success).toBe(false));
});

describe('names of images', () => {
  it.each([
    ['nginx', 'docker.io', 'library/nginx', 'latest'],
    ['nginx:alpine', 'docker.io', 'library/nginx', 'alpine'],
    ['team/app:1', 'docker.io', 'team/app', '1'],
    ['docker.io/library/nginx', 'docker.io', 'library/nginx', 'latest'],
    ['ghcr.io/a/b/c:2', 'ghcr.io', 'a/b/c', '2'],
    ['localhost/x', 'localhost', 'x', 'latest'],
    ['EVIL/x', 'EVIL', 'x', 'latest'],
    ['Evil/library/nginx:1', 'Evil', 'library/nginx', '1'],
    ['index.docker.io/nginx', 'docker.io', 'library/nginx', 'latest'],
    ['xn--n3h.com/app:1', 'xn--n3h.com', 'app', '1'],
    ['[::1]:5000/x', '[::1]:5000', 'x', 'latest'],
    ['[fd00:1:2::3]/a/b', '[fd00:1:2::3]', 'a/b', 'latest'],
    ['localhost:5000/x', 'localhost:5000', 'x', 'latest'],
    ['a/b/c/d:1', 'docker.io', 'a/b/c/d', '1'],
    ['10.0.0.1:5000/x', '10.0.0.1:5000', 'x', 'latest'],
    ['r.example/x@sha256:12', 'r.example', 'x', 'sha256:12'],
    ['r.example/x:1@sha256:12', 'r.example', 'x', 'sha256:12'],
  ])('%s', (image, registry, repository, reference) => {
    expect(toImageName(image)).toEqual({ registry, repository, reference });
  });
  it('are pulled with a tag, or Docker would pull them all', () => {
    expect(toPullQuery('nginx')).toEqual({ fromImage: 'nginx', tag: 'latest' });
    expect(toPullQuery('r.example:5/x@sha256:12')).toEqual({ fromImage: 'r.example:5/x', tag: 'sha256:12' });
  });
});

it.each([
  ['20.10', '1.41', '1.12', '1.41'],
  ['24', '1.43', '1.12', '1.43'],
  ['27', '1.47', '1.24', '1.44'],
  ['29', '1.52', '1.44', '1.44'],
  ['some later one', '1.60', '1.50', '1.50'],
])('speaks to engine %s (API %s, at least %s) in %s', (_, ApiVersion, MinAPIVersion, expected) => {
  expect(chooseApiVersion({ ApiVersion, MinAPIVersion })).toBe(expected);
});
