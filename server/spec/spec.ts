/**
 * The normalised form that every stack file becomes, whatever its format. It is stored in `stack_revisions.spec`. A
 * container's part of it travels to its agent inside a task's `spec`, so a field added here must be known to
 * `agent/docker/shapes/spec.ts`. Optional fields are absent where the file says nothing, so that a new field changes the hash
 * of no container.
 */

export type PortSpec = {
  containerPort: number;
  /** null: Docker picks a free port. */
  hostPort: number | null;
  /** null: all addresses of the host. */
  hostIp: string | null;
  protocol: 'tcp' | 'udp' | 'sctp';
};

export type MountSpec = {
  type: 'volume' | 'bind' | 'tmpfs';
  /** A volume's name on the host, or the path of a bind mount; null for a tmpfs and for an anonymous volume. */
  source: string | null;
  target: string;
  readOnly: boolean;
  /** Only for a volume: it starts empty instead of with what the image has at the target. */
  noCopy?: boolean;
  /** Only for a bind mount. */
  propagation?: 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave';
  /** Only for a bind mount: the host's directory is made if it is missing. */
  createHostPath?: boolean;
  /** Only for a tmpfs. */
  sizeBytes?: number;
  /** Only for a tmpfs: permission bits. */
  mode?: number;
};

/** A config or a secret: a file inside the container. */
export type FileSpec = {
  kind: 'config' | 'secret';
  /** The key of the config or secret in the stack file. */
  name: string;
  /** An absolute path in the container. */
  target: string;
  /** Permission bits. */
  mode: number;
  uid: number;
  gid: number;
  /** Stands for the content in the container's hash. The digest of a secret is keyed, so that it gives nothing away. */
  digest: string;
  /** A secret is sealed in the database, and opened only for the agent that starts the task. */
  content: string;
};

export type RestartSpec = {
  name: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  /** Only for on-failure; 0: no limit. */
  maximumRetryCount: number;
};

export type HealthCheckSpec = {
  /** ["CMD", ...] or ["CMD-SHELL", line], as Docker takes it. ["NONE"] turns the image's own check off; [] keeps it. */
  test: string[];
  /** 0, here and below: Docker's default. */
  intervalMs: number;
  timeoutMs: number;
  retries: number;
  startPeriodMs: number;
  startIntervalMs?: number;
};

export type AttachmentSpec = {
  /** The network's name on the host. */
  name: string;
  aliases: string[];
  ipv4Address?: string;
  ipv6Address?: string;
  linkLocalIps?: string[];
  macAddress?: string;
  driverOptions?: Record<string, string>;
};

export type ContainerSpec = {
  /** The container's name on its host. */
  name: string;
  service: string;
  replica: number;
  image: string;
  /** null: the image's own command. */
  command: string[] | null;
  environment: Record<string, string>;
  /** The user's labels; Graphium's own are added by the agent. */
  labels: Record<string, string>;
  ports: PortSpec[];
  mounts: MountSpec[];
  /** With `bridge`, the networks below. The host's policy must allow the other two. */
  networkMode: 'bridge' | 'host' | 'none';
  networks: AttachmentSpec[];
  restart: RestartSpec;
  /** Billionths of a core; null: no limit. */
  nanoCpus: number | null;
  memoryBytes: number | null;
  healthCheck: HealthCheckSpec | null;

  /** Absent: the image is pulled if it is missing. `always`: it is pulled, and another image replaces the container. */
  pullPolicy?: 'always' | 'never';
  /** os/arch[/variant]. */
  platform?: string;
  entrypoint?: string[];
  files?: FileSpec[];
  annotations?: Record<string, string>;
  expose?: { port: number; protocol: 'tcp' | 'udp' | 'sctp' }[];
  hostname?: string;
  domainname?: string;
  /** As in `docker run --user`. */
  user?: string;
  workingDir?: string;
  tty?: boolean;
  openStdin?: boolean;
  init?: boolean;
  readOnly?: boolean;
  stopSignal?: string;
  /** The agent rounds up to whole seconds, which Docker counts. */
  stopGraceMs?: number;
  shmBytes?: number;
  ulimits?: { name: string; soft: number; hard: number }[];
  sysctls?: Record<string, string>;
  dns?: string[];
  dnsSearch?: string[];
  dnsOptions?: string[];
  /** Each is "host:ip", as Docker takes it. */
  extraHosts?: string[];
  logging?: { driver?: string; options: Record<string, string> };
  capAdd?: string[];
  capDrop?: string[];
  securityOpt?: string[];
  devices?: { source: string; target: string; permissions: string }[];
  deviceCgroupRules?: string[];
  privileged?: boolean;
  pidMode?: string;
  ipcMode?: string;
  utsMode?: string;
  usernsMode?: string;
  cgroupMode?: 'host' | 'private';
  cgroupParent?: string;
  groupAdd?: string[];
  runtime?: string;
  storageOptions?: Record<string, string>;
  memoryReservationBytes?: number;
  /** Memory and swap together; -1: no limit. */
  memorySwapBytes?: number;
  /** 0 to 100. */
  memorySwappiness?: number;
  cpuShares?: number;
  cpuPeriodUs?: number;
  cpuQuotaUs?: number;
  /** As in "0-3,5". */
  cpuset?: string;
  pidsLimit?: number;
  /** 10 to 1000. */
  blkioWeight?: number;
  oomKillDisable?: boolean;
  /** -1000 to 1000. */
  oomScoreAdjust?: number;
};

