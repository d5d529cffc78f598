/**
 * The one normalised form that every stack file format becomes. It is stored in `stack_revisions.spec`; a container's
 * part of it travels to its agent inside a task's `spec`, so a field added here must be known to `agent/docker/shapes/spec.ts`.
 * What is optional is left out where the file says nothing, so that a new field changes the hash of no container.
 */

export type PortSpec = {
  containerPort: number;
  /** null: Docker picks a free one. */
  hostPort: number | null;
  /** null: all addresses of the host. */
  hostIp: string | null;
  protocol: 'tcp' | 'udp' | 'sctp';
};

export type MountSpec = {
  type: 'volume' | 'bind' | 'tmpfs';
  /** A volume's name on the host (already prefixed with the stack), or a path for a bind mount; null for tmpfs and anonymous volumes. */
  source: string | null;
  target: string;
  readOnly: boolean;
  /** volume: start empty instead of with what the image has there. */
  noCopy?: boolean;
  /** bind. */
  propagation?: 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave';
  /** bind: make the host's directory when it is missing. */
  createHostPath?: boolean;
  /** tmpfs. */
  sizeBytes?: number;
  /** tmpfs: permission bits. */
  mode?: number;
};

/** A config or a secret: a file inside the container. */
export type FileSpec = {
  kind: 'config' | 'secret';
  /** Of the config or secret in the stack file. */
  name: string;
  /** Absolute path in the container. */
  target: string;
  /** Permission bits. */
  mode: number;
  uid: number;
  gid: number;
  /** Of the content; for a secret keyed, so that it gives nothing away. Stands for it in the container's hash. */
  digest: string;
  /** A config's text; a secret's is sealed in the database and opened only for the agent that starts the task. */
  content: string;
};

export type RestartSpec = {
  name: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  /** Only for on-failure; 0 means without limit. */
  maximumRetryCount: number;
};

export type HealthCheckSpec = {
  /** As Docker takes it: ["CMD", ...] or ["CMD-SHELL", line]; ["NONE"] turns the image's own off. */
  test: string[];
  /** 0: Docker's default, here and below. */
  intervalMs: number;
  timeoutMs: number;
  retries: number;
  startPeriodMs: number;
  startIntervalMs?: number;
};

export type AttachmentSpec = {
  /** Name on the host (already prefixed with the stack, unless external). */
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
  /** null: the image's own. */
  command: string[] | null;
  environment: Record<string, string>;
  /** The user's labels; Graphium's own are added by the agent. */
  labels: Record<string, string>;
  ports: PortSpec[];
  mounts: MountSpec[];
  /** `bridge`: the networks below. The others come from the host and need its policy. */
  networkMode: 'bridge' | 'host' | 'none';
  networks: AttachmentSpec[];
  restart: RestartSpec;
  /** Billionths of a core; null: no limit. */
  nanoCpus: number | null;
  memoryBytes: number | null;
  healthCheck: HealthCheckSpec | null;

  /** Absent: pull when it is not there. `always`: pull, and replace the container when the image is another one. */
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
  /** Docker counts whole seconds; rounded up by the agent. */
  stopGraceMs?: number;
  shmBytes?: number;
  ulimits?: { name: string; soft: number; hard: number }[];
  sysctls?: Record<string, string>;
  dns?: string[];
  dnsSearch?: string[];
  dnsOptions?: string[];
  /** "host:ip", as Docker takes them. */
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
  /** Memory and swap together; -1: without limit. */
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
  /** Must be there already; it is neither made nor removed, and all but the name says nothing. */
  external?: boolean;
  /** In place of subnet, gateway and ipRange, which are null then. */
  ipam?: IpamSpec;
  driverOptions?: Record<string, string>;
  internal?: boolean;
  attachable?: boolean;
  enableIpv6?: boolean;
};

export type VolumeSpec = {
  /** Name on the host: `<stack>_<name>`, or its own where the file gives it one. */
  name: string;
  /** Must be there already; it is neither made nor removed. */
  external?: boolean;
  driver?: string;
  driverOptions?: Record<string, string>;
  labels?: Record<string, string>;
};

export type Dependency = {
  service: string;
  /** STARTED: its process runs. HEALTHY: and it is good (healthy, if it has a health check). COMPLETED: it ended with exit code 0. */
  condition: 'STARTED' | 'HEALTHY' | 'COMPLETED';
  /** false: a failure of the dependency does not matter. */
  required: boolean;
  /** Restarted when the dependency is replaced or restarted. */
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
  /** Between one group and the next. */
  delayMs: number;
  order: 'stop-first' | 'start-first';
  /** How long a container must stay up to count as good; null: the agent's own default, 1 s. */
  monitorMs: number | null;
  /** null: as the deployment says. */
  failureAction: 'pause' | 'continue' | 'rollback' | null;
};

export type ServiceSpec = {
  name: string;
  /** The agent's name; null: placed by the rules below. */
  host: string | null;
  dependsOn: Dependency[];
  /** The first of its containers; the others differ in `name` and `replica`. */
  container: ContainerSpec;
  /** Its containers are `<nameBase>-<n>`. Absent: there is one, and it is `container.name`. */
  nameBase?: string;
  /** Absent: 1. Says nothing for a global service. */
  replicas?: number;
  /** One on every agent that fits. */
  global?: boolean;
  constraints?: Constraint[];
  /** Attributes over whose values the containers are spread evenly, the first before the second: node.labels.zone. */
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
   * `manual`: every service names its host (or the stack its default). `spread`: the rest go to the least loaded.
   * `together`: the first container of a service goes near those that it shares a network with.
   */
  placement: 'manual' | 'spread' | 'together';
  services: ServiceSpec[];
  networks: NetworkSpec[];
  volumes: VolumeSpec[];
};
