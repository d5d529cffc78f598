import { describe, expect, it } from 'vitest';
import { PolicyError, parsePolicy, strictPolicy } from '../../../../agent/policy/schema.ts';
import { violations } from '../../../../agent/policy/violations.ts';

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
    [
      'given back one of what every container has',
      host({ CapDrop: ['ALL'], CapAdd: ['NET_BIND_SERVICE', 'CAP_CHOWN'] }),
    ],
    ['asked for nothing', host({ Privileged: false, CapAdd: [], Devices: null, PidMode: '', SecurityOpt: [] })],
    ['own namespaces', host({ NetworkMode: 'none', IpcMode: 'private', CgroupnsMode: 'private' })],
    ['dropped capabilities', host({ CapDrop: ['ALL'] })],
    [
      'what a process wants',
      {
        Entrypoint: ['sh'],
        Hostname: 'a',
        Domainname: 'b',
        User: '1:2',
        WorkingDir: '/',
        Tty: true,
        OpenStdin: true,
        StopSignal: 'SIGINT',
        StopTimeout: 3,
        MacAddress: '02:42:ac:11:00:02',
      },
    ],
    [
      'more limits',
      host({
        MemoryReservation: 1,
        MemorySwap: -1,
        MemorySwappiness: 10,
        CpuShares: 2,
        CpuPeriod: 1,
        CpuQuota: 1,
        CpusetCpus: '0',
        PidsLimit: 5,
        BlkioWeight: 10,
        ShmSize: 1,
        Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 1 }],
        OomScoreAdj: 500,
        OomKillDisable: false,
        StorageOpt: { size: '1G' },
      }),
    ],
    [
      'its surroundings',
      host({
        Init: true,
        ReadonlyRootfs: true,
        GroupAdd: ['1'],
        Dns: ['1.1.1.1'],
        DnsSearch: ['a'],
        DnsOptions: ['b'],
        ExtraHosts: ['a:1.2.3.4'],
      }),
    ],
    ['no new privileges', host({ SecurityOpt: ['no-new-privileges', 'no-new-privileges:true'] })],
    [
      'settings of its own namespaces',
      host({
        Sysctls: {
          'net.ipv4.ip_forward': '1',
          'net.core.somaxconn': '9',
          'kernel.shmmax': '1',
          'fs.mqueue.msg_max': '2',
        },
      }),
    ],
    ['logs that stay on the host', host({ LogConfig: { Type: 'local', Config: { 'max-size': '1m' } } })],
    ["the host's own choice of logs", host({ LogConfig: { Type: '', Config: { 'max-size': '1m' } } })],
    ['tmpfs options', host({ Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 1, Mode: 448 } }] })],
    ['the plain volume driver', volume({ NoCopy: true, DriverConfig: { Name: 'local', Options: {} } })],
    [
      'static addresses',
      {
        NetworkingConfig: {
          EndpointsConfig: {
            n: { IPAMConfig: { IPv4Address: '10.0.0.2', IPv6Address: 'fd00::2', LinkLocalIPs: [] }, MacAddress: 'x' },
          },
        },
      },
    ],
    ['aliases', { NetworkingConfig: { EndpointsConfig: { net: { Aliases: ['web'] } } } }],
  ])('allows %s', (_, body) => expect(violations(body, strictPolicy)).toEqual([]));

  it.each([
    ['privileged', host({ Privileged: true }), 'HostConfig.Privileged'],
    ['a volume dressed as a path', host({ Binds: ['data:/data'] }), 'HostConfig.Binds.0'],
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
      bind('/srv', { BindOptions: { Recursive: true } }),
      'HostConfig.Mounts.0.BindOptions.Recursive',
    ],
    ['volume drivers', volume({ DriverConfig: { Options: { device: '/' } } }), 'VolumeOptions.DriverConfig'],
    ['a volume driver for all', host({ VolumeDriver: 'nfs' }), 'HostConfig.VolumeDriver'],
    ['security options', host({ SecurityOpt: ['seccomp=unconfined'] }), 'HostConfig.SecurityOpt'],
    ['settings of the host', host({ Sysctls: { 'kernel.core_pattern': '|/x' } }), 'Sysctls.kernel.core_pattern'],
    ['settings that climb', host({ Sysctls: { 'net.ipv4/../../kernel/x': '1' } }), 'HostConfig.Sysctls'],
    ['settings that are no object', host({ Sysctls: ['net.ipv4.ip_forward'] }), 'HostConfig.Sysctls'],
    ['new privileges', host({ SecurityOpt: ['no-new-privileges:false'] }), 'HostConfig.SecurityOpt.0'],
    ['device rules', host({ DeviceCgroupRules: ['a *:* rwm'] }), 'HostConfig.DeviceCgroupRules.0'],
    ['device requests', host({ DeviceRequests: [{ Count: -1 }] }), 'HostConfig.DeviceRequests'],
    ['runtimes', host({ Runtime: 'runc' }), 'HostConfig.Runtime'],
    ['parent groups', host({ CgroupParent: '/' }), 'HostConfig.CgroupParent'],
    ['being spared by the OOM killer', host({ OomKillDisable: true }), 'HostConfig.OomKillDisable'],
    ['a low OOM score', host({ OomScoreAdj: -1 }), 'HostConfig.OomScoreAdj'],
    ['storage options', host({ StorageOpt: { 'dm.x': '1' } }), 'HostConfig.StorageOpt.dm.x'],
    ['annotations', host({ Annotations: { 'org.systemd.property.X': '1' } }), 'HostConfig.Annotations'],
    ['logs to an address', host({ LogConfig: { Type: 'syslog', Config: {} } }), 'HostConfig.LogConfig.Type'],
    [
      'an address for the logs without a driver',
      host({ LogConfig: { Type: '', Config: { 'syslog-address': 'udp://x' } } }),
      'HostConfig.LogConfig.Config.syslog-address',
    ],
    [
      'options of a network',
      { NetworkingConfig: { EndpointsConfig: { n: { DriverOpts: { 'com.docker.network.endpoint.sysctls': 'x' } } } } },
      'EndpointsConfig.n.DriverOpts',
    ],
    [
      "the host's network as one of several",
      { NetworkingConfig: { EndpointsConfig: { host: {} } } },
      'EndpointsConfig',
    ],
    ["others' volumes", host({ VolumesFrom: ['x'] }), 'HostConfig.VolumesFrom'],
    ['unknown fields', { OnBuild: ['sh'] }, 'OnBuild'],
    ['unknown host fields', host({ MaskedPaths: [] }), 'HostConfig.MaskedPaths'],
    ['inherited names', host({ toString: true }), 'HostConfig.toString'],
    [
      'endpoint settings',
      { NetworkingConfig: { EndpointsConfig: { n: { Links: ['db'] } } } },
      'EndpointsConfig.n.Links',
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
    ['a rule for devices', host({ DeviceCgroupRules: ['c 1:3 mr'] }), { allowDeviceCgroupRules: ['c 1:3 mr'] }],
    ['a security option', host({ SecurityOpt: ['label:disable'] }), { allowSecurityOptions: ['label=disable'] }],
    ['a setting', host({ Sysctls: { 'vm.x': '1' } }), { allowSysctls: ['vm.x'] }],
    ['a runtime', host({ Runtime: 'runsc' }), { allowRuntimes: ['runsc'] }],
    ['a parent group', host({ CgroupParent: 'batch.slice' }), { allowCgroupParents: ['batch.slice'] }],
    ['sparing from OOM', host({ OomKillDisable: true, OomScoreAdj: -5 }), { allowOomTuning: true }],
    ['a storage option', host({ StorageOpt: { x: '1' } }), { allowStorageOptions: ['x'] }],
    ['annotations that begin so', host({ Annotations: { 'a.b': '1' } }), { allowAnnotations: ['a.'] }],
    ['a log driver', host({ LogConfig: { Type: 'syslog', Config: { a: 'b' } } }), { allowLogDrivers: ['syslog'] }],
    ["a container's namespaces", host({ PidMode: 'container:db' }), { allowContainerNamespaces: ['db'] }],
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

  it('does not let the settings of a shared namespace be changed', () => {
    const policy = parsePolicy({ allowHostNamespaces: ['network', 'ipc'] });
    const shared = host({ NetworkMode: 'host', IpcMode: 'host', Sysctls: { 'net.ipv4.x': '1', 'kernel.shmmax': '1' } });
    expect(violations(shared, policy)).toHaveLength(2);
  });

  it("knows the agent's own files, read-only, and nobody else's", () => {
    const policy = { ...strictPolicy, secretsPath: '/run/graphium' };
    expect(violations(bind('/run/graphium/k/a/web/h/0', { ReadOnly: true }), policy)).toEqual([]);
    expect(violations(bind('/run/graphium/k/a/web/h/0'), policy)).toHaveLength(1);
    expect(violations(bind('/run/graphium-2/x', { ReadOnly: true }), policy)).toHaveLength(1);
    expect(violations(bind('/run/graphium/../x', { ReadOnly: true }), policy)).toHaveLength(1);
    const wide = { ...parsePolicy({ allowBindMounts: ['/dev'] }), secretsPath: '/dev/shm/graphium' };
    expect(violations(bind('/dev/shm'), wide)).toEqual([expect.stringContaining('/dev/shm/graphium')]);
    expect(violations(bind('/dev/dri'), wide)).toEqual([]);
  });

  it("knows the engine's own socket, wherever it lies", () => {
    const socketPaths = ['/srv/engine/own.sock', '/data/real.sock'];
    const wide = { ...parsePolicy({ allowBindMounts: ['/srv', '/data'] }), socketPaths };
    expect(violations(bind('/srv'), wide)).toEqual([expect.stringContaining('access to /srv/engine/own.sock')]);
    expect(violations(bind('/srv/engine/own.sock'), wide)).toHaveLength(1);
    expect(violations(bind('/data/real.sock'), wide)).toHaveLength(1);
    expect(violations(bind('/srv/pictures'), wide)).toEqual([]);
    const named = { ...parsePolicy({ allowBindMounts: ['/srv', '/srv/engine/own.sock'] }), socketPaths };
    expect(violations(bind('/srv/engine/own.sock'), named)).toEqual([]);
  });

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
