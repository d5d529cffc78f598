/**
 * Pure: what this host refuses to run, whatever the server says. Without a file the strict policy holds. A file is JSON;
 * what it leaves out stays strict, and a key that is not known is an error:
 *
 *     {
 *       "allowPrivileged": false,
 *       "allowHostNamespaces": ["network"],          // of network pid ipc uts user cgroup
 *       "allowContainerNamespaces": ["proxy"],       // containers whose namespaces others may join
 *       "allowDevices": ["/dev/dri"],                // this path and what lies below it
 *       "allowDeviceCgroupRules": ["c 1:3 mr"],      // as written
 *       "allowCapabilities": ["NET_ADMIN"],
 *       "allowSecurityOptions": ["seccomp=unconfined"], // besides no-new-privileges
 *       "allowSysctls": ["net.netfilter.nf_conntrack_max"], // besides those a container has of its own
 *       "allowRuntimes": ["runsc"],                  // by name; the engine's default needs no name
 *       "allowCgroupParents": ["batch.slice"],
 *       "allowStorageOptions": [],                   // besides size
 *       "allowOomTuning": false,                     // oom_kill_disable, negative oom_score_adj
 *       "allowAnnotations": ["com.example."],        // a name, or with a dot at its end all that begin so
 *       "allowLogDrivers": ["syslog"],               // besides json-file, local, none and journald
 *       "allowBindMounts": ["/srv/data"],            // this path and what lies below it
 *       "allowVolumeDriverOptions": false,           // other volume drivers than local, and options
 *       "allowNetworkDrivers": ["macvlan"],          // besides bridge; address managers besides the default
 *       "allowNetworkOptions": ["parent=eth1"],      // name or name=value, besides MTU and the like
 *       "registries": ["docker.io", "ghcr.io"]       // left out: all
 *     }
 *
 * (without the comments). A mount through which the engine's own socket, or the agent's directory of secrets, can be
 * reached, "/" and "/run" included, also needs that itself in `allowBindMounts`; what lies in the directory of secrets
 * is never mounted for a user. Paths are compared as written, so do not allow a directory in which somebody you do not
 * trust can make symbolic links.
 *
 * `violations` and its like look at the exact bodies that Docker would get, and refuse every field they do not know.
 */
import { z } from 'zod';
import { fields, toSecurityOption, volumeDriver } from './checks.ts';
import { normalise } from './paths.ts';
import { bodyFields, networkFields, toCapability, volumeFields } from './table.ts';

export { imageViolations, joinViolations, networkViolations } from './table.ts';

const namespaces = ['network', 'pid', 'ipc', 'uts', 'user', 'cgroup'] as const;
export type Namespace = (typeof namespaces)[number];

const absolutePath = z
  .string()
  .refine((path) => normalise(path) !== null, 'an absolute path without ".." is wanted')
  .transform((path) => normalise(path) ?? path);

const flag = z.boolean().default(false);
const names = z.array(z.string().min(1)).default([]);

const policySchema = z.strictObject({
  allowPrivileged: flag,
  allowHostNamespaces: z.array(z.enum(namespaces)).default([]),
  allowContainerNamespaces: names,
  allowDevices: z.array(absolutePath).default([]),
  allowDeviceCgroupRules: names,
  allowCapabilities: z.array(z.string().transform(toCapability)).default([]),
  allowSecurityOptions: z.array(z.string().transform(toSecurityOption)).default([]),
  allowSysctls: names,
  allowRuntimes: names,
  allowCgroupParents: names,
  allowStorageOptions: names,
  allowOomTuning: flag,
  allowAnnotations: names,
  allowLogDrivers: names,
  allowBindMounts: z.array(absolutePath).default([]),
  allowVolumeDriverOptions: flag,
  allowNetworkDrivers: names,
  allowNetworkOptions: names,
  registries: z.array(z.string().min(1)).optional(),
});

export type Policy = z.infer<typeof policySchema> & {
  /** Not of the file: where this agent keeps secrets (see `files.ts`); undefined: nowhere. */
  secretsPath?: string;
};
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

/** Why `body`, the body of `POST /containers/create`, may not be sent; empty: it may. */
export function violations(body: unknown, policy: Policy): string[] {
  return fields(bodyFields)(body, policy, '');
}

/** Of the body of `POST /networks/create`; `name`: how it is called in what is said. */
export const networkBodyViolations = (body: unknown, policy: Policy, name: string): string[] =>
  fields(networkFields)(body, policy, `network ${name}`);

/** Of the body of `POST /volumes/create`. */
export const volumeBodyViolations = (body: unknown, policy: Policy, name: string): string[] => [
  ...fields(volumeFields)(body, policy, `volume ${name}`),
  ...volumeDriver({ driver: 'Driver', options: 'DriverOpts' })(body, policy, `volume ${name}`),
];
