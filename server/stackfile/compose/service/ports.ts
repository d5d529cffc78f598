/** `ports` and `expose` of a Compose service. */
import { isIP } from 'node:net';
import { MAX_PORT, MAX_PORTS } from '../../../spec/limits.ts';
import type { ContainerSpec, PortSpec } from '../../../spec/spec.ts';
import type { Place } from '../../reader.ts';
import type { ComposeReader } from '../reader.ts';

/** `place` is where the file publishes it. */
export type ParsedPort = PortSpec & { place: Place };

type PortRange = { first: number; last: number };
type Protocol = PortSpec['protocol'];

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
const SHORT_FORM = '[[IP:]HOST:]CONTAINER[/PROTOCOL], such as 80, 8080:80 or 127.0.0.1:5000-5010:5000-5010/udp';
const LONG_KEYS = ['target', 'published', 'host_ip', 'protocol', 'mode', 'name', 'app_protocol'];

export function readPorts(value: ComposeReader): ParsedPort[] {
  const ports: ParsedPort[] = [];
  for (const item of value.list(`a list of ports: ${SHORT_FORM}`) ?? []) {
    const mapping = item.kind === 'object' ? readLongPort(item) : readShortPort(item);
    if (!mapping || isTooMany(item, ports.length + sizeOf(mapping.inside))) continue;
    ports.push(...toPorts(mapping));
  }
  return ports;
}

function isTooMany(place: Place, count: number): boolean {
  if (count > MAX_PORTS) place.report('INVALID_VALUE', `expected at most ${MAX_PORTS} ports in a service`);
  return count > MAX_PORTS;
}

type PortMapping = {
  place: Place;
  inside: PortRange;
  /** undefined: Docker picks a port. */
  outside: PortRange | undefined;
  hostIp: string | null;
  protocol: Protocol;
};

function toPorts({ place, inside, outside, hostIp, protocol }: PortMapping): ParsedPort[] {
  const size = sizeOf(inside);
  if (outside && sizeOf(outside) !== size) {
    if (size > 1) place.report('INVALID_VALUE', `expected as many host ports as container ports, ${size}`);
    else place.refuse('any free port of a range', 'name one host port, or leave it out for a random one');
    return [];
  }
  return Array.from({ length: size }, (_, index) => ({
    place,
    containerPort: inside.first + index,
    hostPort: outside ? outside.first + index : null,
    hostIp,
    protocol,
  }));
}

function readShortPort(item: ComposeReader): PortMapping | undefined {
  const text = item.written;
  if (text === undefined) return item.wrongType(`a port: ${SHORT_FORM}`);
  const [address = '', protocolText = 'tcp', ...rest] = text.split('/');
  const parts = address.split(':');
  const inside = toRange(parts.at(-1) ?? '');
  const outside = toHostRange(parts.at(-2) ?? '');
  const hostIp = parts.length > 2 ? toHostIp(parts.slice(0, -2).join(':')) : null;
  const protocol = toProtocol(protocolText);
  if (!inside || outside === 'wrong' || hostIp === undefined || !protocol || rest.length > 0) {
    return item.misread(SHORT_FORM);
  }
  return { place: item, inside, outside, hostIp, protocol };
}

function toProtocol(text: string): Protocol | undefined {
  return PROTOCOLS.find((protocol) => protocol === text.toLowerCase());
}

/** Takes IPv6 with or without brackets. Nothing stands for every address, as in `:443:443`. */
function toHostIp(text: string): string | null | undefined {
  if (text === '') return null;
  const bare = /^\[(.*)\]$/.exec(text)?.[1];
  if (bare !== undefined) return isIP(bare) === 6 ? bare : undefined;
  return isIP(text) === 0 ? undefined : text;
}

/** `80` or `80-90`. */
function toRange(text: string): PortRange | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first >= 1 && last <= MAX_PORT && first <= last ? { first, last } : undefined;
}

/** Gives undefined for nothing and for 0, which both let Docker pick a port. */
function toHostRange(text: string): PortRange | undefined | 'wrong' {
  return /^0*$/.test(text) ? undefined : (toRange(text) ?? 'wrong');
}

function sizeOf({ first, last }: PortRange): number {
  return last - first + 1;
}

function readLongPort(item: ComposeReader): PortMapping | undefined {
  const fields = item.map(LONG_KEYS, 'a port {target, published, protocol, host_ip}');
  if (!fields) return undefined;
  // Both modes are the same here: each container publishes on its own host.
  fields.get('mode').choice(['ingress', 'host']);
  fields.get('name').text();
  fields.get('app_protocol').text();
  const protocol = fields.get('protocol').lowered().choice(PROTOCOLS) ?? 'tcp';
  const hostIp = readHostIp(fields.get('host_ip'));
  const outside = readPublished(fields.get('published'));
  const target = fields.required('target', "the container's port").integer({ min: 1, max: MAX_PORT });
  if (target === undefined || outside === 'wrong') return undefined;
  const place = fields.has('published') ? fields.keyOf('published') : item;
  return { place, inside: { first: target, last: target }, outside, hostIp, protocol };
}

function readHostIp(value: ComposeReader): string | null {
  const text = value.text('an IP address');
  if (text === undefined || text === '') return null;
  return toHostIp(text) ?? value.misread('an IP address') ?? null;
}

function readPublished(value: ComposeReader): PortRange | undefined | 'wrong' {
  if (value.isAbsent) return undefined;
  const text = value.text('a port or a range of ports');
  if (text === undefined) return 'wrong';
  const range = toHostRange(text);
  if (range === 'wrong') value.misread(`a port from 1 to ${MAX_PORT} or a range such as 8000-8010`);
  return range;
}

/** `<port>[-<port>][/<protocol>]`: container ports only. */
export function readExpose(value: ComposeReader): ContainerSpec['expose'] {
  const expected = 'a container port or range such as 3000 or 8080-8085/tcp';
  const items = value.list(`a list: ${expected}`);
  if (!items) return undefined;
  const ports = new Map<string, { port: number; protocol: Protocol }>();
  for (const item of items) {
    const [rangeText = '', protocolText = 'tcp', ...rest] = (item.written ?? '').split('/');
    const range = toRange(rangeText);
    const protocol = toProtocol(protocolText);
    if (!range || !protocol || rest.length > 0) {
      item.misread(expected);
      continue;
    }
    if (isTooMany(item, ports.size + sizeOf(range))) continue;
    for (let port = range.first; port <= range.last; port += 1) ports.set(`${port}/${protocol}`, { port, protocol });
  }
  return [...ports.values()];
}
