import { describe, expect, it } from 'vitest';
import { lacking } from '../../../../../agent/docker/shapes/body.ts';
import { toEndpoints } from '../../../../../agent/docker/shapes/endpoints.ts';
import { type ContainerSpec, taskSpecs } from '../../../../../agent/docker/shapes/spec.ts';
import { parsePolicy, strictPolicy } from '../../../../../agent/policy/schema.ts';
import { violations } from '../../../../../agent/policy/violations.ts';
import { bodyOf, PLAIN, specOf } from '../../../../support/agent/specs.ts';

/** Every field there is. */
const everything: Required<ContainerSpec> = {
  ...PLAIN,
  command: ['x'],
  pullPolicy: 'always',
  platform: 'linux/amd64',
  entrypoint: ['/e'],
  files: [],
  annotations: { a: 'b' },
  expose: [{ port: 9, protocol: 'sctp' }],
  hostname: 'h',
  domainname: 'd',
  user: 'u',
  workingDir: '/w',
  tty: true,
  openStdin: true,
  init: true,
  readOnly: true,
  stopSignal: 'SIGINT',
  stopGraceMs: 1_001,
  shmBytes: 1,
  ulimits: [{ name: 'nofile', soft: 1, hard: 2 }],
  sysctls: { 'net.ipv4.x': '1' },
  dns: ['1.1.1.1'],
  dnsSearch: ['s'],
  dnsOptions: ['o'],
  extraHosts: ['h:1.2.3.4'],
  logging: { driver: 'syslog', options: { tag: 't' } },
  capAdd: ['NET_ADMIN'],
  capDrop: ['ALL'],
  securityOpt: ['label=disable'],
  devices: [{ source: '/dev/a', target: '/dev/b', permissions: 'rwm' }],
  deviceCgroupRules: ['c 1:3 mr'],
  privileged: true,
  pidMode: 'host',
  ipcMode: 'host',
  utsMode: 'host',
  usernsMode: 'host',
  cgroupMode: 'host',
  cgroupParent: 'p',
  groupAdd: ['1'],
  runtime: 'r',
  storageOptions: { size: '1G' },
  memoryReservationBytes: 2,
  memorySwapBytes: -1,
  memorySwappiness: 0,
  cpuShares: 3,
  cpuPeriodUs: 4,
  cpuQuotaUs: 5,
  cpuset: '0-1',
  pidsLimit: 6,
  blkioWeight: 10,
  oomKillDisable: true,
  oomScoreAdjust: -1,
};

