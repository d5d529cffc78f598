/**
 * Pure: what this host refuses to run, whatever the server says. Without a file the strict policy holds. A file is JSON;
 * what it leaves out stays strict, and a key that is not known is an error:
 *
 *     {
 *       "allowPrivileged": false,
 *       "allowHostNamespaces": ["network"],        // of network pid ipc uts user cgroup
 *       "allowDevices": ["/dev/dri"],              // this path and what lies below it
 *       "allowCapabilities": ["NET_ADMIN"],
 *       "allowBindMounts": ["/srv/data"],          // this path and what lies below it
 *       "allowVolumeDriverOptions": false,
 *       "allowNetworkDrivers": ["macvlan"],        // besides bridge
 *       "registries": ["docker.io", "ghcr.io"]     // left out: all
 *     }
 *
 * (without the comments). A mount through which the engine's own socket can be reached, "/" and "/run" included, also
 * needs the socket itself in `allowBindMounts`. Paths are compared as written, so do not allow a directory in which
 * somebody you do not trust can make symbolic links.
 *
 * `violations` looks at the exact body that Docker would get, and refuses every field it does not know.
 */
import { z } from 'zod';
import { toImageName } from './docker/image.ts';

const namespaces = ['network', 'pid', 'ipc', 'uts', 'user', 'cgroup'] as const;
type Namespace = (typeof namespaces)[number];

const absolutePath = z
  .string()
  .refine((path) => normalise(path) !== null, 'an absolute path without ".." is wanted')
  .transform((path) => normalise(path) ?? path);

const policySchema = z.strictObject({
  allowPrivileged: z.boolean().default(false),
  allowHostNamespaces: z.array(z.enum(namespaces)).default([]),
  allowDevices: z.array(absolutePath).default([]),
  allowCapabilities: z.array(z.string().transform(toCapability)).default([]),
  allowBindMounts: z.array(absolutePath).default([]),
  allowVolumeDriverOptions: z.boolean().default(false),
  allowNetworkDrivers: z.array(z.string()).default([]),
  registries: z.array(z.string().min(1)).optional(),
});

export type Policy = z.infer<typeof policySchema>;
export const strictPolicy: Policy = policySchema.parse({});

export class PolicyError extends Error {
  /** Where in the file: 'allowBindMounts.0', '' for the file itself. */
  readonly path: string;
  constructor(path: string, message: string) {
    super(`policy file${path && `, ${path}`}: ${message}`);
    this.name = 'PolicyError';
    this.path = path;
  }
}

export function parsePolicy(json: unknown): Policy {
  const parsed = policySchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new PolicyError(issue?.path.join('.') ?? '', issue?.message ?? 'not understood');
}

type Check = (value: unknown, policy: Policy, field: string) => string[];

/** Why `body`, the body of `POST /containers/create`, may not be sent; empty: it may. */
export function violations(body: unknown, policy: Policy): string[] {
  return fields(bodyFields)(body, policy, '');
}

export function imageViolations(image: string, { registries }: Policy): string[] {
  if (!registries) return [];
  const { registry } = toImageName(image);
  if (image.startsWith('sha256:')) return [`Image: ${image} names no registry`];
  return registries.includes(registry) ? [] : [`Image: registry ${registry} is not among those allowed`];
}

/** Drivers other than bridge can put containers straight onto the host's own network. */
export const networkViolations = (driver: string, policy: Policy): string[] =>
  driver === 'bridge' || policy.allowNetworkDrivers.includes(driver)
    ? []
    : [`Driver: network driver ${driver} is not allowed`];

// --- checks ---

const harmless: Check = () => [];
const nothing: Check = (value, _policy, field) => (isEmpty(value) ? [] : [`${field}: not allowed`]);

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  value === 0 ||
  (typeof value === 'object' && Object.keys(value).length === 0);

/** An object of which only these fields are known. */
const fields =
  (known: Record<string, Check>): Check =>
  (value, policy, field) => {
    if (isEmpty(value)) return [];
    if (typeof value !== 'object') return [`${field}: not an object`];
    return Object.entries(value as object).flatMap(([name, inner]) => {
      const path = field ? `${field}.${name}` : name;
      const check = Object.hasOwn(known, name) ? known[name] : undefined;
      return check ? check(inner, policy, path) : [`${path}: not a field that this agent knows`];
    });
  };

const each =
  (check: Check): Check =>
  (value, policy, field) => {
    if (isEmpty(value)) return [];
    if (!Array.isArray(value)) return [`${field}: not a list`];
    return value.flatMap((item, index) => check(item, policy, `${field}.${index}`));
  };

const image: Check = (value, policy) => imageViolations(String(value), policy);

const privileged: Check = (value, policy, field) =>
  isEmpty(value) || policy.allowPrivileged ? [] : [`${field}: privileged containers are not allowed`];

