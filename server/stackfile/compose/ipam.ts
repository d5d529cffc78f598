/** `ipam` of a network in a Compose file: subnets of both families, each with the addresses that belong into it. */
import { contains, containsSubnet, type Subnet, toAddress, toSubnet } from '../../spec/addresses.ts';
import type { IpamSpec } from '../../spec/spec.ts';
import type { Place } from '../reader.ts';
import { compact, orAbsent } from './compact.ts';
import type { ComposeReader } from './reader.ts';

export type Ipam = { spec: IpamSpec; subnets: { place: Place; subnet: Subnet }[] };

const BLOCK_KEYS = ['subnet', 'ip_range', 'gateway', 'aux_addresses'];

export function readIpam(value: ComposeReader): Ipam | undefined {
  const fields = value.map(['driver', 'config', 'options'], 'a map {driver, config, options}');
  if (!fields) return undefined;
  const items = fields.get('config').list('a list of {subnet, ip_range, gateway, aux_addresses}') ?? [];
  const blocks = items.flatMap((item) => readBlock(item) ?? []);
  const spec = compact<IpamSpec>({
    driver: fields.get('driver').text('the name of a driver'),
    options: orAbsent(fields.get('options').options()),
    configs: blocks.map((block) => block.spec),
  });
  return { spec, subnets: blocks.flatMap((block) => block.subnet ?? []) };
}

function readBlock(item: ComposeReader) {
  const fields = item.map(BLOCK_KEYS, 'a map {subnet, ip_range, gateway, aux_addresses}');
  if (!fields) return undefined;
  const value = fields.get('subnet');
  const subnet = readSubnet(value, 'a subnet such as 172.28.0.0/16, without an address inside it');
  for (const entry of fields.entries) {
    if (!value.isAbsent || !BLOCK_KEYS.includes(entry.key)) continue;
    entry.report('INVALID_VALUE', 'expected a subnet beside it: Docker takes this only together');
  }
  const rangeValue = fields.get('ip_range');
  const range = readSubnet(rangeValue, 'a range such as 172.28.5.0/24');
  if (range && subnet && !containsSubnet(subnet, range)) rangeValue.misread('a range inside the subnet');
  const spec = compact<IpamSpec['configs'][number]>({
    subnet: value.text(),
    ipRange: rangeValue.text(),
    gateway: readAddressInside(fields.get('gateway'), subnet),
    auxAddresses: orAbsent(readAuxAddresses(fields.get('aux_addresses'), subnet)),
  });
  return { spec, subnet: subnet && { place: value, subnet } };
}

function readAuxAddresses(value: ComposeReader, subnet: Subnet | undefined): Record<string, string> | undefined {
  if (value.kind !== 'object') return value.wrongType('a map {host: address}');
  const pairs = value.entries.map((entry) => [entry.key, readAddressInside(entry.value, subnet) ?? ''] as const);
  return Object.fromEntries(pairs);
}

function readAddressInside(value: ComposeReader, subnet: Subnet | undefined): string | undefined {
  const text = value.text('an IP address');
  if (text === undefined) return undefined;
  if (!toAddress(text)) value.misread('an IP address');
  else if (subnet && !holds([subnet], text)) value.misread('an address inside the subnet');
  return text;
}

function readSubnet(value: ComposeReader, expected: string): Subnet | undefined {
  const text = value.text(expected);
  if (text === undefined) return undefined;
  const subnet = toSubnet(text);
  return subnet && !subnet.hasHostBits ? subnet : value.misread(expected);
}

/** Tells whether one of the subnets has the address. */
export function holds(subnets: readonly Subnet[], ip: string): boolean {
  const address = toAddress(ip);
  return address !== undefined && subnets.some((subnet) => contains(subnet, address));
}
