/** What a Compose service wants of its host's kernel and engine; the host's own policy decides whether it gets it. */

import type { ContainerSpec } from '../../../spec/spec.ts';
import { quote } from '../../problems.ts';
import type { Entry } from '../../reader.ts';
import { compact, orAbsent } from '../compact.ts';
import type { ComposeFields, ComposeReader, Pattern } from '../reader.ts';

export const HOST_KEYS = [
  'cap_add',
  'cap_drop',
  'cgroup',
  'cgroup_parent',
  'device_cgroup_rules',
  'devices',
  'group_add',
  'ipc',
  'logging',
  'pid',
  'platform',
  'privileged',
  'pull_policy',
  'runtime',
  'security_opt',
  'storage_opt',
  'sysctls',
  'ulimits',
  'userns_mode',
  'uts',
];

export function readHostOptions(service: ComposeFields): Partial<ContainerSpec> {
  const texts = (key: string, pattern: Pattern) => orAbsent(readAll(service.get(key), pattern));
  return compact({
    capAdd: texts('cap_add', CAPABILITY),
    capDrop: texts('cap_drop', CAPABILITY),
    cgroupMode: service.get('cgroup').choice(['host', 'private']),
    cgroupParent: service.get('cgroup_parent').filled('the name of a cgroup'),
    deviceCgroupRules: texts('device_cgroup_rules', CGROUP_RULE),
    devices: orAbsent(readDevices(service.get('devices'))),
    groupAdd: texts('group_add', { form: /\S/, expected: 'a group, by name or number' }),
    logging: readLogging(service.get('logging')),
    ...readNamespaces(service),
    platform: service.get('platform').matching(PLATFORM),
    privileged: service.get('privileged').flag(),
    pullPolicy: readPullPolicy(service),
    runtime: service.get('runtime').filled('the name of a runtime such as runc'),
    securityOpt: orAbsent(readSecurity(service.get('security_opt'))),
    storageOptions: orAbsent(service.get('storage_opt').pairs()),
    sysctls: orAbsent(service.get('sysctls').pairs()),
    ulimits: orAbsent(readUlimits(service.get('ulimits'))),
  });
}

const CAPABILITY: Pattern = { form: /^[A-Za-z][A-Za-z_]*$/, expected: 'a capability such as NET_ADMIN' };
const CGROUP_RULE: Pattern = {
  form: /^[abc] (?:\*|\d+):(?:\*|\d+) [rwm]{1,3}$/,
  expected: 'a rule such as "c 1:3 mr"',
};
const PLATFORM: Pattern = {
  form: /^[a-z0-9]+(?:\/[a-z0-9_]+(?:\/[a-z0-9.]+)?)?$/,
  expected: 'os[/arch[/variant]] such as linux/arm64/v8',
};

function readAll(value: ComposeReader, pattern: Pattern): string[] | undefined {
  return value.list(`a list: ${pattern.expected}`)?.flatMap((item) => item.matching(pattern) ?? []);
}

const NAMESPACES = {
  pid: ['pidMode', ['host']],
  ipc: ['ipcMode', ['host', 'private', 'shareable', 'none']],
  uts: ['utsMode', ['host']],
  userns_mode: ['usernsMode', ['host']],
} as const;

function readNamespaces(service: ComposeFields): Partial<ContainerSpec> {
  const modes: Partial<Record<(typeof NAMESPACES)[keyof typeof NAMESPACES][0], string>> = {};
  for (const [key, [name, choices]] of Object.entries(NAMESPACES)) {
    const mode = readNamespace(service, key, choices);
    if (mode !== undefined) modes[name] = mode;
  }
  return modes;
}

/** Another container's namespace is refused: that container would have to be on the same host, and be there first. */
function readNamespace(service: ComposeFields, key: string, choices: readonly string[]): string | undefined {
  const value = service.get(key);
  // The schema lets `pid` be null.
  if (value.written === '' || (value.kind === 'null' && key === 'pid')) return undefined;
  if (/^(?:service|container):/.test(value.written ?? '')) {
    const wayOut = `use ${choices.join(' or ')}, or put both programs into one container`;
    return service.keyOf(key).refuse(quote(`${key}: ${value.written}`), wayOut);
  }
  return value.choice(choices);
}

