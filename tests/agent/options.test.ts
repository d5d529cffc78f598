import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerSpec } from '../../agent/docker/spec.ts';
import { parsePolicy } from '../../agent/policy.ts';
import { createHost, service } from './host.ts';

const host = createHost();
const { engine, up, fail, specOf, name, stack } = host;
const MiB = 1024 * 1024;

type Inspect = {
  Platform: string;
  Mounts: Record<string, unknown>[];
  Config: Record<string, unknown>;
  HostConfig: Record<string, unknown>;
  NetworkSettings: { Networks: Record<string, Record<string, unknown>> };
};
const inspect = async (id: string) => (await host.inspect(id)) as unknown as Inspect;
/** The lines that a container printed. */
const printed = async (id: string) => (await engine.logs(id, false)).join('\n');

beforeAll(async () => {
  await up('PULL', { version: 1, image: host.images.busybox, policy: 'missing' });
});
afterAll(() => rm(`/tmp/${stack}-made`, { recursive: true, force: true }));

/** Nothing that needs a policy. */
const harmless: Partial<ContainerSpec> = {
  entrypoint: ['sh', '-c'],
  command: [
    'trap "exit 0" TERM; hostname; id -u; id -g; pwd; ulimit -n; cat /proc/sys/net/ipv4/ip_default_ttl; cat /etc/hosts; while :; do sleep 1 & wait; done',
  ],
  expose: [{ port: 9000, protocol: 'udp' }],
  hostname: 'box',
  domainname: 'example.test',
  user: '1000:1001',
  workingDir: '/work',
  openStdin: true,
  init: false,
  readOnly: true,
  stopSignal: 'SIGTERM',
  stopGraceMs: 2_500,
  shmBytes: 16 * MiB,
  ulimits: [{ name: 'nofile', soft: 512, hard: 1024 }],
  sysctls: { 'net.ipv4.ip_default_ttl': '99' },
  dns: ['10.255.0.1'],
  dnsSearch: ['example.test'],
  dnsOptions: ['ndots:2'],
  extraHosts: ['other:10.1.2.3'],
  logging: { driver: 'json-file', options: { 'max-size': '1m' } },
  capDrop: ['ALL'],
  securityOpt: ['no-new-privileges:true'],
  groupAdd: ['1234'],
  memoryBytes: 64 * MiB,
  memoryReservationBytes: 32 * MiB,
  cpuShares: 512,
  cpuset: '0',
  pidsLimit: 100,
  oomScoreAdjust: 100,
  mounts: [
    { type: 'tmpfs', source: null, target: '/scratch', readOnly: false, sizeBytes: MiB, mode: 0o1770 },
    { type: 'volume', source: null, target: '/anonymous', readOnly: false },
    { type: 'volume', source: `${stack}_data`, target: '/data', readOnly: true, noCopy: true },
  ],
};

