/**
 * The one normalised form that every stack file format becomes. It is stored in `stack_revisions.spec`; a container's
 * part of it travels to its agent inside a task's `spec`, so a field added here must be known to `agent/docker/spec.ts`.
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
  /** A volume's name on the host (already prefixed with the stack), or a path for a bind mount; null for tmpfs. */
  source: string | null;
  target: string;
  readOnly: boolean;
};

export type RestartSpec = {
  name: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  /** Only for on-failure; 0 means without limit. */
  maximumRetryCount: number;
};

export type HealthCheckSpec = {
  /** As Docker takes it: ["CMD", ...] or ["CMD-SHELL", line]. */
  test: string[];
  intervalMs: number;
  timeoutMs: number;
  retries: number;
  startPeriodMs: number;
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
  /** Names on the host (already prefixed with the stack). */
  networks: { name: string; aliases: string[] }[];
  restart: RestartSpec;
  /** Billionths of a core; null: no limit. */
  nanoCpus: number | null;
  memoryBytes: number | null;
  healthCheck: HealthCheckSpec | null;
};

export type NetworkSpec = {
  /** Name on the host, `<stack>_<name>`. */
  name: string;
  driver: string;
  subnet: string | null;
  gateway: string | null;
  ipRange: string | null;
  labels: Record<string, string>;
};

export type VolumeSpec = {
  /** Name on the host, `<stack>_<name>`. */
  name: string;
};

export type ServiceSpec = {
  name: string;
  /** The agent's name; null: placed by `placement`. */
  host: string | null;
  /** Names of services that must be good before this one is touched. */
  dependsOn: string[];
  container: ContainerSpec;
};

export type StackSpec = {
  name: string;
  description: string | null;
  /** `manual`: every service names its host (or the stack its default). `spread`: the rest go to the least loaded. */
  placement: 'manual' | 'spread';
  services: ServiceSpec[];
  networks: NetworkSpec[];
  volumes: VolumeSpec[];
};