describe('the body Docker gets', () => {
  it('carries every field', () => {
    expect(taskSpecs.DEPLOY.safeParse(specOf(everything)).success).toBe(true);
    const { HostConfig, Labels, Env, NetworkingConfig, Image, ...config } = bodyOf(everything);
    expect(config).toEqual({
      Cmd: ['x'],
      Entrypoint: ['/e'],
      ExposedPorts: { '9/sctp': {} },
      Hostname: 'h',
      Domainname: 'd',
      User: 'u',
      WorkingDir: '/w',
      Tty: true,
      OpenStdin: true,
      StopSignal: 'SIGINT',
      StopTimeout: 2,
    });
    expect(HostConfig).toEqual({
      NetworkMode: 'bridge',
      PortBindings: {},
      Mounts: [],
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
      Annotations: { a: 'b' },
      Init: true,
      ReadonlyRootfs: true,
      ShmSize: 1,
      Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }],
      Sysctls: { 'net.ipv4.x': '1' },
      Dns: ['1.1.1.1'],
      DnsSearch: ['s'],
      DnsOptions: ['o'],
      ExtraHosts: ['h:1.2.3.4'],
      LogConfig: { Type: 'syslog', Config: { tag: 't' } },
      CapAdd: ['NET_ADMIN'],
      CapDrop: ['ALL'],
      SecurityOpt: ['label=disable'],
      Devices: [{ PathOnHost: '/dev/a', PathInContainer: '/dev/b', CgroupPermissions: 'rwm' }],
      DeviceCgroupRules: ['c 1:3 mr'],
      Privileged: true,
      PidMode: 'host',
      IpcMode: 'host',
      UTSMode: 'host',
      UsernsMode: 'host',
      CgroupnsMode: 'host',
      CgroupParent: 'p',
      GroupAdd: ['1'],
      Runtime: 'r',
      StorageOpt: { size: '1G' },
      MemoryReservation: 2,
      MemorySwap: -1,
      MemorySwappiness: 0,
      CpuShares: 3,
      CpuPeriod: 4,
      CpuQuota: 5,
      CpusetCpus: '0-1',
      PidsLimit: 6,
      BlkioWeight: 10,
      OomKillDisable: true,
      OomScoreAdj: -1,
    });
  });

  it('has no field that the policy does not know', () => {
    const body = bodyOf({
      ...everything,
      networks: [{ name: 'n', aliases: ['a'], ipv4Address: '10.0.0.2', macAddress: 'x', driverOptions: { o: 'v' } }],
      mounts: [
        { type: 'bind', source: '/a', target: '/b', readOnly: true, propagation: 'shared', createHostPath: true },
      ],
    });
    const refused = violations(body, strictPolicy);
    expect(refused.filter((text) => text.includes('not a field'))).toEqual([]);
    expect(refused).toHaveLength(19);
    const open = parsePolicy({
      allowPrivileged: true,
      allowHostNamespaces: ['pid', 'ipc', 'uts', 'user', 'cgroup'],
      allowDevices: ['/dev'],
      allowDeviceCgroupRules: ['c 1:3 mr'],
      allowCapabilities: ['NET_ADMIN'],
      allowSecurityOptions: ['label:disable'],
      allowRuntimes: ['r'],
      allowCgroupParents: ['p'],
      allowOomTuning: true,
      allowAnnotations: ['a'],
      allowLogDrivers: ['syslog'],
      allowBindMounts: ['/a'],
      allowMountPropagation: ['shared'],
      allowNetworkOptions: ['o'],
    });
    expect(violations(body, open)).toEqual([]);
  });

  it('says what the engine is too old for', () => {
    const networks = ['a', 'b'].map((name) => ({ name, aliases: [], macAddress: '02:00:00:00:00:01' }));
    const spec = specOf({ annotations: { a: 'b' }, networks });
    expect(lacking(spec, '1.44')).toEqual([]);
    expect(lacking(spec, '1.43')).toEqual([expect.stringContaining('network b')]);
    expect(lacking(spec, '1.41')).toHaveLength(2);
    expect(bodyOf({ networks }, '1.41')).toMatchObject({ MacAddress: '02:00:00:00:00:01' });
    expect(bodyOf({ networks }, '1.44')).not.toHaveProperty('MacAddress');
    const check = { test: ['NONE'], intervalMs: 0, timeoutMs: 0, retries: 0, startPeriodMs: 0, startIntervalMs: 100 };
    expect(bodyOf({ healthCheck: check }, '1.44').Healthcheck).toMatchObject({ StartInterval: 1e8 });
    expect(bodyOf({ healthCheck: check }, '1.43').Healthcheck).not.toHaveProperty('StartInterval');
  });

  it('has addresses for networks', () => {
    const network = {
      name: 'n',
      aliases: [],
      ipv4Address: '10.0.0.2',
      ipv6Address: 'fd00::2',
      linkLocalIps: ['169.254.1.1'],
    };
    expect(
      toEndpoints({ ...PLAIN, networks: [{ ...network, macAddress: 'm', driverOptions: { o: 'v' } }] }, '1.44'),
    ).toEqual([
      [
        'n',
        {
          Aliases: [],
          IPAMConfig: { IPv4Address: '10.0.0.2', IPv6Address: 'fd00::2', LinkLocalIPs: ['169.254.1.1'] },
          MacAddress: 'm',
          DriverOpts: { o: 'v' },
        },
      ],
    ]);
  });
});

describe('specs', () => {
  it('say how a container is rolled out', () =>
    expect(
      taskSpecs.DEPLOY.safeParse(specOf({}, { order: 'start-first', monitorMs: 10, awaitExit: true })).success,
    ).toBe(true));
  it.each([
    ['a directory', '/etc/'],
    ['no absolute path', 'etc/x'],
    ['a path that climbs', '/a/../../etc/x'],
  ])('refuse %s as the place of a file', (_, target) => {
    const file = { kind: 'config' as const, name: 'k', target, mode: 0o400, uid: 0, gid: 0, digest: 'd', content: '' };
    expect(taskSpecs.DEPLOY.safeParse(specOf({ files: [file] })).success).toBe(false);
  });
});
