/** What a Compose service wants of its host's kernel and engine; the host's own policy decides whether it gets it. */

import type { ContainerSpec } from '../../../spec/spec.ts';
import { type Fields, required, wrongType } from '../../fields.ts';
import { quote, type Report, type Value } from '../../text.ts';
import { compact, keySpot, orAbsent, readKeys, refuse } from '../keys.ts';
import { misread, readFlag, readInteger, readPairs, readText, readTextChoice } from '../scalars.ts';
import { type Pattern, readFilled, readMatching } from './process.ts';

export const HOST_WORDS = [
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

export function readHostOptions(report: Report, service: Fields): Partial<ContainerSpec> {
  const texts = (word: string, pattern: Pattern) => orAbsent(readAll(report, service.get(word), pattern));
  return compact({
    capAdd: texts('cap_add', CAPABILITY),
    capDrop: texts('cap_drop', CAPABILITY),
    cgroupMode: readTextChoice(report, service.get('cgroup'), ['host', 'private']),
    cgroupParent: readFilled(report, service.get('cgroup_parent'), 'the name of a cgroup'),
    deviceCgroupRules: texts('device_cgroup_rules', CGROUP_RULE),
    devices: orAbsent(readDevices(report, service.get('devices'))),
    groupAdd: texts('group_add', { form: /\S/, expected: 'a group, by name or number' }),
    logging: readLogging(report, service.get('logging')),
    ...readNamespaces(report, service),
    platform: readMatching(report, service.get('platform'), PLATFORM),
    privileged: readFlag(report, service.get('privileged')),
    pullPolicy: readPullPolicy(report, service),
    runtime: readFilled(report, service.get('runtime'), 'the name of a runtime such as runc'),
    securityOpt: orAbsent(readSecurity(report, service.get('security_opt'))),
    storageOptions: orAbsent(readPairs(report, service.get('storage_opt'))),
    sysctls: orAbsent(readPairs(report, service.get('sysctls'))),
    ulimits: orAbsent(readUlimits(report, service.get('ulimits'))),
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

function readAll(report: Report, value: Value | undefined, pattern: Pattern): string[] | undefined {
  if (value === undefined) return undefined;
  if (value.kind !== 'list') return wrongType(report, value, `a list: ${pattern.expected}`);
  return value.items.flatMap((item) => readMatching(report, item, pattern) ?? []);
}

const NAMESPACES = {
  pid: ['pidMode', ['host']],
  ipc: ['ipcMode', ['host', 'private', 'shareable', 'none']],
  uts: ['utsMode', ['host']],
  userns_mode: ['usernsMode', ['host']],
} as const;

/** Sharing another container's namespace is refused: it would have to be on the same host, and be there first. */
function readNamespaces(report: Report, service: Fields): Partial<ContainerSpec> {
  const modes: Partial<Record<(typeof NAMESPACES)[keyof typeof NAMESPACES][0], string>> = {};
  for (const [word, [name, choices]] of Object.entries(NAMESPACES)) {
    const value = service.get(word);
    // The schema lets `pid` be null.
    if (value === undefined || (value.kind === 'null' && word === 'pid')) continue;
    if (value.kind === 'string' && value.text === '') continue;
    if (value.kind === 'string' && /^(?:service|container):/.test(value.text)) {
      const wayOut = `use ${choices.join(' or ')}, or put both programs into one container`;
      refuse(report, keySpot(service, word), quote(`${word}: ${value.text}`), wayOut);
      continue;
    }
    const mode = readTextChoice<string>(report, value, choices);
    if (mode !== undefined) modes[name] = mode;
  }
  return modes;
}

function readPullPolicy(report: Report, service: Fields): ContainerSpec['pullPolicy'] {
  const value = service.get('pull_policy');
  const text = readText(report, value, 'always, missing, if_not_present or never');
  if (value === undefined || text === undefined || text === 'missing' || text === 'if_not_present') return undefined;
  if (text === 'always' || text === 'never') return text;
  if (/^(?:build|refresh|daily|weekly|every_(?:\d+[wdhms])+)$/.test(text)) {
    const wayOut = text === 'build' ? 'push an image first' : 'use always, missing or never';
    refuse(report, keySpot(service, 'pull_policy'), quote(`pull_policy: ${text}`), wayOut);
    return undefined;
  }
  return misread(report, value, 'always, missing, if_not_present or never');
}

function readLogging(report: Report, value: Value | undefined): ContainerSpec['logging'] {
  const fields = readKeys(report, value, ['driver', 'options'], 'logging {driver, options}');
  if (!fields) return undefined;
  const driver = readFilled(report, fields.get('driver'), 'a logging driver such as json-file');
  const options = readPairs(report, fields.get('options')) ?? {};
  const saysNothing = driver === undefined && Object.keys(options).length === 0;
  return saysNothing ? undefined : compact({ driver, options });
}

const DEVICE_FORM = 'HOST_PATH[:CONTAINER_PATH[:PERMISSIONS]], the paths absolute and the permissions of r, w and m';

function readDevices(report: Report, value: Value | undefined): ContainerSpec['devices'] {
  if (value === undefined) return undefined;
  if (value.kind !== 'list') return wrongType(report, value, `a list of devices: ${DEVICE_FORM}`);
  return value.items.flatMap((item) => {
    const [source, target = source, permissions = 'rwm', ...rest] = readDeviceParts(report, item) ?? [];
    if (source === undefined || target === undefined) return [];
    if (/^[\w.-]+\/[\w.-]+=/.test(source)) {
      refuse(report, item, `the CDI device ${quote(source)}`, 'name the device by its path on the host');
      return [];
    }
    const isPath = source.startsWith('/') && target.startsWith('/');
    if (!isPath || !/^[rwm]{1,3}$/.test(permissions) || rest.length > 0) {
      report('INVALID_VALUE', item, `expected ${DEVICE_FORM}`);
    }
    return { source, target, permissions };
  });
}

function readDeviceParts(report: Report, item: Value): (string | undefined)[] | undefined {
  if (item.kind !== 'object') return readText(report, item, DEVICE_FORM)?.split(':');
  const fields = readKeys(report, item, ['source', 'target', 'permissions'], 'a device');
  if (!fields) return undefined;
  const source = readText(report, required(report, fields, 'source', "the device's path on the host"));
  return [source, readText(report, fields.get('target')), readText(report, fields.get('permissions'))];
}

/** `name=value` throughout; Docker's older `name:value` says the same. */
function readSecurity(report: Report, value: Value | undefined): string[] | undefined {
  if (value === undefined) return undefined;
  if (value.kind !== 'list') return wrongType(report, value, 'a list of options such as no-new-privileges:true');
  return value.items.flatMap((item) => {
    const text = readText(report, item, 'an option such as no-new-privileges:true');
    if (text === undefined) return [];
    const option = text.includes('=') ? text : text.replace(':', '=');
    const [name, setting = ''] = option.split(/=(.*)/s);
    if (name === 'seccomp' && setting !== 'unconfined' && setting !== 'builtin') {
      refuse(report, item, 'a seccomp profile from a file', 'use seccomp=unconfined, or leave it out for the default');
    } else if (name === 'systempaths') refuse(report, item, quote(name), 'remove it, or use "privileged"');
    else if (setting === '' && name !== 'no-new-privileges') misread(report, item, 'an option as name=value');
    return option;
  });
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

function readUlimits(report: Report, value: Value | undefined): ContainerSpec['ulimits'] {
  const fields = readKeys(report, value, ULIMITS, 'a map {nofile: 1024}');
  return fields?.all.flatMap((field) => {
    const { key: name, value: limit } = field;
    if (limit.kind !== 'object') {
      const both = readInteger(report, limit, { min: -1 });
      return both === undefined ? [] : { name, soft: both, hard: both };
    }
    const parts = readKeys(report, limit, ['soft', 'hard'], 'a limit {soft, hard}');
    const part = (word: string) =>
      parts && readInteger(report, required(report, parts, word, 'a whole number, -1 for no limit'), { min: -1 });
    const [soft, hard] = [part('soft'), part('hard')];
    if (soft === undefined || hard === undefined) return [];
    if (hard !== -1 && (soft === -1 || soft > hard)) {
      report('INVALID_VALUE', field, `expected a soft limit of at most the hard one, ${hard}`);
    }
    return { name, soft, hard };
  });
}
