/** Pure: the checks that `table.ts` puts together. Each looks at one field of what Docker would get. */

import { isBelow, normalize, reachableSocket } from './paths.ts';
import { type Namespace, type Policy, toSecurityOption } from './schema.ts';

/** Returns why this value of this field must not be sent, or nothing if it may be. */
export type Check = (value: unknown, policy: Policy, field: string) => string[];

export const harmless: Check = () => [];
export const nothing: Check = (value, _policy, field) => (isEmpty(value) ? [] : [`${field}: not allowed`]);

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  value === 0 ||
  (typeof value === 'object' && Object.keys(value).length === 0);

/** Checks an object and refuses every field that is not known. */
export const fields =
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

export const each =
  (check: Check): Check =>
  (value, policy, field) => {
    if (isEmpty(value)) return [];
    if (!Array.isArray(value)) return [`${field}: not a list`];
    return value.flatMap((item, index) => check(item, policy, `${field}.${index}`));
  };

/** Checks every field of an object by its name and value. */
export const eachNamed =
  (check: (name: string, value: unknown, policy: Policy) => string | undefined): Check =>
  (value, policy, field) => {
    if (isEmpty(value)) return [];
    if (typeof value !== 'object' || Array.isArray(value)) return [`${field}: not an object`];
    return Object.entries(value as object).flatMap(([name, inner]) => {
      const problem = check(name, inner, policy);
      return problem === undefined ? [] : [`${field}.${name}: ${problem}`];
    });
  };

/** Refuses a value unless the policy lists it. */
export const listed =
  (what: string, allowed: (policy: Policy) => readonly string[], toKey: (name: string) => string = String): Check =>
  (value, policy, field) =>
    isEmpty(value) || allowed(policy).includes(toKey(String(value)))
      ? []
      : [`${field}: ${what} ${value} is not allowed`];

export const namespace =
  (name: Namespace): Check =>
  (value, policy, field) => {
    const mode = String(value ?? '');
    if (mode === 'host')
      return policy.allowHostNamespaces.includes(name) ? [] : [`${field}: the host's ${name} namespace is not allowed`];
    const [, container] = /^container:(.+)$/.exec(mode) ?? [];
    if (container !== undefined && policy.allowContainerNamespaces.includes(container)) return [];
    return mode.includes(':') ? [`${field}: ${mode} joins what is not part of this container`] : [];
  };

export const privileged: Check = (value, policy, field) =>
  isEmpty(value) || policy.allowPrivileged ? [] : [`${field}: privileged containers are not allowed`];

export const device: Check = (value, policy, field) => {
  const path = normalize(String((value as { PathOnHost?: unknown } | null)?.PathOnHost ?? ''));
  return path !== null && isBelow(path, policy.allowDevices) ? [] : [`${field}: device ${path ?? '?'} is not allowed`];
};

export const oomTuning: Check = (value, policy, field) =>
  isEmpty(value) || policy.allowOomTuning || (typeof value === 'number' && value > 0)
    ? []
    : [`${field}: being spared when memory runs out is not allowed`];

/** A size is a quota and harmless; other storage options must be allowed by name. */
export const storageOption = eachNamed((name, _value, { allowStorageOptions }) =>
  name === 'size' || allowStorageOptions.includes(name) ? undefined : 'this storage option is not allowed',
);

export const securityOption: Check = (value, policy, field) => {
  const option = toSecurityOption(String(value));
  const stricter = option === 'no-new-privileges' || option === 'no-new-privileges=true';
  return stricter || policy.allowSecurityOptions.includes(option)
    ? []
    : [`${field}: security option ${option.slice(0, 100)} is not allowed`];
};

const OWN_NETWORK = /^net\.(ipv[46]\.[\w.-]+|core\.somaxconn|unix\.max_dgram_qlen)$/;
const OWN_IPC = /^(kernel\.(shm\w+|msg\w+|sem)|fs\.mqueue\.\w+)$/;

/** Allows the settings that a container has of its own, unless it shares the host's namespace for them. */
export const sysctlViolations: Check = (value, policy, field) => {
  const { Sysctls: sysctls, NetworkMode: network, IpcMode: ipc } = (value ?? {}) as Record<string, unknown>;
  const check = eachNamed((name) => {
    if (policy.allowSysctls.includes(name)) return undefined;
    const own = (OWN_NETWORK.test(name) && network !== 'host') || (OWN_IPC.test(name) && ipc !== 'host');
    return own ? undefined : "this setting is the host's own, or not known to belong to the container";
  });
  return check(sysctls, policy, `${field}.Sysctls`);
};

export const annotation = eachNamed((name, _value, { allowAnnotations }) =>
  allowAnnotations.some((allowed) => name === allowed || (allowed.endsWith('.') && name.startsWith(allowed)))
    ? undefined
    : 'this annotation is not allowed, for a runtime may take it for an order',
);

