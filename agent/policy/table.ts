/** Pure: every field that Docker may get, with its check. A field that is not listed here is refused. */

import { isRegistry, toImageName } from '../docker/shapes/image.ts';
import {
  annotation,
  bindString,
  type Check,
  device,
  each,
  fields,
  harmless,
  listed,
  logging,
  mountSource,
  namespace,
  networkOption,
  nothing,
  oomTuning,
  privileged,
  propagation,
  securityOption,
  storageOption,
  sysctlViolations,
  volumeDriver,
} from './checks.ts';
import { portBindings, ulimit } from './limits.ts';
import { type Policy, toCapability } from './schema.ts';
import { isPrivateSubnet } from './subnets.ts';

export function imageViolations(image: string, { registries }: Policy): string[] {
  if (!registries) return [];
  const { registry, repository } = toImageName(image);
  if (image.startsWith('sha256:') || /^[0-9a-f]+$/.test(image))
    return [`Image: ${image} may be an id, which names no registry`];
  // The engine would drop what stands before it, and take it for the registry.
  const [odd] = registry === 'docker.io' ? repository.split('/').slice(0, -1).filter(isRegistry) : [];
  if (odd !== undefined) return [`Image: ${image} has ${odd} where no registry can be`];
  return registries.includes(registry) ? [] : [`Image: registry ${registry} is not among those allowed`];
}

/** Checks the driver, because drivers other than bridge can put containers straight onto the host's own network. */
export const networkViolations = (driver: string, policy: Policy): string[] =>
  driver === 'bridge' || policy.allowNetworkDrivers.includes(driver)
    ? []
    : [`Driver: network driver ${driver} is not allowed`];

/** Checks a network that is joined after the creation: its name and the body's `EndpointConfig`. */
export const joinViolations = (network: string, endpoint: unknown, policy: Policy): string[] => [
  ...namespace('network')(network, policy, 'EndpointsConfig'),
  ...fields(endpointFields)(endpoint, policy, `EndpointsConfig.${network}`),
];

const image: Check = (value, policy) => imageViolations(String(value), policy);
/** What Docker gives every container: to take all away and give one of these back is less than to say nothing. */
const DEFAULT_CAPABILITIES = (
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD ' +
  'NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'
).split(' ');
const capability = listed(
  'capability',
  ({ allowCapabilities }) => [...DEFAULT_CAPABILITIES, ...allowCapabilities],
  toCapability,
);
const ipamDriver: Check = (value, policy, field) =>
  value === 'default' ? [] : listed('address manager', (p) => p.allowNetworkDrivers)(value, policy, field);

const subnet: Check = (value, { allowSubnets }, field) =>
  isPrivateSubnet(String(value)) || allowSubnets.includes(String(value))
    ? []
    : [`${field}: subnet ${value} is not private`];
/** The other addresses lie within the subnet, or Docker refuses them. */
const ipamConfig = fields({ Subnet: subnet, Gateway: harmless, IPRange: harmless, AuxiliaryAddresses: harmless });

const mountFields: Record<string, Check> = {
  Type: harmless,
  Source: harmless,
  Target: harmless,
  ReadOnly: harmless,
  VolumeOptions: fields({
    Labels: harmless,
    NoCopy: harmless,
    DriverConfig: volumeDriver({ driver: 'Name', options: 'Options' }),
  }),
  BindOptions: fields({ Propagation: propagation, CreateMountpoint: harmless }),
  TmpfsOptions: fields({ SizeBytes: harmless, Mode: harmless }),
};

const mount: Check = (value, policy, field) => [
  ...fields(mountFields)(value, policy, field),
  ...mountSource(value, policy, field),
];

const endpointFields: Record<string, Check> = {
  Aliases: harmless,
  IPAMConfig: fields({ IPv4Address: harmless, IPv6Address: harmless, LinkLocalIPs: harmless }),
  MacAddress: harmless,
  DriverOpts: networkOption,
};

const endpoints: Check = (value, policy) =>
  Object.entries((value ?? {}) as object).flatMap(([name, endpoint]) => joinViolations(name, endpoint, policy));

const hostFields: Record<string, Check> = {
  NetworkMode: namespace('network'),
  PidMode: namespace('pid'),
  IpcMode: namespace('ipc'),
  UTSMode: namespace('uts'),
  UsernsMode: namespace('user'),
  CgroupnsMode: namespace('cgroup'),
  Privileged: privileged,
  CapAdd: each(capability),
  CapDrop: harmless,
  Devices: each(device),
  DeviceCgroupRules: each(listed('device rule', ({ allowDeviceCgroupRules }) => allowDeviceCgroupRules)),
  DeviceRequests: nothing,
  SecurityOpt: each(securityOption),
  // `hostConfig` checks them together with the namespaces.
  Sysctls: harmless,
  VolumesFrom: nothing,
  VolumeDriver: (value, policy, field) =>
    volumeDriver({ driver: 'Name', options: 'Options' })({ Name: value }, policy, field),
  Binds: each(bindString),
  Mounts: each(mount),
  PortBindings: portBindings,
  RestartPolicy: harmless,
  Annotations: annotation,
  Init: harmless,
  ReadonlyRootfs: harmless,
  GroupAdd: harmless,
  Dns: harmless,
  DnsSearch: harmless,
  DnsOptions: harmless,
  ExtraHosts: harmless,
  LogConfig: logging,
  NanoCpus: harmless,
  Memory: harmless,
  MemoryReservation: harmless,
  MemorySwap: harmless,
  MemorySwappiness: harmless,
  CpuShares: harmless,
  CpuPeriod: harmless,
  CpuQuota: harmless,
  CpusetCpus: harmless,
  PidsLimit: harmless,
  BlkioWeight: harmless,
  ShmSize: harmless,
  Ulimits: each(ulimit),
  OomKillDisable: oomTuning,
  OomScoreAdj: oomTuning,
  CgroupParent: listed('parent group', ({ allowCgroupParents }) => allowCgroupParents),
  Runtime: listed('runtime', ({ allowRuntimes }) => allowRuntimes),
  StorageOpt: storageOption,
};

const hostConfig: Check = (value, policy, field) => [
  ...fields(hostFields)(value, policy, field),
  ...sysctlViolations(value, policy, field),
];

export const bodyFields: Record<string, Check> = {
  Image: image,
  Cmd: harmless,
  Entrypoint: harmless,
  Env: harmless,
  Labels: harmless,
  ExposedPorts: harmless,
  Healthcheck: harmless,
  Hostname: harmless,
  Domainname: harmless,
  User: harmless,
  WorkingDir: harmless,
  Tty: harmless,
  OpenStdin: harmless,
  StopSignal: harmless,
  StopTimeout: harmless,
  MacAddress: harmless,
  HostConfig: hostConfig,
  NetworkingConfig: fields({ EndpointsConfig: endpoints }),
};

export const networkFields: Record<string, Check> = {
  Name: harmless,
  Driver: (value, policy) => networkViolations(String(value), policy),
  CheckDuplicate: harmless,
  Labels: harmless,
  Options: networkOption,
  Internal: harmless,
  Attachable: harmless,
  EnableIPv6: harmless,
  IPAM: fields({ Driver: ipamDriver, Options: harmless, Config: each(ipamConfig) }),
};

export const volumeFields: Record<string, Check> = {
  Name: harmless,
  Driver: harmless,
  DriverOpts: harmless,
  Labels: harmless,
};
