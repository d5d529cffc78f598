/** Pure: turns a container's spec into the body of `POST /containers/create`, as the engine's API version words it. */

import { ENDPOINT_MACS_FROM, type Endpoint, toEndpoints } from './endpoints.ts';
import { given, isEmpty } from './given.ts';
import { type Owner, toLabels } from './labels.ts';
import { type MountBody, toMounts } from './mounts.ts';
import type { ContainerSpec, DeploySpec, FileSpec } from './spec.ts';
import { isLower } from './version.ts';

/** Declares only what this file can make. */
export type ContainerBody = {
  Image: string;
  Cmd?: string[];
  Entrypoint?: string[];
  Env: string[];
  Labels: Record<string, string>;
  ExposedPorts: Record<string, Record<string, never>>;
  Healthcheck?: HealthcheckBody;
  Hostname?: string;
  Domainname?: string;
  User?: string;
  WorkingDir?: string;
  Tty?: boolean;
  OpenStdin?: boolean;
  StopSignal?: string;
  /** In whole seconds. */
  StopTimeout?: number;
  /** The address in the first network. From API 1.44 on it belongs to the network's endpoint instead. */
  MacAddress?: string;
  HostConfig: HostBody;
  NetworkingConfig?: { EndpointsConfig: Record<string, Endpoint> };
};

type HealthcheckBody = {
  Test: string[];
  Interval: number;
  Timeout: number;
  Retries: number;
  StartPeriod: number;
  StartInterval?: number;
};

export type HostBody = Resources & {
  NetworkMode: string;
  PortBindings: Record<string, { HostIp: string; HostPort: string }[]>;
  Mounts: MountBody[];
  /** Only the mounts that `Mounts` cannot express to an old engine. */
  Binds?: string[];
  RestartPolicy: { Name: string; MaximumRetryCount: number };
  Annotations?: Record<string, string>;
  Init?: boolean;
  ReadonlyRootfs?: boolean;
  GroupAdd?: string[];
  Dns?: string[];
  DnsSearch?: string[];
  DnsOptions?: string[];
  ExtraHosts?: string[];
  /** An empty type selects the engine's own default. */
  LogConfig?: { Type: string; Config: Record<string, string> };
};

type Resources = {
  NanoCpus?: number;
  Memory?: number;
  MemoryReservation?: number;
  MemorySwap?: number;
  MemorySwappiness?: number;
  CpuShares?: number;
  CpuPeriod?: number;
  CpuQuota?: number;
  CpusetCpus?: string;
  PidsLimit?: number;
  BlkioWeight?: number;
  OomKillDisable?: boolean;
  OomScoreAdj?: number;
  ShmSize?: number;
  Ulimits?: { Name: string; Soft: number; Hard: number }[];
  Sysctls?: Record<string, string>;
  CapAdd?: string[];
  CapDrop?: string[];
  SecurityOpt?: string[];
  Devices?: { PathOnHost: string; PathInContainer: string; CgroupPermissions: string }[];
  DeviceCgroupRules?: string[];
  Privileged?: boolean;
  PidMode?: string;
  IpcMode?: string;
  UTSMode?: string;
  UsernsMode?: string;
  CgroupnsMode?: string;
  CgroupParent?: string;
  Runtime?: string;
  StorageOpt?: Record<string, string>;
};

/** What the host adds: the version of its engine's API, and its own files that the container sees. */
export type Host = { apiVersion: string; files: { file: FileSpec; path: string }[] };

const NS_PER_MS = 1e6;
const ANNOTATIONS_FROM = '1.43';
const START_INTERVAL_FROM = '1.44';

export function toContainerBody(deploy: DeploySpec, owner: Owner, host: Host): ContainerBody {
  const { container } = deploy;
  const [first] = toEndpoints(container, host.apiVersion);
  return given({
    Image: container.image,
    Cmd: container.command ?? undefined,
    Entrypoint: container.entrypoint,
    Env: Object.entries(container.environment).map(([name, value]) => `${name}=${value}`),
    Labels: toLabels(deploy, owner),
    ExposedPorts: toExposedPorts(container),
    Healthcheck: toHealthcheck(container.healthCheck, host.apiVersion),
    Hostname: container.hostname,
    Domainname: container.domainname,
    User: container.user,
    WorkingDir: container.workingDir,
    Tty: container.tty,
    OpenStdin: container.openStdin,
    StopSignal: container.stopSignal,
    StopTimeout: container.stopGraceMs === undefined ? undefined : Math.ceil(container.stopGraceMs / 1_000),
    MacAddress: isLower(host.apiVersion, ENDPOINT_MACS_FROM) && first ? container.networks[0]?.macAddress : undefined,
    HostConfig: {
      NetworkMode: first?.[0] ?? container.networkMode,
      PortBindings: toPortBindings(container.ports),
      ...toMounts(deploy, owner, host),
      RestartPolicy: {
        Name: container.restart.name,
        MaximumRetryCount: container.restart.name === 'on-failure' ? container.restart.maximumRetryCount : 0,
      },
      ...toSurroundings(container),
      ...toResources(container),
      ...toRights(container),
    },
    NetworkingConfig: first && { EndpointsConfig: Object.fromEntries([first]) },
  });
}

