/** Pure: turns Docker's answers into what is decided on and what is reported. Only the fields that are read are declared. */
export type Identity = { clusterId: string; agentName: string };

export type DockerInspect = {
  Id: string;
  Name: string;
  /** The id of the image that it was made from. */
  Image?: string;
  RestartCount?: number;
  State: {
    Status: string;
    Running: boolean;
    Restarting?: boolean;
    OOMKilled?: boolean;
    ExitCode: number;
    /** 0 while it has no process. */
    Pid?: number;
    Error?: string;
    StartedAt?: string;
    Health?: { Status: string; FailingStreak?: number; Log?: { ExitCode: number; Output: string }[] | null };
  };
  Config: {
    Image?: string;
    Tty?: boolean;
    Labels?: Record<string, string> | null;
    StopTimeout?: number;
    Healthcheck?: { Interval?: number; Timeout?: number; StartPeriod?: number; Retries?: number } | null;
  };
  HostConfig: {
    RestartPolicy?: { Name?: string };
    PortBindings?: Record<string, { HostPort?: string }[] | null> | null;
  };
  NetworkSettings?: { Ports?: Record<string, unknown[] | null> | null };
};

export type DockerListItem = {
  Id: string;
  Names: string[] | null;
  Image: string;
  State: string;
  /** A text for people: "Up 3 seconds (healthy)", "Exited (1) 2 minutes ago". */
  Status: string;
  Labels: Record<string, string> | null;
  Ports: { IP?: string; PrivatePort: number; PublicPort?: number; Type: string }[] | null;
};

export type HealthState = 'NONE' | 'STARTING' | 'HEALTHY' | 'UNHEALTHY';

export type ObservedContainer = {
  id: string;
  /** Whether this agent made it for this cluster and, where a task looks at it, for the task's stack. */
  ours: boolean;
  /** The stack that it belongs to, if this agent made it for this cluster. */
  stack: string | null;
  /** The project of Docker Compose that it belongs to. */
  composeProject: string | null;
  specHash: string | null;
  revision: number;
  /** The task that made it. */
  taskId: string | null;
  /** The image that it was made from. The image's name may stand for another one by now. */
  imageId: string;
  /** One of created, running, paused, restarting, removing, exited and dead. */
  status: string;
  /** Whether it has a process, or Docker is about to give it one again. */
  running: boolean;
  everStarted: boolean;
  /** In RFC 3339; it changes with every start. */
  startedAt: string;
  restartCount: number;
  /** One of no, always, unless-stopped and on-failure. */
  restartPolicy: string;
  exitCode: number;
  oomKilled: boolean;
  /** Why Docker could not start it, or '' if it could. */
  startError: string;
  health: HealthState;
  failingProbes: number;
  /** The output of the last probes, oldest first. */
  healthLog: string[];
  /** The time after the start by which a health check that never succeeds must have failed. */
  healthDeadlineMs: number;
  /** Whether it runs without a port that it should publish (moby #51758). */
  lacksPorts: boolean;
  /** The seconds that Docker gives it to stop. */
  stopSeconds: number;
  tty: boolean;
};

const NS_PER_MS = 1e6;
const HEALTH_LOG_ENTRIES = 5;
const HEALTH_LOG_CHARS = 2_000;
/** Docker's own defaults for what a health check leaves out. */
const HEALTH_DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3 };

export function toObserved(inspect: DockerInspect, identity: Identity): ObservedContainer {
  const { State: state, Config: config } = inspect;
  const labels = config.Labels ?? {};
  const startedAt = state.StartedAt ?? '';
  return {
    id: inspect.Id,
    ...ofLabels(labels, identity),
    imageId: inspect.Image ?? '',
    status: state.Status === 'stopped' ? 'exited' : state.Status,
    running: state.Running || state.Restarting === true,
    everStarted: startedAt !== '' && !startedAt.startsWith('0001-'),
    startedAt,
    restartCount: inspect.RestartCount ?? 0,
    restartPolicy: inspect.HostConfig.RestartPolicy?.Name || 'no',
    exitCode: state.ExitCode,
    oomKilled: state.OOMKilled === true,
    startError: state.Error ?? '',
    health: toHealth(state.Health?.Status),
    failingProbes: state.Health?.FailingStreak ?? 0,
    healthLog: (state.Health?.Log ?? [])
      .slice(-HEALTH_LOG_ENTRIES)
      .map((probe) => `exit ${probe.ExitCode}: ${probe.Output.trim()}`.slice(0, HEALTH_LOG_CHARS)),
    healthDeadlineMs: toHealthDeadlineMs(config.Healthcheck ?? {}),
    lacksPorts: lacksPorts(inspect),
    stopSeconds: config.StopTimeout ?? 10,
    tty: config.Tty === true,
  };
}

function ofLabels(labels: Record<string, string>, identity: Identity) {
  const ours = isOurs(labels, identity);
  return {
    ours,
    composeProject: composeProjectOf(labels),
    stack: ours ? (labels['graphium.stack'] ?? null) : null,
    specHash: labels['graphium.spec'] ?? null,
    revision: toInt(labels['graphium.revision']),
    taskId: labels['graphium.task'] ?? null,
  };
}

export const isOurs = (labels: Record<string, string>, { clusterId, agentName }: Identity): boolean =>
  labels['graphium.cluster'] === clusterId && labels['graphium.agent'] === agentName;

/** Null for what no project may be called: the name goes into a command that somebody may copy. */
export function composeProjectOf(labels: Record<string, string> | null): string | null {
  const project = labels?.['com.docker.compose.project'] ?? '';
  return /^[a-z0-9][a-z0-9_-]{0,62}$/.test(project) ? project : null;
}

