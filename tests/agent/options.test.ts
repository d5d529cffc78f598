import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerSpec } from '../../agent/docker/shapes/spec.ts';
import { parsePolicy } from '../../agent/policy/schema.ts';
import { createHost } from '../support/agent/host.ts';

const host = createHost();
const { engine, run, up, fail, specOf, name, stack } = host;
const MiB = 1024 * 1024;

type Inspect = {
  Platform: string;
  Mounts: Record<string, unknown>[];
  Config: Record<string, unknown>;
  HostConfig: Record<string, unknown>;
};
const inspect = (id: string) => host.inspect<Inspect>(id);
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
      utsMode: 'host',
      ipcMode: 'host',
      oomKillDisable: false,
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
      allowHostNamespaces: ['ipc', 'uts'],
      allowRuntimes: ['runc'],
      allowBindMounts: ['/dev/shm', '/tmp'],
    });
    const refused = await fail('DEPLOY', specOf(risky));
    expect(refused).toMatchObject({ code: 'POLICY_DENIED', retryable: false });
    for (const field of ['CapAdd.0', 'SecurityOpt.0', 'Devices.0', 'DeviceCgroupRules.0', 'IpcMode', 'Runtime'])
      expect(refused.message).toContain(`HostConfig.${field}`);
    const id = await up('DEPLOY', specOf(risky), { policy });
    const { HostConfig, Mounts } = await inspect(id);
    expect(HostConfig).toMatchObject({
      CapAdd: ['NET_ADMIN'],
      SecurityOpt: expect.arrayContaining(['seccomp=unconfined']),
      Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/nothing', CgroupPermissions: 'rw' }],
      DeviceCgroupRules: ['c 1:3 mr'],
      UTSMode: 'host',
      IpcMode: 'host',
      Runtime: 'runc',
    });
    expect(Mounts).toContainEqual(expect.objectContaining({ Source: '/dev/shm', Propagation: 'private', RW: false }));
    expect(Mounts).toContainEqual(expect.objectContaining({ Source: `/tmp/${stack}-made`, RW: true }));
  });

  it('that this engine does not have are refused by name', async () => {
    const policy = parsePolicy({ allowAnnotations: ['com.example.'] });
    const outcome = await run('DEPLOY', specOf({ annotations: { 'com.example.a': 'b' } }), { policy });
    const error = { code: 'ENGINE_TOO_OLD', message: expect.stringContaining('annotations') };
    const isOld = Number(engine.apiVersion().split('.')[1]) < 43;
    expect(outcome).toMatchObject(isOld ? { status: 'FAILED', error } : { status: 'COMPLETED' });
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
    expect(await fail('DEPLOY', other)).toMatchObject({ code: 'IMAGE_MISSING' });
  });
});