const namespace =
  (name: Namespace): Check =>
  (value, policy, field) => {
    const mode = String(value ?? '');
    if (mode === 'host')
      return policy.allowHostNamespaces.includes(name) ? [] : [`${field}: the host's ${name} namespace is not allowed`];
    return mode.includes(':') ? [`${field}: ${mode} joins what is not part of the stack`] : [];
  };

const capability: Check = (value, policy, field) =>
  policy.allowCapabilities.includes(toCapability(String(value)))
    ? []
    : [`${field}: capability ${value} is not allowed`];

const device: Check = (value, policy, field) => {
  const path = normalise(String((value as { PathOnHost?: unknown } | null)?.PathOnHost ?? ''));
  return path !== null && isBelow(path, policy.allowDevices) ? [] : [`${field}: device ${path ?? '?'} is not allowed`];
};

function bindViolations(source: string, policy: Policy, field: string): string[] {
  const path = normalise(source);
  if (path === null) return [`${field}: ${source} is not an absolute path without ".."`];
  if (!isBelow(path, policy.allowBindMounts)) return [`${field}: mounting ${path} of the host is not allowed`];
  const socket = reachableSocket(path);
  return socket === undefined || policy.allowBindMounts.includes(socket)
    ? []
    : [`${field}: ${path} gives access to ${socket}, which is not allowed by name`];
}

/** "source:target[:options]"; a source that is not a path is a volume. */
const bindString: Check = (value, policy, field) => {
  const source = String(value).split(':', 1)[0] ?? '';
  return source.startsWith('/') || source.startsWith('.') ? bindViolations(source, policy, field) : [];
};

const mount: Check = (value, policy, field) => {
  const { Type: type, Source: source } = (value ?? {}) as { Type?: unknown; Source?: unknown };
  const known = fields(mountFields)(value, policy, field);
  if (type === 'bind') return [...known, ...bindViolations(String(source ?? ''), policy, field)];
  const path = type === 'volume' && String(source ?? '').includes('/');
  if (path || (type !== 'volume' && type !== 'tmpfs'))
    return [...known, `${field}: ${String(type)} mounts of ${String(source)} are not allowed`];
  return known;
};

const driverConfig: Check = (value, policy, field) =>
  isEmpty(value) || policy.allowVolumeDriverOptions
    ? []
    : [`${field}: volume drivers and their options are not allowed`];

const mountFields: Record<string, Check> = {
  Type: harmless,
  Source: harmless,
  Target: harmless,
  ReadOnly: harmless,
  VolumeOptions: fields({ Labels: harmless, NoCopy: harmless, DriverConfig: driverConfig }),
};

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
  DeviceCgroupRules: nothing,
  DeviceRequests: nothing,
  SecurityOpt: nothing,
  Sysctls: nothing,
  VolumesFrom: nothing,
  VolumeDriver: driverConfig,
  Binds: each(bindString),
  Mounts: each(mount),
  PortBindings: harmless,
  RestartPolicy: harmless,
  NanoCpus: harmless,
  Memory: harmless,
};

const bodyFields: Record<string, Check> = {
  Image: image,
  Cmd: harmless,
  Env: harmless,
  Labels: harmless,
  ExposedPorts: harmless,
  Healthcheck: harmless,
  HostConfig: fields(hostFields),
  NetworkingConfig: fields({ EndpointsConfig: (value, policy, field) => endpoints(value, policy, field) }),
};

const endpoints: Check = (value, policy, field) =>
  Object.entries((value ?? {}) as object).flatMap(([name, endpoint]) =>
    fields({ Aliases: harmless })(endpoint, policy, `${field}.${name}`),
  );

// --- paths ---

/** Both ways to write each; `/var/run` is `/run` on every current Linux. */
const sockets = ['/run/docker.sock', '/run/containerd/containerd.sock', '/run/podman/podman.sock'];

/** The socket that lies at or below `path`, or that `path` is by its name. */
function reachableSocket(path: string): string | undefined {
  if (path.endsWith('/docker.sock')) return path;
  return sockets.find((socket) => path === socket || isBelow(socket, [path]));
}

const isBelow = (path: string, allowed: readonly string[]): boolean =>
  allowed.some((parent) => parent === '/' || path === parent || path.startsWith(`${parent}/`));

/** One way to write a path; null if it is not absolute or climbs. */
function normalise(path: string): string | null {
  if (!path.startsWith('/') || path.includes('\0')) return null;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return null;
  const clean = `/${parts.join('/')}`;
  return clean === '/var/run' || clean.startsWith('/var/run/') ? clean.slice('/var'.length) : clean;
}

function toCapability(name: string): string {
  return name.toUpperCase().replace(/^CAP_/, '');
}
