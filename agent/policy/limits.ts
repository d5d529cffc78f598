/** Pure: the checks of what containers may take of a host: its ports, its processor and memory, its mounts. */
import { type Check, each } from './checks.ts';
import type { Policy } from './schema.ts';

/** Whoever answers on the port of SSH, while the host's own daemon restarts, is given its users' passwords. */
const SSH_PORT = 22;

const port: Check = (value, { allowPorts, ports }, field) => {
  const { HostPort: text = '' } = (value ?? {}) as { HostPort?: string };
  // Without a number Docker chooses one that nobody waits on.
  if (text === '' || isWithin(text, allowPorts)) return [];
  if (ports) return isWithin(text, ports) ? [] : [`${field}: host port ${text} is not among those allowed`];
  const [first, last] = toRange(text);
  return first <= SSH_PORT && last >= SSH_PORT ? [`${field}: host port ${text} is not allowed`] : [];
};

function isWithin(text: string, ranges: readonly string[]): boolean {
  const [first, last] = toRange(text);
  return ranges.map(toRange).some(([from, to]) => first >= from && last <= to);
}

/** Docker takes a range of ports too. */
function toRange(text: string): [number, number] {
  const [first = Number.NaN, last = first] = text.split('-').map(Number);
  return [first, last];
}

export const portBindings: Check = (value, policy, field) =>
  Object.entries((value ?? {}) as object).flatMap(([name, bindings]) =>
    each(port)(bindings, policy, `${field}.${name}`),
  );

/** With these a process may keep the processor from all others, the host's own included. */
const GREEDY = ['rtprio', 'nice'];

export const ulimit: Check = (value, { allowUlimits }, field) => {
  const { Name: name = '', Hard: hard } = (value ?? {}) as { Name?: string; Hard?: number };
  // The engine takes capitals for the same.
  if (!GREEDY.includes(name.toLowerCase()) || hard === 0 || allowUlimits.includes(name)) return [];
  return [`${field}: ulimit ${name} is not allowed`];
};

const LIMITS = {
  memory: ({ Memory: memory }: Limits) => Number(memory) > 0,
  pids: ({ PidsLimit: pids }: Limits) => Number(pids) > 0,
  cpus: ({ NanoCpus: cpus, CpuQuota: quota }: Limits) => Number(cpus) > 0 || Number(quota) > 0,
  // What writes no file needs no limit, and `local` has one by itself.
  logs: ({ LogConfig: log }: Limits) =>
    (log?.Type ? log.Type !== 'json-file' : false) || log?.Config?.['max-size'] !== undefined,
};
type Limits = {
  Memory?: unknown;
  PidsLimit?: unknown;
  NanoCpus?: unknown;
  CpuQuota?: unknown;
  LogConfig?: { Type?: string; Config?: Record<string, unknown> };
};

export const requiredLimits = (value: unknown, { requireLimits }: Policy, field: string): string[] =>
  requireLimits
    .filter((name) => !LIMITS[name]((value ?? {}) as Limits))
    .map(
      (name) => `${field}: this host wants every container to have a limit of ${name}, so set one in the stack file`,
    );