function readPullPolicy(service: ComposeFields): ContainerSpec['pullPolicy'] {
  const value = service.get('pull_policy');
  const expected = 'always, missing, if_not_present or never';
  const text = value.text(expected);
  if (text === undefined || text === 'missing' || text === 'if_not_present') return undefined;
  if (text === 'always' || text === 'never') return text;
  if (/^(?:build|refresh|daily|weekly|every_(?:\d+[wdhms])+)$/.test(text)) {
    const wayOut = text === 'build' ? 'push an image first' : 'use always, missing or never';
    return service.keyOf('pull_policy').refuse(quote(`pull_policy: ${text}`), wayOut);
  }
  return value.misread(expected);
}

function readLogging(value: ComposeReader): ContainerSpec['logging'] {
  const fields = value.map(['driver', 'options'], 'logging {driver, options}');
  if (!fields) return undefined;
  const driver = fields.get('driver').filled('a logging driver such as json-file');
  const options = fields.get('options').pairs() ?? {};
  const saysNothing = driver === undefined && Object.keys(options).length === 0;
  return saysNothing ? undefined : compact({ driver, options });
}

const DEVICE_FORM = 'HOST_PATH[:CONTAINER_PATH[:PERMISSIONS]], the paths absolute and the permissions of r, w and m';
type Device = NonNullable<ContainerSpec['devices']>[number];

function readDevices(value: ComposeReader): Device[] | undefined {
  return value.list(`a list of devices: ${DEVICE_FORM}`)?.flatMap((item) => readDevice(item) ?? []);
}

function readDevice(item: ComposeReader): Device | undefined {
  const parts = item.kind === 'object' ? readDeviceMap(item) : item.text(DEVICE_FORM)?.split(':');
  const [source, target = source, permissions = 'rwm', ...rest] = parts ?? [];
  if (source === undefined || target === undefined) return undefined;
  if (/^[\w.-]+\/[\w.-]+=/.test(source)) {
    return item.refuse(`the CDI device ${quote(source)}`, 'name the device by its path on the host');
  }
  const isPath = source.startsWith('/') && target.startsWith('/');
  if (!isPath || !/^[rwm]{1,3}$/.test(permissions) || rest.length > 0) {
    item.report('INVALID_VALUE', `expected ${DEVICE_FORM}`);
  }
  return { source, target, permissions };
}

function readDeviceMap(item: ComposeReader): (string | undefined)[] | undefined {
  const fields = item.map(['source', 'target', 'permissions'], 'a device');
  if (!fields) return undefined;
  const source = fields.required('source', "the device's path on the host").text();
  return [source, fields.get('target').text(), fields.get('permissions').text()];
}

/** Gives `name=value` throughout. Docker's older `name:value` says the same. */
function readSecurity(value: ComposeReader): string[] | undefined {
  return value.list('a list of options such as no-new-privileges:true')?.flatMap((item) => {
    const text = item.text('an option such as no-new-privileges:true');
    if (text === undefined) return [];
    const option = text.includes('=') ? text : text.replace(':', '=');
    checkSecurityOption(item, option);
    return option;
  });
}

function checkSecurityOption(item: ComposeReader, option: string): void {
  const [name = '', setting = ''] = option.split(/=(.*)/s);
  if (name === 'seccomp' && setting !== 'unconfined' && setting !== 'builtin') {
    item.refuse('a seccomp profile from a file', 'use seccomp=unconfined, or leave it out for the default');
  } else if (name === 'systempaths') item.refuse(quote(name), 'remove it, or use "privileged"');
  else if (setting === '' && name !== 'no-new-privileges') item.misread('an option as name=value');
}

const ULIMITS = [
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
];
type Ulimit = NonNullable<ContainerSpec['ulimits']>[number];

function readUlimits(value: ComposeReader): Ulimit[] | undefined {
  const fields = value.map(ULIMITS, 'a map {nofile: 1024}');
  return fields?.entries.flatMap((entry) => readUlimit(entry) ?? []);
}

/** One number is both the soft and the hard limit. */
function readUlimit(entry: Entry<ComposeReader>): Ulimit | undefined {
  const { key: name, value } = entry;
  if (value.kind !== 'object') {
    const both = value.integer({ min: -1 });
    return both === undefined ? undefined : { name, soft: both, hard: both };
  }
  const fields = value.map(['soft', 'hard'], 'a limit {soft, hard}');
  const [soft, hard] = ['soft', 'hard'].map((key) =>
    fields?.required(key, 'a whole number, -1 for no limit').integer({ min: -1 }),
  );
  if (soft === undefined || hard === undefined) return undefined;
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    entry.report('INVALID_VALUE', `expected a soft limit of at most the hard one, ${hard}`);
  }
  return { name, soft, hard };
}