describe('options', () => {
  it('reach Docker and the process', async () => {
    const volumes = [{ name: `${stack}_data`, labels: { team: 'a' } }];
    const id = await up('DEPLOY', specOf(harmless, { volumes }));
    const { Config, HostConfig, Mounts } = await inspect(id);
    expect(Config).toMatchObject({
      Entrypoint: ['sh', '-c'],
      ExposedPorts: { '9000/udp': {} },
      Hostname: 'box',
      Domainname: 'example.test',
      User: '1000:1001',
      WorkingDir: '/work',
      OpenStdin: true,
      StopSignal: 'SIGTERM',
      StopTimeout: 3,
    });
    expect(HostConfig).toMatchObject({
      Init: false,
      ReadonlyRootfs: true,
      ShmSize: 16 * MiB,
      Ulimits: [{ Name: 'nofile', Soft: 512, Hard: 1024 }],
      Sysctls: { 'net.ipv4.ip_default_ttl': '99' },
      Dns: ['10.255.0.1'],
      DnsSearch: ['example.test'],
      DnsOptions: ['ndots:2'],
      ExtraHosts: ['other:10.1.2.3'],
      LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      GroupAdd: ['1234'],
      Memory: 64 * MiB,
      MemoryReservation: 32 * MiB,
      CpuShares: 512,
      CpusetCpus: '0',
      PidsLimit: 100,
      OomScoreAdj: 100,
    });
    expect(Mounts).toContainEqual(expect.objectContaining({ Type: 'volume', Name: `${stack}_data`, RW: false }));
    expect(Mounts).toContainEqual(expect.objectContaining({ Type: 'volume', Destination: '/anonymous' }));
    expect((HostConfig.Mounts as unknown[])[0]).toMatchObject({ TmpfsOptions: { SizeBytes: MiB, Mode: 0o1770 } });
    expect((await engine.findVolume(`${stack}_data`))?.Labels).toMatchObject({ team: 'a', 'graphium.stack': stack });
    const lines = (await printed(id)).split('\n');
    expect(lines.slice(0, 6)).toEqual(['box', '1000', '1001', '/work', '512', '99']);
    expect(lines.join('\n')).toContain('10.1.2.3\tother');
  });

  it('of the risky kind reach Docker where the host allows them', async () => {
    const risky: Partial<ContainerSpec> = {
      capAdd: ['NET_ADMIN'],
      securityOpt: ['seccomp=unconfined'],
      devices: [{ source: '/dev/null', target: '/dev/nothing', permissions: 'rw' }],
      deviceCgroupRules: ['c 1:3 mr'],
      pidMode: 'host',
      utsMode: 'host',
      ipcMode: 'private',
      oomScoreAdjust: -10,
      runtime: 'runc',
      logging: { options: { 'max-size': '1m' } },
      mounts: [
        { type: 'bind', source: '/dev/shm', target: '/shared', readOnly: true, propagation: 'private' },
        { type: 'bind', source: `/tmp/${stack}-made`, target: '/made', readOnly: false, createHostPath: true },
      ],
    };
    const policy = parsePolicy({
      allowCapabilities: ['NET_ADMIN'],
      allowSecurityOptions: ['seccomp:unconfined'],
      allowDevices: ['/dev/null'],
      allowDeviceCgroupRules: ['c 1:3 mr'],
      allowHostNamespaces: ['pid', 'uts'],
      allowOomTuning: true,
      allowRuntimes: ['runc'],
      allowBindMounts: ['/dev/shm', '/tmp'],
    });
    const refused = await fail('DEPLOY', specOf(risky));
    expect(refused).toMatchObject({ code: 'POLICY_DENIED', retryable: false });
    for (const field of [
      'CapAdd.0',
      'SecurityOpt.0',
      'Devices.0',
      'DeviceCgroupRules.0',
      'PidMode',
      'Runtime',
      'OomScoreAdj',
    ])
      expect(refused.message).toContain(`HostConfig.${field}`);
    const id = await up('DEPLOY', specOf(risky), { policy });
    const { HostConfig, Mounts } = await inspect(id);
    expect(HostConfig).toMatchObject({
      CapAdd: ['NET_ADMIN'],
      SecurityOpt: ['seccomp=unconfined'],
      Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/nothing', CgroupPermissions: 'rw' }],
      DeviceCgroupRules: ['c 1:3 mr'],
      PidMode: 'host',
      UTSMode: 'host',
      IpcMode: 'private',
      OomScoreAdj: -10,
      Runtime: 'runc',
    });
    expect(Mounts).toContainEqual(expect.objectContaining({ Source: '/dev/shm', Propagation: 'private', RW: false }));
    expect(Mounts).toContainEqual(expect.objectContaining({ Source: `/tmp/${stack}-made`, RW: true }));
  });

  it('that this engine does not have are refused by name', async () => {
    if (engine.apiVersion() !== '1.41') return;
    const refused = await fail('DEPLOY', specOf({ annotations: { 'com.example.a': 'b' } }));
    expect(refused).toMatchObject({ code: 'ENGINE_TOO_OLD', message: expect.stringContaining('annotations') });
    const check = { test: ['CMD', 'true'], intervalMs: 1_000, timeoutMs: 0, retries: 0, startPeriodMs: 0 };
    const id = await up('DEPLOY', specOf({ healthCheck: { ...check, startIntervalMs: 100 } }));
    expect((await inspect(id)).Config.Healthcheck).toMatchObject({ Test: ['CMD', 'true'], Interval: 1e9 });
  });

  it('name a platform', async () => {
    const { arch } = await engine.facts();
    const id = await up('DEPLOY', specOf({ platform: `linux/${arch}` }));
    expect((await inspect(id)).Platform).toBe('linux');
    expect(await engine.hasImage(host.images.busybox, 'linux/s390x')).toBe(false);
    const other = specOf({ name: name('other'), platform: 'linux/s390x', pullPolicy: 'never' });
    expect(await fail('DEPLOY', other)).toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });
});