/** Lists what an engine of this version cannot do for the container. */
export function lacking({ container }: DeploySpec, apiVersion: string): string[] {
  const before = (version: string) => isLower(apiVersion, version);
  const [, ...further] = container.networks;
  const found: string[] = [];
  const say = (what: string, version: string) =>
    found.push(`${what} (needs API ${version}, this engine has ${apiVersion})`);
  if (before(ANNOTATIONS_FROM) && !isEmpty(container.annotations)) say('annotations', ANNOTATIONS_FROM);
  if (before(ENDPOINT_MACS_FROM) && container.networkMode === 'bridge')
    for (const { name, macAddress } of further)
      if (macAddress) say(`a MAC address in network ${name}`, ENDPOINT_MACS_FROM);
  return found;
}

const toExposedPorts = ({ ports, expose = [] }: ContainerSpec): ContainerBody['ExposedPorts'] =>
  Object.fromEntries(
    [...ports.map(({ containerPort, protocol }) => ({ port: containerPort, protocol })), ...expose].map(
      ({ port, protocol }) => [`${port}/${protocol}`, {}],
    ),
  );

function toPortBindings(ports: ContainerSpec['ports']): HostBody['PortBindings'] {
  const bindings: HostBody['PortBindings'] = {};
  for (const { containerPort, protocol, hostIp, hostPort } of ports) {
    const key = `${containerPort}/${protocol}`;
    bindings[key] = [...(bindings[key] ?? []), { HostIp: hostIp ?? '', HostPort: hostPort ? String(hostPort) : '' }];
  }
  return bindings;
}

/** An engine without start intervals uses the ordinary interval during the start. It is slower, but the result is the same. */
function toHealthcheck(check: ContainerSpec['healthCheck'], apiVersion: string): HealthcheckBody | undefined {
  if (!check) return undefined;
  const { startIntervalMs } = check;
  const knowsStart = startIntervalMs !== undefined && !isLower(apiVersion, START_INTERVAL_FROM);
  return {
    Test: check.test,
    Interval: check.intervalMs * NS_PER_MS,
    Timeout: check.timeoutMs * NS_PER_MS,
    Retries: check.retries,
    StartPeriod: check.startPeriodMs * NS_PER_MS,
    ...(knowsStart && { StartInterval: startIntervalMs * NS_PER_MS }),
  };
}

const toSurroundings = (container: ContainerSpec): Partial<HostBody> =>
  given({
    Annotations: container.annotations,
    Init: container.init,
    ReadonlyRootfs: container.readOnly,
    GroupAdd: container.groupAdd,
    Dns: container.dns,
    DnsSearch: container.dnsSearch,
    DnsOptions: container.dnsOptions,
    ExtraHosts: container.extraHosts,
    LogConfig: container.logging && { Type: container.logging.driver ?? '', Config: container.logging.options },
  });

const toResources = (container: ContainerSpec): Resources =>
  given({
    NanoCpus: container.nanoCpus ?? undefined,
    Memory: container.memoryBytes ?? undefined,
    MemoryReservation: container.memoryReservationBytes,
    MemorySwap: container.memorySwapBytes,
    MemorySwappiness: container.memorySwappiness,
    CpuShares: container.cpuShares,
    CpuPeriod: container.cpuPeriodUs,
    CpuQuota: container.cpuQuotaUs,
    CpusetCpus: container.cpuset,
    PidsLimit: container.pidsLimit,
    BlkioWeight: container.blkioWeight,
    OomKillDisable: container.oomKillDisable,
    OomScoreAdj: container.oomScoreAdjust,
    ShmSize: container.shmBytes,
    Ulimits: container.ulimits?.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
  });

const toRights = (container: ContainerSpec): Resources =>
  given({
    Sysctls: container.sysctls,
    CapAdd: container.capAdd,
    CapDrop: container.capDrop,
    SecurityOpt: container.securityOpt,
    Devices: container.devices?.map(({ source, target, permissions }) => ({
      PathOnHost: source,
      PathInContainer: target,
      CgroupPermissions: permissions,
    })),
    DeviceCgroupRules: container.deviceCgroupRules,
    Privileged: container.privileged,
    PidMode: container.pidMode,
    IpcMode: container.ipcMode,
    UTSMode: container.utsMode,
    UsernsMode: container.usernsMode,
    CgroupnsMode: container.cgroupMode,
    CgroupParent: container.cgroupParent,
    Runtime: container.runtime,
    StorageOpt: container.storageOptions,
  });
