/**
 * Pure: the shape in which the specs of tasks arrive. It is the agent's own copy of `server/spec/spec.ts` and just as
 * strict: an unknown field is refused, never dropped. `body.ts` and `parts.ts` turn specs into what Docker is sent.
 */
import { z } from 'zod';

const texts = z.record(z.string(), z.string());
const port = z.int().min(0).max(65_535);
const protocol = z.enum(['tcp', 'udp', 'sctp']);
const bytes = z.int().min(0);
const ms = z.number().min(0);
/** Docker restricts the names of containers, networks and volumes in this way. They are safe in a URL's path. */
export const dockerName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/);
const permissionBits = z.int().min(0).max(0o7777);
/** The highest number is left out, because it means "leave it as it is" to the kernel. */
const ownerId = z
  .int()
  .min(0)
  .max(2 ** 32 - 2);
/** Has the form os/arch[/variant]. */
const platform = z.string().min(1);

const mountFields = z.strictObject({
  type: z.enum(['volume', 'bind', 'tmpfs']),
  source: z.string().nullable(),
  target: z.string().startsWith('/'),
  readOnly: z.boolean(),
  noCopy: z.boolean().optional(),
  propagation: z.enum(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']).optional(),
  createHostPath: z.boolean().optional(),
  sizeBytes: bytes.optional(),
  mode: permissionBits.optional(),
});

/** Older engines take a bind of what is no path for a volume of that name. */
const mountSpec = mountFields.refine(
  ({ type, source }) => type !== 'bind' || source?.startsWith('/') === true,
  'a bind mount of an absolute path is wanted',
);

const fileSpec = z.strictObject({
  kind: z.enum(['config', 'secret']),
  name: z.string(),
  target: z
    .string()
    .regex(/^\/.*[^/]$/, 'an absolute path of a file is wanted')
    .refine((path) => !path.includes('\0') && !path.split('/').includes('..'), 'a path without ".." is wanted'),
  mode: permissionBits,
  uid: ownerId,
  gid: ownerId,
  digest: z.string(),
  content: z.string(),
});

const healthCheckSpec = z.strictObject({
  test: z.array(z.string()).min(1),
  intervalMs: ms,
  timeoutMs: ms,
  retries: z.int().min(0),
  startPeriodMs: ms,
  startIntervalMs: ms.optional(),
});

const attachmentSpec = z.strictObject({
  name: dockerName,
  aliases: z.array(z.string()),
  ipv4Address: z.string().optional(),
  ipv6Address: z.string().optional(),
  linkLocalIps: z.array(z.string()).optional(),
  macAddress: z.string().optional(),
  driverOptions: texts.optional(),
});

/** The fields that every container has. */
const plain = {
  name: dockerName,
  service: z.string(),
  replica: z.int().min(1),
  image: z.string().min(1),
  command: z.array(z.string()).nullable(),
  environment: texts,
  labels: texts,
  ports: z.array(
    z.strictObject({
      containerPort: port.min(1),
      hostPort: port.nullable(),
      hostIp: z.string().nullable(),
      protocol,
    }),
  ),
  mounts: z.array(mountSpec),
  networkMode: z.enum(['bridge', 'host', 'none']),
  networks: z.array(attachmentSpec),
  restart: z.strictObject({
    name: z.enum(['no', 'always', 'unless-stopped', 'on-failure']),
    maximumRetryCount: z.int().min(0),
  }),
  nanoCpus: z.int().min(0).nullable(),
  memoryBytes: bytes.nullable(),
  healthCheck: healthCheckSpec.nullable(),
};

/** The fields about its process and what that sees. */
const insides = {
  pullPolicy: z.enum(['always', 'never']).optional(),
  platform: platform.optional(),
  entrypoint: z.array(z.string()).optional(),
  files: z.array(fileSpec).optional(),
  annotations: texts.optional(),
  expose: z.array(z.strictObject({ port: port.min(1), protocol })).optional(),
  hostname: z.string().optional(),
  domainname: z.string().optional(),
  user: z.string().optional(),
  workingDir: z.string().optional(),
  tty: z.boolean().optional(),
  openStdin: z.boolean().optional(),
  init: z.boolean().optional(),
  readOnly: z.boolean().optional(),
  stopSignal: z.string().optional(),
  stopGraceMs: ms.optional(),
  dns: z.array(z.string()).optional(),
  dnsSearch: z.array(z.string()).optional(),
  dnsOptions: z.array(z.string()).optional(),
  extraHosts: z.array(z.string()).optional(),
  logging: z.strictObject({ driver: z.string().optional(), options: texts }).optional(),
  groupAdd: z.array(z.string()).optional(),
};

/** The fields about what it may take from its host. */
const resources = {
  shmBytes: bytes.optional(),
  ulimits: z.array(z.strictObject({ name: z.string(), soft: z.int(), hard: z.int() })).optional(),
  sysctls: texts.optional(),
  capAdd: z.array(z.string()).optional(),
  capDrop: z.array(z.string()).optional(),
  securityOpt: z.array(z.string()).optional(),
  devices: z
    .array(z.strictObject({ source: z.string(), target: z.string(), permissions: z.string().regex(/^[rwm]{1,3}$/) }))
    .optional(),
  deviceCgroupRules: z.array(z.string()).optional(),
  privileged: z.boolean().optional(),
  pidMode: z.string().optional(),
  ipcMode: z.string().optional(),
  utsMode: z.string().optional(),
  usernsMode: z.string().optional(),
  cgroupMode: z.enum(['host', 'private']).optional(),
  cgroupParent: z.string().optional(),
  runtime: z.string().optional(),
  storageOptions: texts.optional(),
  memoryReservationBytes: bytes.optional(),
  memorySwapBytes: z.int().min(-1).optional(),
  memorySwappiness: z.int().min(0).max(100).optional(),
  cpuShares: z.int().min(0).optional(),
  cpuPeriodUs: z.int().min(0).optional(),
  cpuQuotaUs: z.int().min(-1).optional(),
  cpuset: z.string().optional(),
  pidsLimit: z.int().min(-1).optional(),
  blkioWeight: z.int().min(0).max(1_000).optional(),
  oomKillDisable: z.boolean().optional(),
  oomScoreAdjust: z.int().min(-1_000).max(1_000).optional(),
};

const containerSpec = z.strictObject({ ...plain, ...insides, ...resources });

const ipamSpec = z.strictObject({
  driver: z.string().optional(),
  options: texts.optional(),
  configs: z.array(
    z.strictObject({
      subnet: z.string().optional(),
      gateway: z.string().optional(),
      ipRange: z.string().optional(),
      auxAddresses: texts.optional(),
    }),
  ),
});

const networkSpec = z.strictObject({
  name: dockerName,
  driver: z.string(),
  subnet: z.string().nullable(),
  gateway: z.string().nullable(),
  ipRange: z.string().nullable(),
  labels: texts,
  external: z.boolean().optional(),
  ipam: ipamSpec.optional(),
  driverOptions: texts.optional(),
  internal: z.boolean().optional(),
  attachable: z.boolean().optional(),
  enableIpv6: z.boolean().optional(),
});

const volumeSpec = z.strictObject({
  name: dockerName,
  external: z.boolean().optional(),
  driver: z.string().optional(),
  driverOptions: texts.optional(),
  labels: texts.optional(),
});

const version = z.literal(1);

const deploySpec = z.strictObject({
  version,
  revision: z.int(),
  specHash: z.string().min(1),
  container: containerSpec,
  networks: z.array(networkSpec),
  volumes: z.array(volumeSpec),
  /** The new container runs before the previous one is stopped. */
  order: z.literal('start-first').optional(),
  /** How long the container must stay up to be good. */
  monitorMs: ms.optional(),
  /** The container is good only once it has ended with exit code 0. */
  awaitExit: z.literal(true).optional(),
});

export type ContainerSpec = z.infer<typeof containerSpec>;
export type MountSpec = z.infer<typeof mountSpec>;
export type FileSpec = z.infer<typeof fileSpec>;
export type AttachmentSpec = z.infer<typeof attachmentSpec>;
export type RestartSpec = ContainerSpec['restart'];
export type NetworkSpec = z.infer<typeof networkSpec>;
export type VolumeSpec = z.infer<typeof volumeSpec>;
export type DeploySpec = z.infer<typeof deploySpec>;

/** Values that are somewhere in a container's spec, by the names of their variables: they are not reported. */
export const taskVariables = texts.nullish();

export const taskSpecs = {
  PULL: z.strictObject({
    version,
    image: z.string().min(1),
    policy: z.enum(['missing', 'always']),
    platform: platform.optional(),
  }),
  DEPLOY: deploySpec,
  START: deploySpec,
  RESTART: deploySpec,
  STOP: z.strictObject({ version, keep: z.string().optional() }),
  DELETE: z.strictObject({ version, upTo: z.int().optional() }),
  CLEAN: z.strictObject({
    version,
    networks: z.array(dockerName),
    volumes: z.array(dockerName),
    upTo: z.int().optional(),
  }),
};
