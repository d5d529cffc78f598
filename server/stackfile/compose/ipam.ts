/** `ipam` of a network in a Compose file: subnets of both families, each with what belongs into it. */
import { toAddress } from '../../spec/addresses.ts';
import type { IpamSpec } from '../../spec/spec.ts';
import { type Fields, wrongType } from '../fields.ts';
import type { Report, Value } from '../text.ts';
import { readOptions } from './declared.ts';
import { compact, orAbsent, readKeys } from './keys.ts';
import { misread, readText } from './scalars.ts';

/** The addresses of a subnet, of either family. */
export type Prefix = { family: 4 | 6; first: bigint; last: bigint };

export type Ipam = { spec: IpamSpec; subnets: { value: Value; prefix: Prefix }[] };

const SUBNET_FORM = 'a subnet such as 172.28.0.0/16, without an address inside it';

export function readIpam(report: Report, value: Value | undefined): Ipam | undefined {
  const fields = readKeys(report, value, ['driver', 'config', 'options'], 'a map {driver, config, options}');
  if (!fields) return undefined;
  const config = fields.get('config');
  const items = config?.kind === 'list' ? config.items : [];
  if (config && config.kind !== 'list')
    wrongType(report, config, 'a list of {subnet, ip_range, gateway, aux_addresses}');
  const blocks = items.flatMap((item) => readBlock(report, item) ?? []);
  const spec = compact<IpamSpec>({
    driver: readText(report, fields.get('driver'), 'the name of a driver'),
    options: orAbsent(readOptions(report, fields.get('options'))),
    configs: blocks.map((block) => block.spec),
  });
  return { spec, subnets: blocks.flatMap((block) => block.subnet ?? []) };
}

function readBlock(report: Report, item: Value) {
  const words = ['subnet', 'ip_range', 'gateway', 'aux_addresses'];
  const fields = readKeys(report, item, words, 'a map {subnet, ip_range, gateway, aux_addresses}');
  if (!fields) return undefined;
  const value = fields.get('subnet');
  const subnet = readPrefix(report, value, SUBNET_FORM);
  for (const field of fields.all) {
    if (value || field.key === 'subnet' || !words.includes(field.key)) continue;
    report('INVALID_VALUE', field, 'expected a subnet beside it: Docker takes this only together');
  }
  const range = readPrefix(report, fields.get('ip_range'), 'a range such as 172.28.5.0/24');
  if (range && subnet && !(isInside(range.first, range, subnet) && isInside(range.last, range, subnet))) {
    misread(report, fields.get('ip_range') ?? item, 'a range inside the subnet');
  }
  const spec = compact<IpamSpec['configs'][number]>({
    subnet: readText(report, value),
    ipRange: readText(report, fields.get('ip_range')),
    gateway: readInside(report, fields.get('gateway'), subnet),
    auxAddresses: orAbsent(readAuxAddresses(report, fields, subnet)),
  });
  return { spec, subnet: value && subnet && { value, prefix: subnet } };
}

function readAuxAddresses(report: Report, fields: Fields, subnet: Prefix | undefined) {
  const value = fields.get('aux_addresses');
  if (value === undefined) return undefined;
  if (value.kind !== 'object') return wrongType(report, value, 'a map {host: address}');
  const pairs = value.fields.map(({ key, value }) => [key, readInside(report, value, subnet) ?? ''] as const);
  return Object.fromEntries(pairs);
}

function readInside(report: Report, value: Value | undefined, subnet: Prefix | undefined): string | undefined {
  const text = readText(report, value, 'an IP address');
  if (value === undefined || text === undefined) return undefined;
  if (!toAddress(text)) misread(report, value, 'an IP address');
  else if (subnet && !holds([subnet], text)) misread(report, value, 'an address inside the subnet');
  return text;
}

function readPrefix(report: Report, value: Value | undefined, expected: string): Prefix | undefined {
  const text = readText(report, value, expected);
  if (value === undefined || text === undefined) return undefined;
  return toPrefix(text) ?? misread(report, value, expected);
}

function toPrefix(text: string): Prefix | undefined {
  const [, ip = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = toAddress(ip);
  const width = address?.family === 6 ? 128 : 32;
  const length = Number(bits);
  if (!address || length > width) return undefined;
  const size = 1n << BigInt(width - length);
  if (address.bits % size !== 0n) return undefined;
  return { family: address.family, first: address.bits, last: address.bits + size - 1n };
}

function isInside(bits: bigint, { family }: Pick<Prefix, 'family'>, prefix: Prefix): boolean {
  return family === prefix.family && bits >= prefix.first && bits <= prefix.last;
}

/** Whether one of the subnets has the address. */
export function holds(subnets: readonly Prefix[], ip: string): boolean {
  const address = toAddress(ip);
  return address !== undefined && subnets.some((subnet) => isInside(address.bits, address, subnet));
}
