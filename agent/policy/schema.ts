/**
 * Pure: what this host refuses to run, whatever the server says. Without a policy file the strict policy applies. A file is
 * JSON. What it leaves out stays strict, and an unknown key is an error:
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
 *       "allowVolumes": ["backups"],                 // by name, besides those that Graphium made
 *       "allowNetworks": ["proxy"],                  // by name, besides those that Graphium made
 *       "allowSubnets": ["203.0.113.0/24"],          // as written, besides private ones
 *       "allowPorts": ["22"],                        // ports of the host, besides `ports`
 *       "allowUlimits": ["rtprio"],                  // besides all but rtprio and nice
 *       "allowMountPropagation": ["rshared"],        // besides private and slave
 *       "ports": ["80", "8000-8999"],                // left out: all but 22, which is the host's own
 *       "requireLimits": ["memory", "pids", "cpus", "logs"], // what every container must be limited in
 *       "maxContainers": 100,                        // of all stacks together; left out: any number
 *       "registries": ["docker.io", "ghcr.io"]       // left out: all
 *     }
 *
 * (without the comments). If a mount gives access to the engine's own socket or to the agent's directory of secrets, as
 * "/" and "/run" do, `allowBindMounts` must also name the socket or the directory itself. Files in the directory of secrets
 * are never mounted for a user. Paths are compared as written, and again as the host
 * resolves them.
 */
import { z } from 'zod';
import { normalize } from './paths.ts';

const NAMESPACES = ['network', 'pid', 'ipc', 'uts', 'user', 'cgroup'] as const;
export type Namespace = (typeof NAMESPACES)[number];

/** `key:value` is an old way to write `key=value`. */
export const toSecurityOption = (text: string): string => (text.includes('=') ? text : text.replace(':', '='));

export const toCapability = (name: string): string => name.toUpperCase().replace(/^CAP_/, '');

const absolutePath = z
  .string()
  .refine((path) => normalize(path) !== null, 'an absolute path without ".." is wanted')
  .transform((path) => normalize(path) ?? path);

const flag = z.boolean().default(false);
const names = z.array(z.string().min(1)).default([]);

const portRanges = z.array(
  z.string().regex(/^\d{1,5}(-\d{1,5})?$/, 'a port such as "80" or a range such as "8000-8999" is wanted'),
);

const policySchema = z.strictObject({
  allowPrivileged: flag,
  allowHostNamespaces: z.array(z.enum(NAMESPACES)).default([]),
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
  allowVolumes: names,
  allowNetworks: names,
  allowSubnets: names,
  allowPorts: portRanges.default([]),
  ports: portRanges.optional(),
  allowUlimits: names,
  allowMountPropagation: names,
  requireLimits: z.array(z.enum(['memory', 'pids', 'cpus', 'logs'])).default([]),
  maxContainers: z.int().min(1).optional(),
  registries: z.array(z.string().min(1)).optional(),
});

export type Policy = z.infer<typeof policySchema> & {
  /** Where this agent keeps secrets, if it can. It does not come from the file. */
  secretsPath?: string;
  /** The paths of the engine's socket that this agent uses. They do not come from the file. */
  socketPaths?: readonly string[];
};
export const strictPolicy: Policy = policySchema.parse({});

export class PolicyError extends Error {
  /** Points into the file: 'allowBindMounts.0', or '' for the file itself. */
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
