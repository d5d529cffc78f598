/** A container's published ports and its mounts. */
import { posix } from 'node:path';
import { toAddress } from '../../spec/addresses.ts';
import { MAX_PORT } from '../../spec/limits.ts';
import type { MountSpec, PortSpec } from '../../spec/spec.ts';
import { findResourceNameProblem } from '../names.ts';
import { quote } from '../problems.ts';
import type { Place } from '../reader.ts';
import type { JsonldFields, JsonldReader } from './reader.ts';

export const PORT_KEYS = ['containerPort', 'ports'];
export const MOUNT_KEYS = ['volumeMount', 'volumes', 'volumeMounts'];
const CONTAINER_PORT_KEYS = ['portNumber', 'containerPort'];
const HOST_IP_KEYS = ['hostIp', 'hostIP'];
const PORT_RANGE = { min: 1, max: MAX_PORT, integer: true };

/** `place` is that of the host port. */
export type ParsedPort = PortSpec & { place: Place };

export function readPorts(fields: JsonldFields): ParsedPort[] {
  const items = fields.oneOf(PORT_KEYS)?.value.itemsOrOne('a list of ports {portNumber, hostPort, protocol}') ?? [];
  return items.flatMap((item) => readPort(item) ?? []);
}

function readPort(item: JsonldReader): ParsedPort | undefined {
  const keys = [...CONTAINER_PORT_KEYS, 'hostPort', ...HOST_IP_KEYS, 'protocol'];
  const fields = item.node('port', keys, 'a port {portNumber, hostPort, protocol}');
  if (!fields) return undefined;
  const inside = fields.oneOf(CONTAINER_PORT_KEYS)?.value ?? fields.required('portNumber', "the container's port");
  const containerPort = inside.number(PORT_RANGE);
  const hostPort = fields.get('hostPort');
  const port = {
    hostPort: hostPort.number(PORT_RANGE) ?? null,
    hostIp: readHostIp(fields.oneOf(HOST_IP_KEYS)?.value ?? fields.get('hostIp')),
    protocol: readProtocol(fields.get('protocol')),
    place: hostPort.isAbsent ? item : hostPort,
  };
  return containerPort === undefined ? undefined : { containerPort, ...port };
}

function readHostIp(value: JsonldReader): string | null {
  const ip = value.string();
  if (ip !== undefined && !toAddress(ip)) value.misread('an IP address');
  return ip ?? null;
}

function readProtocol(value: JsonldReader): PortSpec['protocol'] {
  return value.lowered().choice(['tcp', 'udp', 'sctp']) ?? 'tcp';
}

/** `volume` is there where the file says which driver its volume has. */
export type ParsedMount = MountSpec & { volume?: { driver: string; place: Place } };

export function readMounts(fields: JsonldFields): ParsedMount[] {
  const used = fields.oneOf(MOUNT_KEYS);
  const isNamed = used?.key !== 'volumeMounts';
  const keys = isNamed ? ['mountPath', 'readOnly', 'driver'] : ['source', 'target', 'type', 'readOnly'];
  const expected = isNamed ? 'a mount {name, mountPath, readOnly}' : 'a mount {source, target, type, readOnly}';
  const targets = new Set<string>();
  return (used?.value.itemsOrOne(`a list: ${expected}`) ?? []).flatMap((item) => {
    const mount = item.node('mount', keys, expected);
    if (!mount) return [];
    const target = readTarget(mount, isNamed ? 'mountPath' : 'target', targets);
    const source = isNamed ? readVolume(mount) : readSource(mount);
    const readOnly = mount.get('readOnly').boolean() ?? false;
    const driver = isNamed ? mount.get('driver').filled('a volume driver such as local') : undefined;
    const volume = driver === undefined ? {} : { volume: { driver, place: mount.get('driver') } };
    return source && target !== undefined ? [{ ...source, target, readOnly, ...volume }] : [];
  });
}

function readTarget(mount: JsonldFields, key: string, targets: Set<string>): string | undefined {
  const expected = 'an absolute path in the container';
  const value = mount.required(key, expected);
  const text = value.string();
  if (text === undefined) return undefined;
  // For Docker, too, /data/ and /data are one place.
  const target = posix.normalize(text).replace(/(?<=.)\/$/, '');
  if (!target.startsWith('/') || target === '/') value.misread(`${expected} below /`);
  if (targets.has(target)) value.report('DUPLICATE_MOUNT', `expected only one mount at ${quote(target)}`);
  targets.add(target);
  return target;
}

function readVolume(mount: JsonldFields): Pick<MountSpec, 'type' | 'source'> {
  const value = mount.required('name', 'the name of a volume');
  const name = value.stringOrNone;
  if (name !== undefined) checkVolumeName(value, name);
  return { type: 'volume', source: name ?? '' };
}

function checkVolumeName(place: Place, name: string): void {
  const hint = /[/~]/.test(name) ? ' (a path needs volumeMounts with type bind)' : '';
  place.checkName(name, (text) => {
    const problem = findResourceNameProblem(text);
    return problem && `${problem}${hint}`;
  });
}

function readSource(mount: JsonldFields): Pick<MountSpec, 'type' | 'source'> | undefined {
  const value = mount.get('source');
  const source = value.string();
  const written = mount.get('type').choice(['volume', 'bind', 'tmpfs']);
  const type = written ?? (source?.startsWith('/') ? 'bind' : 'volume');
  if (type === 'tmpfs') {
    if (source !== undefined) value.report('INVALID_VALUE', 'expected no source: a tmpfs is made empty');
    return { type, source: null };
  }
  mount.required('source', 'the name of a volume, or a path on the host');
  if (source === undefined) return undefined;
  if (type === 'volume') checkVolumeName(value, source);
  else if (source === '') value.report('INVALID_VALUE', 'expected a path on the host, found none');
  return { type, source };
}
