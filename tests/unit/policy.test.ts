import { describe, expect, it } from 'vitest';
import {
  imageViolations,
  networkViolations,
  PolicyError,
  parsePolicy,
  strictPolicy,
  violations,
} from '../../agent/policy.ts';

const host = (HostConfig: object) => ({ Image: 'nginx', HostConfig });
const bind = (Source: string, rest: object = {}) =>
  host({ Mounts: [{ Type: 'bind', Source, Target: '/x', ReadOnly: false, ...rest }] });
const volume = (VolumeOptions: object, Source = 'v') =>
  host({ Mounts: [{ Type: 'volume', Source, Target: '/x', VolumeOptions }] });

describe('the strict policy', () => {
  it.each([
    [
      'plain',
      { Image: 'nginx', Cmd: ['sh'], Env: [], Labels: {}, ExposedPorts: {}, Healthcheck: { Test: ['CMD', 'true'] } },
    ],
    [
      'limits and ports',
      host({ NanoCpus: 1, Memory: 1, PortBindings: {}, RestartPolicy: { Name: 'always' }, NetworkMode: 's_net' }),
    ],
    ['a volume', volume({ Labels: { a: 'b' } })],
    ['tmpfs', host({ Mounts: [{ Type: 'tmpfs', Target: '/tmp' }] })],
    ['asked for nothing', host({ Privileged: false, CapAdd: [], Devices: null, PidMode: '', SecurityOpt: [] })],
    ['own namespaces', host({ NetworkMode: 'none', IpcMode: 'private', CgroupnsMode: 'private' })],
    ['dropped capabilities', host({ CapDrop: ['ALL'] })],
    ['a volume in the short form', host({ Binds: ['data:/data'] })],
    ['aliases', { NetworkingConfig: { EndpointsConfig: { net: { Aliases: ['web'] } } } }],
  ])('allows %s', (_, body) => expect(violations(body, strictPolicy)).toEqual([]));

  it.each([
    ['privileged', host({ Privileged: true }), 'HostConfig.Privileged'],
    ['host network', host({ NetworkMode: 'host' }), 'HostConfig.NetworkMode'],
    ['host pid', host({ PidMode: 'host' }), 'HostConfig.PidMode'],
    ['host ipc', host({ IpcMode: 'host' }), 'HostConfig.IpcMode'],
    ['host uts', host({ UTSMode: 'host' }), 'HostConfig.UTSMode'],
    ['host users', host({ UsernsMode: 'host' }), 'HostConfig.UsernsMode'],
    ['host cgroup', host({ CgroupnsMode: 'host' }), 'HostConfig.CgroupnsMode'],
    ["another container's network", host({ NetworkMode: 'container:x' }), 'HostConfig.NetworkMode'],
    ["another container's processes", host({ PidMode: 'container:x' }), 'HostConfig.PidMode'],
    ['devices', host({ Devices: [{ PathOnHost: '/dev/sda' }] }), 'HostConfig.Devices.0'],
    ['capabilities', host({ CapAdd: ['SYS_ADMIN'] }), 'HostConfig.CapAdd.0'],
    ['capabilities that are no list', host({ CapAdd: 'ALL' }), 'HostConfig.CapAdd'],
    ['bind mounts', bind('/srv'), 'HostConfig.Mounts.0'],
    ['bind mounts in the short form', host({ Binds: ['/srv:/srv:ro'] }), 'HostConfig.Binds.0'],
    ['relative bind mounts', bind('srv'), 'HostConfig.Mounts.0'],
    ['other kinds of mounts', host({ Mounts: [{ Type: 'npipe', Source: 'x', Target: 'y' }] }), 'HostConfig.Mounts.0'],
    ['a path as a volume', volume({}, '/etc'), 'HostConfig.Mounts.0'],
    [
      'unknown mount fields',
      bind('/srv', { BindOptions: { Propagation: 'shared' } }),
      'HostConfig.Mounts.0.BindOptions',
    ],
    ['volume drivers', volume({ DriverConfig: { Options: { device: '/' } } }), 'VolumeOptions.DriverConfig'],
    ['a volume driver for all', host({ VolumeDriver: 'nfs' }), 'HostConfig.VolumeDriver'],
    ['security options', host({ SecurityOpt: ['seccomp=unconfined'] }), 'HostConfig.SecurityOpt'],
    ['sysctls', host({ Sysctls: { 'net.ipv4.ip_forward': '1' } }), 'HostConfig.Sysctls'],
    ["others' volumes", host({ VolumesFrom: ['x'] }), 'HostConfig.VolumesFrom'],
    ['unknown fields', { Entrypoint: ['sh'] }, 'Entrypoint'],
    ['unknown host fields', host({ CgroupParent: '/' }), 'HostConfig.CgroupParent'],
    ['inherited names', host({ toString: true }), 'HostConfig.toString'],
    [
      'endpoint settings',
      { NetworkingConfig: { EndpointsConfig: { n: { IPAMConfig: {} } } } },
      'EndpointsConfig.n.IPAMConfig',
    ],
    ['a list where an object belongs', { HostConfig: ['Privileged'] }, 'HostConfig.0'],
  ])('refuses %s', (_, body, path) => {
    const found = violations(body, strictPolicy);
    expect(found.length).toBeGreaterThan(0);
    expect(found[0]).toContain(path);
  });

  it('names everything at once', () => {
    expect(violations(host({ Privileged: true, PidMode: 'host', CapAdd: ['A', 'B'] }), strictPolicy)).toHaveLength(4);
  });
});

