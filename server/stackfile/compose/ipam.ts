/** `ipam` of a network in a Compose file: subnets of both families, each with what belongs into it. */
import { contains, containsSubnet, type Subnet, toAddress, toSubnet } from '../../spec/addresses.ts';
import type { IpamSpec } from '../../spec/spec.ts';
import { type Fields, wrongType } from '../fields.ts';
import type { Report, Value } from '../text.ts';
import { readOptions } from './declared.ts';
import { compact, orAbsent, readKeys } from './keys.ts';
import { misread, readText } from './scalars.ts';

export type Ipam = { spec: IpamSpec; subnets: { value: Value; subnet: Subnet }[] };

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
  const subnet = readSubnet(report, value, SUBNET_FORM);
  for (const field of fields.all) {
    if (value || field.key === 'subnet' || !words.includes(field.key)) continue;
    report('INVALID_VALUE', field, 'expected a subnet beside it: Docker takes this only together');
  }
  const range = readSubnet(report, fields.get('ip_range'), 'a range such as 172.28.5.0/24');
  if (range && subnet && !containsSubnet(subnet, range)) {
    misread(report, fields.get('ip_range') ?? item, 'a range inside the subnet');
  }
  const spec = compact<IpamSpec['configs'][number]>({
    subnet: readText(report, value),
    ipRange: readText(report, fields.get('ip_range')),
    gateway: readInside(report, fields.get('gateway'), subnet),
    auxAddresses: orAbsent(readAuxAddresses(report, fields, subnet)),
  });
  return { spec, subnet: value && subnet && { value, subnet } };
}

function readAuxAddresses(report: Report, fields: Fields, subnet: Subnet | undefined) {
  const value = fields.get('aux_addresses');
  if (value === undefined) return undefined;
  if (value.kind !== 'object') return wrongType(report, value, 'a map {host: address}');
  const pairs = value.fields.map(({ key, value }) => [key, readInside(report, value, subnet) ?? ''] as const);
  return Object.fromEntries(pairs);
}

function readInside(report: Report, value: Value | undefined, subnet: Subnet | undefined): string | undefined {
  const text = readText(report, value, 'an IP address');
  if (value === undefined || text === undefined) return undefined;
  if (!toAddress(text)) misread(report, value, 'an IP address');
  else if (subnet && !holds([subnet], text)) misread(report, value, 'an address inside the subnet');
  return text;
}

function readSubnet(report: Report, value: Value | undefined, expected: string): Subnet | undefined {
  const text = readText(report, value, expected);
  if (value === undefined || text === undefined) return undefined;
  const subnet = toSubnet(text);
  return subnet && !subnet.hasHostBits ? subnet : misread(report, value, expected);
}

/** Whether one of the subnets has the address. */
export function holds(subnets: readonly Subnet[], ip: string): boolean {
  const address = toAddress(ip);
  return address !== undefined && subnets.some((subnet) => contains(subnet, address));
}