describe('networks', () => {
  const net = host.network({
    subnet: null,
    ipam: { configs: [{ subnet: '10.213.7.0/24', auxAddresses: { router: '10.213.7.2' } }] },
  });
  const back = host.network({
    name: `${stack}_back`,
    internal: true,
    attachable: true,
    driverOptions: { 'com.docker.network.driver.mtu': '1400' },
    ipam: { configs: [{ subnet: '10.213.8.0/24', gateway: '10.213.8.254' }] },
  });
  const attached = [
    { name: net.name, aliases: ['web'], ipv4Address: '10.213.7.77', macAddress: '02:42:0a:d5:07:4d' },
    { name: back.name, aliases: ['inner'], ipv4Address: '10.213.8.88', linkLocalIps: ['169.254.8.8'] },
  ];

  it('have addresses, options and isolation as asked, and stay as they are on a second deploy', async () => {
    const spec = specOf({ networks: attached }, { networks: [net, back] });
    const id = await up('DEPLOY', spec);
    const { Networks } = (await inspect(id)).NetworkSettings;
    expect(Networks[net.name]).toMatchObject({ IPAddress: '10.213.7.77', MacAddress: '02:42:0a:d5:07:4d' });
    expect(Networks[back.name]).toMatchObject({ IPAddress: '10.213.8.88', Aliases: expect.arrayContaining(['inner']) });
    expect(Networks[back.name]?.IPAMConfig).toMatchObject({ LinkLocalIPs: ['169.254.8.8'] });
    const [made] = await engine.networksNamed(back.name);
    expect(made).toMatchObject({
      Internal: true,
      Attachable: true,
      Options: { 'com.docker.network.driver.mtu': '1400' },
      IPAM: { Config: [{ Subnet: '10.213.8.0/24', Gateway: '10.213.8.254' }] },
    });
    engine.once.forgetAll();
    await up(
      'DEPLOY',
      specOf({ name: name('second'), networks: [{ name: back.name, aliases: [] }] }, { networks: [back] }),
    );
    expect((await engine.networksNamed(back.name))[0]?.Id).toBe(made?.Id);
  });

  it('are made anew when something else is asked, unless they are in use', async () => {
    const spec = (networks: (typeof net)[], service: string) =>
      specOf({ name: name(service), networks: [{ name: back.name, aliases: [] }] }, { networks });
    await up('DEPLOY', spec([back], 'a'));
    const open = { ...back, internal: false };
    expect(await fail('DEPLOY', spec([open], 'b'))).toMatchObject({ code: 'NETWORK_CONFLICT' });
    await engine.removeContainer(name('a'));
    await up('DEPLOY', spec([open], 'b'));
    expect(await engine.networksNamed(back.name)).toMatchObject([{ Internal: false }]);
  });

  it('of others must be there, and are left as they are', async () => {
    const external = { ...host.network({ name: `${stack}-theirs` }), external: true };
    const spec = specOf({ networks: [{ name: external.name, aliases: [] }] }, { networks: [external] });
    expect(await fail('DEPLOY', spec)).toMatchObject({
      code: 'NETWORK_MISSING',
      message: expect.stringContaining(external.name),
      retryable: false,
    });
    const id = await engine.createNetwork({ Name: external.name });
    try {
      await up('DEPLOY', spec);
      await up('DELETE', { version: 1 });
      await up('CLEAN', { version: 1, networks: [], volumes: [] });
      expect(await engine.networksNamed(external.name)).toMatchObject([{ Id: id, Labels: {} }]);
    } finally {
      await engine.removeNetwork(id);
    }
  });

  it("do not lead around the rule on the host's network", async () => {
    const external = { ...host.network({ name: 'host' }), external: true };
    const alone = specOf({ networks: [{ name: 'host', aliases: [] }] }, { networks: [external] });
    expect(await fail('DEPLOY', alone)).toMatchObject({ code: 'POLICY_DENIED' });
    const second = specOf(
      {
        networks: [
          { name: net.name, aliases: [] },
          { name: 'host', aliases: [] },
        ],
      },
      { networks: [net, external] },
    );
    expect(await fail('DEPLOY', second)).toMatchObject({ code: 'POLICY_DENIED' });
    const lan = host.network({ driverOptions: { 'com.docker.network.bridge.name': 'docker0' } });
    const onLan = specOf({ networks: [{ name: lan.name, aliases: [] }] }, { networks: [lan] });
    expect(await fail('DEPLOY', onLan)).toMatchObject({
      code: 'POLICY_DENIED',
      message: expect.stringContaining('bridge.name'),
    });
    expect(await engine.networksNamed(lan.name)).toEqual([]);
  });
});

describe('volumes', () => {
  const data = `${stack}_data`;
  const mounts: ContainerSpec['mounts'] = [{ type: 'volume', source: data, target: '/data', readOnly: false }];
  const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' };

  it('have drivers and options where the host allows it, and never lose data to a change of them', async () => {
    const spec = specOf({ mounts }, { volumes: [{ name: data, driver: 'local', driverOptions: options }] });
    expect(await fail('DEPLOY', spec)).toMatchObject({ code: 'POLICY_DENIED' });
    const policy = parsePolicy({ allowVolumeDriverOptions: true });
    await up('DEPLOY', spec, { policy });
    expect(await engine.findVolume(data)).toMatchObject({ Driver: 'local', Options: options });
    const changed = { name: data, driver: 'local', driverOptions: { ...options, o: 'size=2m' } };
    const refused = await fail('DEPLOY', specOf({ mounts, command: [...service, 'x'] }, { volumes: [changed] }), {
      policy,
    });
    expect(refused).toMatchObject({ code: 'VOLUME_CONFLICT', retryable: false });
  });

  it('of others must be there, and are left as they are', async () => {
    const theirs = `${stack}-theirs`;
    const spec = specOf(
      { mounts: [{ type: 'volume', source: theirs, target: '/data', readOnly: false }] },
      { volumes: [{ name: theirs, external: true }] },
    );
    expect(await fail('DEPLOY', spec)).toMatchObject({ code: 'VOLUME_MISSING', retryable: false });
    await engine.createVolume({ Name: theirs, Labels: {} });
    try {
      await up('DEPLOY', spec);
      await up('DELETE', { version: 1 });
      await up('CLEAN', { version: 1, networks: [], volumes: [theirs] });
      expect((await engine.findVolume(theirs))?.Labels ?? {}).toEqual({});
    } finally {
      await engine.removeVolume(theirs);
    }
  });
});