/** Says how to make room for a stack that Docker Compose has run so far. */
export const howToTakeOver = (project: string): string =>
  `It belongs to the Compose project ${project}: "docker compose -p ${project} down" on the host makes room and keeps the volumes`;

function toHealth(status: string | undefined): HealthState {
  if (status === 'starting') return 'STARTING';
  if (status === 'healthy') return 'HEALTHY';
  return status === 'unhealthy' ? 'UNHEALTHY' : 'NONE';
}

/** Assumes that every probe takes its full time-out after its full interval, and one probe more than there are retries. */
function toHealthDeadlineMs(check: NonNullable<DockerInspect['Config']['Healthcheck']>): number {
  const intervalMs = check.Interval ? check.Interval / NS_PER_MS : HEALTH_DEFAULTS.intervalMs;
  const timeoutMs = check.Timeout ? check.Timeout / NS_PER_MS : HEALTH_DEFAULTS.timeoutMs;
  const probes = (check.Retries || HEALTH_DEFAULTS.retries) + 1;
  return (check.StartPeriod ?? 0) / NS_PER_MS + probes * (intervalMs + timeoutMs) + 10_000;
}

function lacksPorts({ State, HostConfig, NetworkSettings }: DockerInspect): boolean {
  if (!State.Running || State.Status !== 'running') return false;
  const bound = NetworkSettings?.Ports ?? {};
  const asked = Object.entries(HostConfig.PortBindings ?? {}).filter(([, bindings]) => bindings && bindings.length > 0);
  return asked.some(([port]) => !bound[port] || bound[port].length === 0);
}

/** Fits into GraphQL's Int, because a label that somebody else wrote must not make the whole report invalid. */
const toInt = (text: string | undefined): number => {
  const value = Number.parseInt(text ?? '', 10);
  return value >= 0 && value < 2 ** 31 ? value : 0;
};

/** One container as the server hears of it: the input ContainerReport of schema.graphql. */
export type ContainerReport = {
  id: string;
  name: string;
  stack: string;
  service: string;
  replica: number;
  revision: number;
  specHash: string;
  image: string;
  state: 'CREATED' | 'RUNNING' | 'PAUSED' | 'RESTARTING' | 'REMOVING' | 'EXITED' | 'DEAD';
  health: HealthState;
  exitCode: number | null;
  ports: { hostIp: string | null; hostPort: number | null; containerPort: number; protocol: 'TCP' | 'UDP' | 'SCTP' }[];
  startedAt: string | null;
  /** The task that made it, according to its label. */
  taskId: string | null;
};

const STATES = ['CREATED', 'RUNNING', 'PAUSED', 'RESTARTING', 'REMOVING', 'EXITED', 'DEAD'] as const;

/**
 * What a list does not say. `image` is the name that was asked for; a list shows an id once the tag has moved on. Podman's
 * list does not say how healthy a container is.
 */
export type ListDetails = { startedAt: string | null; image: string; health: HealthState };

export function toListDetails(item: DockerListItem, inspect: DockerInspect | null): ListDetails {
  const startedAt = inspect?.State.StartedAt;
  return {
    startedAt: startedAt && !startedAt.startsWith('0001-') ? startedAt : null,
    image: inspect?.Config.Image ?? item.Image,
    health: toHealth(inspect?.State.Health?.Status),
  };
}

export function toContainerReport(item: DockerListItem, details: ListDetails): ContainerReport {
  const labels = item.Labels ?? {};
  const state = toState(item.State);
  const told = /\((?:health: )?(starting|healthy|unhealthy)\)/.exec(item.Status)?.[1];
  const exit = /^(?:Exited|Restarting) \((-?\d+)\)/.exec(item.Status);
  return {
    id: item.Id,
    name: listedName(item),
    stack: labels['graphium.stack'] ?? '',
    service: labels['graphium.service'] ?? '',
    replica: toInt(labels['graphium.replica']),
    revision: toInt(labels['graphium.revision']),
    specHash: labels['graphium.spec'] ?? '',
    image: details.image,
    state,
    health: told === undefined && state === 'RUNNING' ? details.health : toHealth(told),
    exitCode: exit?.[1] === undefined ? null : Number(exit[1]),
    ports: toPorts(item.Ports ?? []),
    startedAt: details.startedAt,
    taskId: labels['graphium.task'] ?? null,
  };
}

export const listedName = ({ Names: names }: DockerListItem): string => (names?.[0] ?? '').replace(/^\//, '');

/** Podman says of a container whose process has just ended that it is "stopped". */
const toState = (state: string): ContainerReport['state'] =>
  state === 'stopped' ? 'EXITED' : (STATES.find((known) => known === state.toUpperCase()) ?? 'DEAD');

/** Docker lists a port once for IPv4 and once for IPv6. The second says nothing new and is dropped. */
function toPorts(ports: NonNullable<DockerListItem['Ports']>): ContainerReport['ports'] {
  const twin = (port: (typeof ports)[number]) =>
    port.IP === '::' &&
    ports.some((p) => p.IP === '0.0.0.0' && p.PublicPort === port.PublicPort && p.PrivatePort === port.PrivatePort);
  return ports
    .filter((port) => !twin(port))
    .map((port) => ({
      hostIp: port.IP ?? null,
      hostPort: port.PublicPort ?? null,
      containerPort: port.PrivatePort,
      protocol: port.Type === 'udp' ? ('UDP' as const) : port.Type === 'sctp' ? ('SCTP' as const) : ('TCP' as const),
    }))
    .sort((a, b) => a.containerPort - b.containerPort || (a.hostPort ?? 0) - (b.hostPort ?? 0));
}
