/** A container's published ports and its mounts. */
import { posix } from 'node:path';
import { toAddress } from '../../spec/addresses.ts';
import { MAX_PORT } from '../../spec/limits.ts';
import type { MountSpec, PortSpec } from '../../spec/spec.ts';
import { type Fields, oneOf, readBoolean, readChoice, readItems, readNumber, readString, required } from '../fields.ts';
import { findResourceNameProblem } from '../names.ts';
import { fieldPath, quote, type Report, type Spot, type StringValue, type Value } from '../text.ts';
import { readNode } from './vocabulary.ts';

export const PORT_WORDS = ['containerPort', 'ports'];
export const MOUNT_WORDS = ['volumeMount', 'volumes', 'volumeMounts'];
const CONTAINER_PORT_WORDS = ['portNumber', 'containerPort'];
const PORT_RANGE = { min: 1, max: MAX_PORT, integer: true };

/** `spot` is the host port's. */
export type PortDraft = PortSpec & { spot: Spot };

export function readPorts(report: Report, fields: Fields): PortDraft[] {
  const used = oneOf(report, fields, PORT_WORDS);
  const items = readItems(report, used?.value, 'a list of ports {portNumber, hostPort, protocol}');
  return items.flatMap((item) => readPort(report, item) ?? []);
}

function readPort(report: Report, item: Value): PortDraft | undefined {
  const words = [...CONTAINER_PORT_WORDS, 'hostPort', 'hostIp', 'protocol'];
  const fields = readNode(report, item, 'port', words, 'a port {portNumber, hostPort, protocol}');
  if (!fields) return undefined;
  const inside = oneOf(report, fields, CONTAINER_PORT_WORDS);
  if (!inside) required(report, fields, 'portNumber', "the container's port");
  const hostPort = fields.get('hostPort');
  const containerPort = readNumber(report, inside?.value, PORT_RANGE);
  const port = {
    hostPort: readNumber(report, hostPort, PORT_RANGE) ?? null,
    hostIp: readHostIp(report, fields),
    protocol: readProtocol(report, fields),
    spot: hostPort ?? item,
  };
  return containerPort === undefined ? undefined : { containerPort, ...port };
}

function readHostIp(report: Report, fields: Fields): string | null {
  const ip = readString(report, fields.get('hostIp'));
  if (ip && !toAddress(ip.text)) report('INVALID_VALUE', ip, `expected an IP address, found ${quote(ip.text)}`);
  return ip?.text ?? null;
}

function readProtocol(report: Report, fields: Fields): PortSpec['protocol'] {
  const value = fields.get('protocol');
  const lowered = value?.kind === 'string' ? { ...value, text: value.text.toLowerCase() } : value;
  return readChoice(report, lowered, ['tcp', 'udp', 'sctp'] as const) ?? 'tcp';
}

export function readMounts(report: Report, fields: Fields): MountSpec[] {
  const used = oneOf(report, fields, MOUNT_WORDS);
  const isNamed = used?.key !== 'volumeMounts';
  const expected = isNamed ? 'a mount {name, mountPath, readOnly}' : 'a mount {source, target, type, readOnly}';
  const targets = new Set<string>();
  return readItems(report, used?.value, `a list: ${expected}`).flatMap((item) => {
    const words = isNamed ? ['mountPath', 'readOnly'] : ['source', 'target', 'type', 'readOnly'];
    const mount = readNode(report, item, 'mount', words, expected);
    if (!mount) return [];
    const target = readTarget(report, mount, isNamed ? 'mountPath' : 'target', targets);
    const source = isNamed ? readVolume(report, mount) : readSourceOf(report, mount);
    const readOnly = readBoolean(report, mount.get('readOnly')) ?? false;
    return source && target !== undefined ? [{ ...source, target, readOnly }] : [];
  });
}

function readTarget(report: Report, mount: Fields, word: string, targets: Set<string>): string | undefined {
  const expected = 'an absolute path in the container';
  const value = readString(report, required(report, mount, word, expected));
  if (!value) return undefined;
  // As Docker does: /data/ and /data are one place.
  const target = posix.normalize(value.text).replace(/(?<=.)\/$/, '');
  if (!target.startsWith('/') || target === '/') {
    report('INVALID_VALUE', value, `expected ${expected} below /, found ${quote(value.text)}`);
  }
  if (targets.has(target)) report('DUPLICATE_MOUNT', value, `expected only one mount at ${quote(target)}`);
  targets.add(target);
  return target;
}

function readVolume(report: Report, mount: Fields): Pick<MountSpec, 'type' | 'source'> {
  const name = required(report, mount, 'name', 'the name of a volume');
  if (name?.kind === 'string') checkVolumeName(report, name);
  return { type: 'volume', source: name?.kind === 'string' ? name.text : '' };
}

function checkVolumeName(report: Report, name: StringValue): void {
  const problem = findResourceNameProblem(name.text);
  if (!problem) return;
  const hint = /[/~]/.test(name.text) ? ' (a path needs volumeMounts with type bind)' : '';
  report('INVALID_NAME', name, `${problem}${hint}, found ${quote(name.text)}`);
}

function readSourceOf(report: Report, mount: Fields): Pick<MountSpec, 'type' | 'source'> | undefined {
  const source = readString(report, mount.get('source'));
  const written = readChoice(report, mount.get('type'), ['volume', 'bind', 'tmpfs'] as const);
  const type = written ?? (source?.text.startsWith('/') ? 'bind' : 'volume');
  if (type === 'tmpfs') {
    if (source) report('INVALID_VALUE', source, 'expected no source: a tmpfs is made empty');
    return { type, source: null };
  }
  if (!mount.get('source')) {
    const spot = { path: fieldPath(mount.path, 'source'), offset: mount.offset };
    report('MISSING_FIELD', spot, 'expected "source": the name of a volume, or a path on the host');
  }
  if (!source) return undefined;
  if (type === 'volume') checkVolumeName(report, source);
  else if (source.text === '') report('INVALID_VALUE', source, 'expected a path on the host, found none');
  return { type, source: source.text };
}