export type IpamSpec = {
  driver?: string;
  options?: Record<string, string>;
  configs: { subnet?: string; gateway?: string; ipRange?: string; auxAddresses?: Record<string, string> }[];
};

export type NetworkSpec = {
  /** Name on the host: `<stack>_<name>`, or its own where the file gives it one. */
  name: string;
  driver: string;
  subnet: string | null;
  gateway: string | null;
  ipRange: string | null;
  labels: Record<string, string>;
  /** The network must exist already. It is neither made nor removed, and the fields below its name mean nothing. */
  external?: boolean;
  /** Replaces subnet, gateway and ipRange, which are null then. */
  ipam?: IpamSpec;
  driverOptions?: Record<string, string>;
  internal?: boolean;
  attachable?: boolean;
  enableIpv6?: boolean;
};

export type VolumeSpec = {
  /** Name on the host: `<stack>_<name>`, or its own where the file gives it one. */
  name: string;
  /** The volume must exist already. It is neither made nor removed. */
  external?: boolean;
  driver?: string;
  driverOptions?: Record<string, string>;
  labels?: Record<string, string>;
};

export type Dependency = {
  service: string;
  /**
   * STARTED: it runs. HEALTHY: it counts as good, and is healthy if it has a health check. COMPLETED: it ended with exit
   * code 0.
   */
  condition: 'STARTED' | 'HEALTHY' | 'COMPLETED';
  /** If false, a failure of the dependency does not matter. */
  required: boolean;
  /** If true, the dependant is restarted when the dependency is replaced or restarted. */
  restart: boolean;
};

export type Constraint = {
  /** node.hostname, node.platform.os, node.platform.arch or node.labels.<label>. */
  attribute: string;
  operator: '==' | '!=';
  value: string;
};

export type RolloutSpec = {
  /** Containers at a time; 0: all. */
  parallelism: number;
  /** The pause between one group and the next. */
  delayMs: number;
  order: 'stop-first' | 'start-first';
  /** How long a container must stay up to count as good; null: the agent's own default, 1 s. */
  monitorMs: number | null;
  /** null: what the deployment says. */
  failureAction: 'pause' | 'continue' | 'rollback' | null;
};

export type ServiceSpec = {
  name: string;
  /** The agent's name; null: placed by the rules below. */
  host: string | null;
  dependsOn: Dependency[];
  /** The first of its containers. The others differ from it in `name` and `replica`. */
  container: ContainerSpec;
  /** Its containers are called `<nameBase>-<n>`. Absent: there is only one, called `container.name`. */
  nameBase?: string;
  /** Absent: 1. It means nothing for a global service. */
  replicas?: number;
  /** If true, it has one container on every agent that fits. */
  global?: boolean;
  constraints?: Constraint[];
  /** The containers are spread evenly over the values of these attributes, such as node.labels.zone, in this order. */
  spread?: string[];
  maxReplicasPerNode?: number;
  /** Absent: all at once, stop-first. */
  update?: RolloutSpec;
  /** Absent: as `update`. */
  rollback?: RolloutSpec;
};

export type StackSpec = {
  name: string;
  description: string | null;
  /**
   * `manual`: every service has a host. `spread`: services without a host go to the least loaded agents. `together`: those
   * that share a network or a volume, or wait for one another, go to one host.
   */
  placement: 'manual' | 'spread' | 'together';
  services: ServiceSpec[];
  networks: NetworkSpec[];
  volumes: VolumeSpec[];
  /** The values that the file's variables had, by name: nothing that a container prints of them is shown. */
  variables?: Record<string, string>;
};