const LOCAL_LOGS = ['json-file', 'local', 'none', 'journald'];
const ANY_LOG_OPTION = /^(max-size|max-file|max-buffer-size|compress|mode|tag|labels|labels-regex|env|env-regex)$/;

/**
 * Other drivers send what the container prints to some address. Without a name the host's own default applies, and only
 * options that cannot redirect it are allowed.
 */
export const logging: Check = (value, policy, field) => {
  const { Type: type, Config: config, ...rest } = (value ?? {}) as { Type?: unknown; Config?: object | null };
  const unknown = Object.keys(rest).map((name) => `${field}.${name}: not a field that this agent knows`);
  if (!isEmpty(type)) {
    const known = LOCAL_LOGS.includes(String(type)) || policy.allowLogDrivers.includes(String(type));
    return known ? unknown : [...unknown, `${field}.Type: log driver ${type} is not allowed`];
  }
  const odd = Object.keys(config ?? {}).filter((name) => !ANY_LOG_OPTION.test(name));
  return [...unknown, ...odd.map((name) => `${field}.Config.${name}: not allowed without naming a log driver`)];
};

const OWN_NETWORK_OPTIONS = [
  'com.docker.network.driver.mtu',
  'com.docker.network.bridge.enable_icc',
  'com.docker.network.bridge.enable_ip_masquerade',
  'com.docker.network.container_iface_prefix',
  'com.docker.network.endpoint.ifname',
];

/** Other options choose interfaces and addresses of the host, or open ports that are not published. */
export const networkOption = eachNamed((name, value, { allowNetworkOptions }) =>
  OWN_NETWORK_OPTIONS.includes(name) ||
  allowNetworkOptions.includes(name) ||
  allowNetworkOptions.includes(`${name}=${value}`)
    ? undefined
    : 'this network option is not allowed',
);

/** The plain driver without options is always allowed, because it only makes a directory of the engine's. */
export const volumeDriver =
  (names: { driver: string; options: string }): Check =>
  (value, policy, field) => {
    const { [names.driver]: driver, [names.options]: options } = (value ?? {}) as Record<string, unknown>;
    const plain = (isEmpty(driver) || driver === 'local') && isEmpty(options);
    return plain || policy.allowVolumeDriverOptions
      ? []
      : [`${field}: volume drivers and their options are not allowed`];
  };

export function bindViolations(source: string, policy: Policy, field: string): string[] {
  const path = normalize(source);
  if (path === null) return [`${field}: ${source} is not an absolute path without ".."`];
  if (!isBelow(path, policy.allowBindMounts)) return [`${field}: mounting ${path} of the host is not allowed`];
  const within = [reachableSocket(path, policy.socketPaths), secretsWithin(path, policy)].find(
    (reached) => reached !== undefined && !policy.allowBindMounts.includes(reached),
  );
  return within === undefined ? [] : [`${field}: ${path} gives access to ${within}, which is not allowed by name`];
}

/** Returns the agent's directory of secrets if it lies at `path` or below. */
function secretsWithin(path: string, { secretsPath }: Policy): string | undefined {
  const secrets = secretsPath === undefined ? null : normalize(secretsPath);
  return secrets !== null && isBelow(secrets, [path]) ? secrets : undefined;
}

export function isInSecrets(source: string, { secretsPath }: Policy): boolean {
  const path = normalize(source);
  const secrets = secretsPath === undefined ? null : normalize(secretsPath);
  return path !== null && secrets !== null && isBelow(path, [secrets]);
}

/** What is mounted below such a mount inside is mounted on the host too. */
export const propagation: Check = (value, { allowMountPropagation }, field) => {
  const mode = String(value ?? '');
  const isAllowed = !/^r?shared$/.test(mode) || allowMountPropagation.includes(mode);
  return isAllowed ? [] : [`${field}: mount propagation ${mode} is not allowed`];
};

/** Checks "source:target[:options]". A source that is not a path would be a volume, and this agent writes none like that. */
export const bindString: Check = (value, policy, field) => {
  const [source = '', _target, options = ''] = String(value).split(':');
  return [
    ...options.split(',').flatMap((option) => propagation(option, policy, field)),
    ...(source.startsWith('/')
      ? bindViolations(source, policy, field)
      : [`${field}: ${source} is no path of this host`]),
  ];
};

/** Recognizes a file of the agent's by its path. A user's mount from there is refused before it gets into a body. */
export const mountSource: Check = (value, policy, field) => {
  const { Type: type, Source: source, ReadOnly: readOnly } = (value ?? {}) as Record<string, unknown>;
  if (type === 'bind') {
    const isFile = readOnly === true && isInSecrets(String(source ?? ''), policy);
    return isFile ? [] : bindViolations(String(source ?? ''), policy, field);
  }
  const path = type === 'volume' && String(source ?? '').includes('/');
  if (path || (type !== 'volume' && type !== 'tmpfs'))
    return [`${field}: ${String(type)} mounts of ${String(source)} are not allowed`];
  return [];
};