describe('a policy file', () => {
  const socketPolicy = (allowBindMounts: string[]) => parsePolicy({ allowBindMounts });
  it.each([
    ['privileged', host({ Privileged: true }), { allowPrivileged: true }],
    ['host network', host({ NetworkMode: 'host' }), { allowHostNamespaces: ['network'] }],
    ['a device below', host({ Devices: [{ PathOnHost: '/dev/dri/card0' }] }), { allowDevices: ['/dev/dri'] }],
    ['a capability, however written', host({ CapAdd: ['CAP_NET_ADMIN'] }), { allowCapabilities: ['net_admin'] }],
    ['a path below', bind('/srv/data/app'), { allowBindMounts: ['/srv/data/'] }],
    ['the path itself, untidily', bind('//srv/./data/'), { allowBindMounts: ['/srv/data'] }],
    ['everything', bind('/etc'), { allowBindMounts: ['/', '/run/docker.sock'] }],
    ['volume drivers', volume({ DriverConfig: { Name: 'nfs' } }), { allowVolumeDriverOptions: true }],
    ['the socket by name', bind('/var/run/docker.sock'), { allowBindMounts: ['/run/docker.sock'] }],
    ['the socket by its other name', bind('/run/docker.sock'), { allowBindMounts: ['/var/run/docker.sock'] }],
  ])('allows %s', (_, body, policy) => expect(violations(body, parsePolicy(policy))).toEqual([]));

  it.each([
    ['a neighbour', bind('/srv/database'), ['/srv/data']],
    ['the parent', bind('/srv'), ['/srv/data']],
    ['climbing out', bind('/srv/data/../../etc'), ['/srv/data']],
    ['the socket under an allowed parent', bind('/var/run/docker.sock'), ['/var/run']],
    ['the socket under the root', bind('/run/docker.sock'), ['/']],
    ['a directory that has the socket in it', bind('/run'), ['/run']],
    ['the root', bind('/'), ['/']],
    ['a socket kept elsewhere', bind('/srv/x/docker.sock'), ['/srv']],
    ["containerd's socket", bind('/run/containerd'), ['/run']],
  ])('still refuses %s', (_, body, allowed) => expect(violations(body, socketPolicy(allowed))).toHaveLength(1));

  it('allows one namespace and no other', () => {
    const policy = parsePolicy({ allowHostNamespaces: ['network'] });
    expect(violations(host({ NetworkMode: 'host', PidMode: 'host' }), policy)).toEqual([
      expect.stringContaining('PidMode'),
    ]);
  });

  it.each([
    [{ allowEverything: true }, ''],
    [{ allowPrivileged: 'yes' }, 'allowPrivileged'],
    [{ allowHostNamespaces: ['net'] }, 'allowHostNamespaces.0'],
    [{ allowBindMounts: ['srv'] }, 'allowBindMounts.0'],
    [{ allowBindMounts: ['/srv/../etc'] }, 'allowBindMounts.0'],
    [[], ''],
    [null, ''],
  ])('is refused when not understood: %j', (json, path) => {
    expect(() => parsePolicy(json)).toThrow(PolicyError);
    expect(() => parsePolicy(json)).toThrow(expect.objectContaining({ path }));
  });

  it('is strict in what it leaves out', () => expect(parsePolicy({})).toEqual(strictPolicy));
});

describe('registries and network drivers', () => {
  const policy = parsePolicy({ registries: ['docker.io', 'registry.local:5000'] });
  it.each([
    'nginx',
    'nginx:1',
    'docker.io/library/nginx',
    'index.docker.io/x/y',
    'team/app',
    'registry.local:5000/a/b:1',
  ])('allows %s', (image) => {
    expect(imageViolations(image, policy)).toEqual([]);
  });
  it.each(['ghcr.io/a/b', 'localhost/a', 'registry.local/a', 'docker.io.evil.example/a', 'sha256:0123'])(
    'refuses %s',
    (image) => {
      expect(violations({ Image: image }, policy)).toHaveLength(1);
    },
  );
  it('are all allowed when not listed', () => expect(imageViolations('ghcr.io/a/b', strictPolicy)).toEqual([]));
  it('allows bridges only', () => {
    expect(networkViolations('bridge', strictPolicy)).toEqual([]);
    expect(networkViolations('macvlan', strictPolicy)).toHaveLength(1);
    expect(networkViolations('macvlan', parsePolicy({ allowNetworkDrivers: ['macvlan'] }))).toEqual([]);
  });
});
