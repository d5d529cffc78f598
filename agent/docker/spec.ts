/**
 * The tasks' specs as they arrive (the agent's own copy of `server/stacks/spec.ts`, and as strict as that: a field that is
 * not known here is refused, never dropped), and the pure conversion of a container's spec to what Docker is sent.
 */
import { z } from 'zod';
import type { Identity } from './observe.ts';

const label = z.record(z.string(), z.string());
const port = z.int().min(0).max(65_535);
/** As Docker restricts the names of containers, networks and volumes; safe in a URL's path. */
export const dockerName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/);

const containerSpec = z.strictObject({
  name: dockerName,
  service: z.string(),
  replica: z.int().min(1),
  image: z.string().min(1),
  command: z.array(z.string()).nullable(),
  environment: label,
  labels: label,
  ports: z.array(
    z.strictObject({
      containerPort: port.min(1),
      hostPort: port.nullable(),
      hostIp: z.string().nullable(),
      protocol: z.enum(['tcp', 'udp', 'sctp']),
    }),
  ),
  mounts: z.array(
    z.strictObject({
      type: z.enum(['volume', 'bind', 'tmpfs']),
      source: z.string().nullable(),
      target: z.string().startsWith('/'),
      readOnly: z.boolean(),
    }),
  ),
  networkMode: z.enum(['bridge', 'host', 'none']),
  networks: z.array(z.strictObject({ name: dockerName, aliases: z.array(z.string()) })),
  restart: z.strictObject({
    name: z.enum(['no', 'always', 'unless-stopped', 'on-failure']),
    maximumRetryCount: z.int().min(0),
  }),
  nanoCpus: z.int().min(0).nullable(),
  memoryBytes: z.int().min(0).nullable(),
  healthCheck: z
    .strictObject({
      test: z.array(z.string()).min(1),
      intervalMs: z.number().min(0),
      timeoutMs: z.number().min(0),
      retries: z.int().min(0),
      startPeriodMs: z.number().min(0),
    })
    .nullable(),
});

const networkSpec = z.strictObject({
  name: dockerName,
  driver: z.string(),
  subnet: z.string().nullable(),
  gateway: z.string().nullable(),
  ipRange: z.string().nullable(),
  labels: label,
});

const volumeSpec = z.strictObject({ name: dockerName });
const version = z.literal(1);

const deploySpec = z.strictObject({
  version,
  revision: z.int(),
  specHash: z.string().min(1),
  container: containerSpec,
  networks: z.array(networkSpec),
  volumes: z.array(volumeSpec),
});

export type ContainerSpec = z.infer<typeof containerSpec>;
export type RestartSpec = ContainerSpec['restart'];
export type NetworkSpec = z.infer<typeof networkSpec>;
export type DeploySpec = z.infer<typeof deploySpec>;

export const taskSpecs = {
  PULL: z.strictObject({ version, image: z.string().min(1), policy: z.enum(['missing', 'always']) }),
  DEPLOY: deploySpec,
  START: deploySpec,
  RESTART: deploySpec,
  STOP: z.strictObject({ version }),
  DELETE: z.strictObject({ version }),
  CLEAN: z.strictObject({ version, networks: z.array(dockerName), volumes: z.array(dockerName) }),
};

// --- conversions ---

export type Labels = Record<string, string>;
export type Endpoint = { Aliases: string[] };

/** Body of `POST /containers/create`; nothing but what this file can make. */
export type ContainerBody = {
  Image: string;
  Cmd?: string[];
  Env: string[];
  Labels: Labels;
  ExposedPorts: Record<string, Record<string, never>>;
  Healthcheck?: { Test: string[]; Interval: number; Timeout: number; Retries: number; StartPeriod: number };
  HostConfig: {
    NetworkMode: string;
    PortBindings: Record<string, { HostIp: string; HostPort: string }[]>;
    Mounts: MountBody[];
    RestartPolicy: { Name: string; MaximumRetryCount: number };
    NanoCpus?: number;
    Memory?: number;
  };
  NetworkingConfig?: { EndpointsConfig: Record<string, Endpoint> };
};

export type MountBody = {
  Type: 'volume' | 'bind' | 'tmpfs';
  Source?: string;
  Target: string;
  ReadOnly: boolean;
  VolumeOptions?: { Labels: Labels };
};

