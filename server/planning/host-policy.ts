import type { ContainerSpec } from '../spec/spec.ts';
import { type Complaint, complaintsOf } from './per-host.ts';
import type { Placed } from './placed.ts';

/**
 * Pure: what a host's own policy will refuse, as far as the server can tell before it is tried. The agent alone decides; this
 * only spares people the attempt.
 */
export type HostPolicy = {
  allowPrivileged: boolean;
  allowHostNamespaces: readonly string[];
  allowBindMounts: readonly string[];
  allowCapabilities: readonly string[];
  allowDevices: readonly string[];
  /** Null for an agent that looks at no ports. */
  allowPorts: readonly string[] | null;
  /** Null for all but that of SSH. */
  ports: readonly string[] | null;
  /** Null for an agent that looks at none. */
  allowUlimits: readonly string[] | null;
  /** Null for an agent that does not look at it. */
  allowMountPropagation: readonly string[] | null;
  /** Of memory, pids, cpus and logs. */
  requireLimits: readonly string[];
  /** Of all stacks together; null for any number. */
  maxContainers: number | null;
};

/** Docker gives these to every container. */
const DEFAULT_CAPABILITIES = new Set(
  (
    'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD ' +
    'NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'
  ).split(' '),
);

/**
 * @param policyOf undefined where the agent has not said what its policy is
 * @param nameOf an agent's name by its id
 */
export const findRefusals = (
  placed: readonly Placed[],
  policyOf: (agentId: string) => HostPolicy | undefined,
  nameOf: (agentId: string) => string,
): Complaint[] =>
  complaintsOf(placed, policyOf, (policy, { service, container, agentId }) => {
    const missing = policy.requireLimits.flatMap((name) => {
      const limit = LIMITS.get(name);
      return limit && !limit.isSet(container) ? [limit.how] : [];
    });
    const needed = Object.entries(lackingIn(policy, container)).filter(([, value]) => !isEmpty(value));
    const reasons = [
      ...(needed.length > 0 ? [`its policy file needs ${JSON.stringify(Object.fromEntries(needed))}`] : []),
      ...(missing.length > 0 ? [`the stack file needs a limit: ${missing.join(', ')}`] : []),
    ];
    if (reasons.length === 0) return undefined;
    return `the policy of the host ${nameOf(agentId)} does not allow "${service.name}": ${reasons.join('; ')}`;
  });

/** Tells of hosts that will have more containers than they allow, beside those of other stacks. */
export function findCrowded(
  placed: readonly Placed[],
  hosts: readonly { id: string; name: string; load: number; policy?: HostPolicy | null }[],
): Complaint[] {
  const byAgent = Map.groupBy(placed, ({ agentId }) => agentId);
  return hosts.flatMap(({ id, name, load, policy }) => {
    const own = byAgent.get(id) ?? [];
    const service = own.at(-1)?.service.name;
    const max = policy?.maxContainers ?? Number.POSITIVE_INFINITY;
    if (service === undefined || load + own.length <= max) return [];
    const words = `the policy of the host ${name} allows ${max} containers (maxContainers), and with this stack it has ${load + own.length}`;
    return [{ service, message: words }];
  });
}

/** What a host may want of every container, and how Compose says it. An agent may name anything. */
const LIMITS = new Map<string, { isSet: (container: ContainerSpec) => boolean; how: string }>([
  ['memory', { isSet: ({ memoryBytes }) => memoryBytes !== null, how: 'mem_limit' }],
  ['pids', { isSet: ({ pidsLimit }) => (pidsLimit ?? 0) > 0, how: 'pids_limit' }],
  ['cpus', { isSet: ({ nanoCpus, cpuQuotaUs }) => nanoCpus !== null || (cpuQuotaUs ?? 0) > 0, how: 'cpus' }],
  ['logs', { isSet: ({ logging }) => hasEnd(logging), how: 'logging.options.max-size' }],
]);

const hasEnd = (logging: ContainerSpec['logging']): boolean =>
  (logging?.driver !== undefined && logging.driver !== 'json-file') || logging?.options['max-size'] !== undefined;

const isEmpty = (value: unknown) => value === false || (Array.isArray(value) && value.length === 0);

function lackingIn(policy: HostPolicy, container: ContainerSpec) {
  const binds = container.mounts.flatMap(({ type, source }) => (type === 'bind' && source !== null ? [source] : []));
  const namespaces = [
    ...(container.networkMode === 'host' ? ['network'] : []),
    ...(['pid', 'ipc', 'uts'] as const).filter((name) => container[`${name}Mode`] === 'host'),
    ...(container.usernsMode === 'host' ? ['user'] : []),
    ...(container.cgroupMode === 'host' ? ['cgroup'] : []),
  ];
  const capabilities = (container.capAdd ?? []).map((name) => name.toUpperCase().replace(/^CAP_/, ''));
  return {
    allowPrivileged: container.privileged === true && !policy.allowPrivileged,
    allowHostNamespaces: namespaces.filter((name) => !policy.allowHostNamespaces.includes(name)),
    allowBindMounts: binds.filter((path) => !isBelow(path, policy.allowBindMounts)),
    allowCapabilities: capabilities.filter(
      (name) => !DEFAULT_CAPABILITIES.has(name) && !policy.allowCapabilities.includes(name),
    ),
    allowDevices: (container.devices ?? [])
      .map(({ source }) => source)
      .filter((path) => !isBelow(path, policy.allowDevices)),
    allowPorts: container.ports.flatMap(({ hostPort }) =>
      hostPort === null || isPortAllowed(hostPort, policy) ? [] : [String(hostPort)],
    ),
    allowUlimits: (container.ulimits ?? []).flatMap(({ name, hard }) =>
      GREEDY_ULIMITS.includes(name) && hard !== 0 && policy.allowUlimits?.includes(name) === false ? [name] : [],
    ),
    allowMountPropagation: container.mounts.flatMap(({ propagation = '' }) =>
      /^r?shared$/.test(propagation) && policy.allowMountPropagation?.includes(propagation) === false
        ? [propagation]
        : [],
    ),
  };
}

/** The agent knows the same two: they may keep the processor from the host itself. */
const GREEDY_ULIMITS = ['rtprio', 'nice'];

const SSH_PORT = 22;

function isPortAllowed(port: number, { allowPorts, ports }: HostPolicy): boolean {
  if (allowPorts === null || isWithin(port, allowPorts)) return true;
  return ports === null ? port !== SSH_PORT : isWithin(port, ports);
}

const isWithin = (port: number, ranges: readonly string[]) =>
  ranges.some((range) => {
    const [from = Number.NaN, to = from] = range.split('-').map(Number);
    return port >= from && port <= to;
  });

const isBelow = (path: string, parents: readonly string[]) =>
  parents.some((parent) => parent === '/' || path === parent || path.startsWith(`${parent}/`));
