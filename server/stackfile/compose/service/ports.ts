/** `ports` and `expose` of a Compose service. */
import { isIP } from 'node:net';
import { MAX_PORT, MAX_PORTS } from '../../../spec/limits.ts';
import type { ContainerSpec, PortSpec } from '../../../spec/spec.ts';
import { type Fields, required, wrongType } from '../../fields.ts';
import type { Report, Spot, Value } from '../../text.ts';
import { keySpot, readKeys, refuse } from '../keys.ts';
import { misread, readInteger, readText, readTextChoice, toText } from '../scalars.ts';

/** `spot` is where the file publishes it. */
export type PublishedPortDraft = PortSpec & { spot: Spot };

type PortRange = { first: number; last: number };
type Protocol = PortSpec['protocol'];

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;
const SHORT_FORM = '[[IP:]HOST:]CONTAINER[/PROTOCOL], such as 80, 8080:80 or 127.0.0.1:5000-5010:5000-5010/udp';
const LONG_WORDS = ['target', 'published', 'host_ip', 'protocol', 'mode', 'name', 'app_protocol'];

export function readPorts(report: Report, value: Value | undefined): PublishedPortDraft[] {
  if (value === undefined) return [];
  if (value.kind !== 'list') return wrongType(report, value, `a list of ports: ${SHORT_FORM}`) ?? [];
  const ports: PublishedPortDraft[] = [];
  for (const item of value.items) {
    const more = item.kind === 'object' ? readLongPort(report, item) : readShortPort(report, item);
    if (!more || isTooMany(report, item, ports.length + sizeOf(more.inside))) continue;
    ports.push(...toPorts(report, more));
  }
  return ports;
}

function isTooMany(report: Report, spot: Spot, count: number): boolean {
  if (count > MAX_PORTS) report('INVALID_VALUE', spot, `expected at most ${MAX_PORTS} ports in a service`);
  return count > MAX_PORTS;
}

type Mapping = {
  spot: Spot;
  inside: PortRange;
  /** undefined: Docker picks. */
  outside: PortRange | undefined;
  hostIp: string | null;
  protocol: Protocol;
};

function toPorts(report: Report, { spot, inside, outside, hostIp, protocol }: Mapping): PublishedPortDraft[] {
  const size = sizeOf(inside);
  if (outside && sizeOf(outside) !== size) {
    if (size > 1) report('INVALID_VALUE', spot, `expected as many host ports as container ports, ${size}`);
    else refuse(report, spot, 'any free port of a range', 'name one host port, or leave it out for a random one');
    return [];
  }
  return Array.from({ length: size }, (_, index) => ({
    spot,
    containerPort: inside.first + index,
    hostPort: outside ? outside.first + index : null,
    hostIp,
    protocol,
  }));
}

function readShortPort(report: Report, item: Value): Mapping | undefined {
  const text = toText(item);
  if (text === undefined) return wrongType(report, item, `a port: ${SHORT_FORM}`);
  const [address = '', protocol = 'tcp', ...rest] = text.split('/');
  const parts = address.split(':');
  const inside = toRange(parts.at(-1) ?? '');
  const hostText = parts.at(-2) ?? '';
  const outside = toHostRange(hostText);
  const hostIp = parts.length > 2 ? toHostIp(parts.slice(0, -2).join(':')) : null;
  const known = PROTOCOLS.find((one) => one === protocol.toLowerCase());
  if (!inside || outside === 'wrong' || hostIp === undefined || !known || rest.length > 0) {
    return misread(report, item, SHORT_FORM);
  }
  return { spot: item, inside, outside, hostIp, protocol: known };
}

/** IPv6 with or without brackets; undefined: no address. */
function toHostIp(text: string): string | undefined {
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

/** Nothing and 0 mean that Docker picks. */
function toHostRange(text: string): PortRange | undefined | 'wrong' {
  return /^0*$/.test(text) ? undefined : (toRange(text) ?? 'wrong');
}

function sizeOf({ first, last }: PortRange): number {
  return last - first + 1;
}

function readLongPort(report: Report, item: Value): Mapping | undefined {
  const fields = readKeys(report, item, LONG_WORDS, 'a port {target, published, protocol, host_ip}');
  if (!fields) return undefined;
  // Both modes are the same here: each container publishes on its own host.
  readTextChoice(report, fields.get('mode'), ['ingress', 'host']);
  readText(report, fields.get('name'));
  readText(report, fields.get('app_protocol'));
  const protocol = readProtocol(report, fields) ?? 'tcp';
  const hostIp = readHostIp(report, fields);
  const outside = readPublished(report, fields.get('published'));
  const target = readInteger(report, required(report, fields, 'target', "the container's port"), {
    min: 1,
    max: MAX_PORT,
  });
  if (target === undefined || outside === 'wrong') return undefined;
  const spot = fields.get('published') ? keySpot(fields, 'published') : item;
  return { spot, inside: { first: target, last: target }, outside, hostIp, protocol };
}

function readProtocol(report: Report, fields: Fields): Protocol | undefined {
  const value = fields.get('protocol');
  const lowered = value?.kind === 'string' ? { ...value, text: value.text.toLowerCase() } : value;
  return readTextChoice(report, lowered, PROTOCOLS);
}

function readHostIp(report: Report, fields: Fields): string | null {
  const value = fields.get('host_ip');
  const text = readText(report, value, 'an IP address');
  if (value === undefined || text === undefined || text === '') return null;
  return toHostIp(text) ?? misread(report, value, 'an IP address') ?? null;
}

function readPublished(report: Report, value: Value | undefined): PortRange | undefined | 'wrong' {
  const text = readText(report, value, 'a port or a range of ports');
  if (value === undefined) return undefined;
  if (text === undefined) return 'wrong';
  const range = toHostRange(text);
  if (range === 'wrong') misread(report, value, `a port from 1 to ${MAX_PORT} or a range such as 8000-8010`);
  return range;
}

/** `<port>[-<port>][/<protocol>]`: container ports only. */
export function readExpose(report: Report, value: Value | undefined): ContainerSpec['expose'] {
  if (value === undefined) return undefined;
  const expected = 'a container port or range such as 3000 or 8080-8085/tcp';
  if (value.kind !== 'list') return wrongType(report, value, `a list: ${expected}`);
  const ports = new Map<string, { port: number; protocol: Protocol }>();
  for (const item of value.items) {
    const [rangeText = '', protocolText = 'tcp', ...rest] = (readText(report, item, expected) ?? '').split('/');
    const range = toRange(rangeText);
    const protocol = PROTOCOLS.find((one) => one === protocolText.toLowerCase());
    if (!range || !protocol || rest.length > 0) {
      if (toText(item) !== undefined) misread(report, item, expected);
      continue;
    }
    if (isTooMany(report, item, ports.size + sizeOf(range))) continue;
    for (let port = range.first; port <= range.last; port += 1) ports.set(`${port}/${protocol}`, { port, protocol });
  }
  return [...ports.values()];
}