export type Owner = Identity & { stack: string; taskId: string };

/** What marks networks and volumes as ours; agents of one cluster may share them on one engine. */
export const stackLabels = ({ clusterId, agentName, stack }: Omit<Owner, 'taskId'>): Labels => ({
  'graphium.cluster': clusterId,
  'graphium.agent': agentName,
  'graphium.stack': stack,
  'com.docker.compose.project': stack,
});

const nsPerMs = 1e6;

export function toContainerBody({ container, revision, specHash }: DeploySpec, owner: Owner): ContainerBody {
  const [first] = toEndpoints(container);
  const check = container.healthCheck;
  return {
    Image: container.image,
    ...(container.command && { Cmd: container.command }),
    Env: Object.entries(container.environment).map(([name, value]) => `${name}=${value}`),
    Labels: {
      ...container.labels,
      ...stackLabels(owner),
      'graphium.service': container.service,
      'graphium.replica': String(container.replica),
      'graphium.revision': String(revision),
      'graphium.spec': specHash,
      'graphium.task': owner.taskId,
      'com.docker.compose.service': container.service,
      'com.docker.compose.container-number': String(container.replica),
    },
    ExposedPorts: Object.fromEntries(container.ports.map((p) => [`${p.containerPort}/${p.protocol}`, {}])),
    ...(check && {
      Healthcheck: {
        Test: check.test,
        Interval: check.intervalMs * nsPerMs,
        Timeout: check.timeoutMs * nsPerMs,
        Retries: check.retries,
        StartPeriod: check.startPeriodMs * nsPerMs,
      },
    }),
    HostConfig: {
      NetworkMode: first?.[0] ?? container.networkMode,
      PortBindings: toPortBindings(container.ports),
      Mounts: container.mounts.map((mount) => toMount(mount, stackLabels(owner))),
      RestartPolicy: {
        Name: container.restart.name,
        MaximumRetryCount: container.restart.name === 'on-failure' ? container.restart.maximumRetryCount : 0,
      },
      ...(container.nanoCpus !== null && { NanoCpus: container.nanoCpus }),
      ...(container.memoryBytes !== null && { Memory: container.memoryBytes }),
    },
    ...(first && { NetworkingConfig: { EndpointsConfig: Object.fromEntries([first]) } }),
  };
}

/** The networks to join, by name. Before API 1.44 only one can be named at creation; the others are joined before the start. */
export const toEndpoints = ({ networkMode, networks }: ContainerSpec): [string, Endpoint][] =>
  networkMode === 'bridge' ? networks.map(({ name, aliases }) => [name, { Aliases: aliases }]) : [];

function toPortBindings(ports: ContainerSpec['ports']): ContainerBody['HostConfig']['PortBindings'] {
  const bindings: ContainerBody['HostConfig']['PortBindings'] = {};
  for (const { containerPort, protocol, hostIp, hostPort } of ports) {
    const key = `${containerPort}/${protocol}`;
    bindings[key] = [...(bindings[key] ?? []), { HostIp: hostIp ?? '', HostPort: hostPort ? String(hostPort) : '' }];
  }
  return bindings;
}

/** A volume that vanished in between is made again by Docker, with these labels. */
function toMount({ type, source, target, readOnly }: ContainerSpec['mounts'][number], labels: Labels): MountBody {
  const mount: MountBody = { Type: type, Target: target, ReadOnly: readOnly };
  if (source !== null && type !== 'tmpfs') mount.Source = source;
  if (source !== null && type === 'volume') mount.VolumeOptions = { Labels: labels };
  return mount;
}

/** Body of `POST /networks/create`. */
export function toNetworkBody(network: NetworkSpec, owner: Owner) {
  const { subnet, gateway, ipRange } = network;
  const config = {
    ...(subnet && { Subnet: subnet }),
    ...(gateway && { Gateway: gateway }),
    ...(ipRange && { IPRange: ipRange }),
  };
  return {
    Name: network.name,
    Driver: network.driver,
    CheckDuplicate: true,
    Labels: { ...network.labels, ...stackLabels(owner) },
    ...(Object.keys(config).length > 0 && { IPAM: { Config: [config] } }),
  };
}
