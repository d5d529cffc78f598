/** `networks` and `network_mode` of a Compose service. */
import { type Family, familyOf, toAddress } from '../../../spec/addresses.ts';
import type { AttachmentSpec, ContainerSpec } from '../../../spec/spec.ts';
import { quote } from '../../problems.ts';
import type { Place } from '../../reader.ts';
import { compact, orAbsent } from '../compact.ts';
import { findDeclared } from '../declared.ts';
import { holds } from '../ipam.ts';
import { DEFAULT_NETWORK, type ParsedNetwork } from '../networks.ts';
import type { ComposeFields, ComposeReader, Pattern } from '../reader.ts';
import { readIp } from './name-resolution.ts';

export const NETWORKING_KEYS = ['networks', 'network_mode'];

export type Networking = Pick<ContainerSpec, 'networkMode' | 'networks'> & {
  /** Keys of the networks it is on. */
  used: string[];
  /** The keys that ask for an address that only one container can have. */
  fixed: { place: Place; key: string }[];
};

/** A service on a network. */
type ParsedAttachment = Pick<Networking, 'fixed'> & {
  key: string;
  place: Place;
  network: ParsedNetwork;
  priority: number;
  spec: AttachmentSpec;
};

const SETTINGS_KEYS = [
  'aliases',
  'ipv4_address',
  'ipv6_address',
  'link_local_ips',
  'mac_address',
  'driver_opts',
  'priority',
  'gw_priority',
  'interface_name',
];
const FIXED_KEYS = ['ipv4_address', 'ipv6_address', 'link_local_ips', 'mac_address'];
const REFUSED = {
  gw_priority: 'it needs Docker 28; "priority" puts a network first; remove it',
  interface_name: 'it needs Docker 28.1; remove it',
};
const MAC_ADDRESS = /^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i;
const HOST_NAME: Pattern = { form: /^[^\s:/]+$/, expected: 'a host name' };

export function readNetworking(
  service: ComposeFields,
  names: { service: string; container: string | undefined },
  networks: ReadonlyMap<string, ParsedNetwork>,
): Networking {
  const mode = readMode(service);
  if (mode) return { networkMode: mode, networks: [], used: [], fixed: [] };
  const attachments = readAttachments(service.get('networks'), networks);
  const builtIn = findBuiltIn(attachments);
  if (builtIn) return { networkMode: builtIn, networks: [], used: [], fixed: [] };
  checkMacAddresses(attachments);
  const ordered = attachments.toSorted((a, b) => b.priority - a.priority);
  const others = names.container === undefined ? [] : [names.container];
  return {
    networkMode: 'bridge',
    networks: ordered.map(({ spec }) => ({
      ...spec,
      aliases: [...new Set([names.service, ...spec.aliases, ...others])],
    })),
    used: attachments.map(({ key }) => key),
    fixed: attachments.flatMap(({ fixed }) => fixed),
  };
}

/** Gives `none` after reporting a bad mode, so that the networks are not reported as well. */
function readMode(service: ComposeFields): Networking['networkMode'] | undefined {
  const value = service.get('network_mode');
  const text = value.text('host, none or bridge');
  if (text === undefined) return undefined;
  if (service.has('networks')) {
    const message = 'expected only one of networks, network_mode: Compose takes no service with both';
    service.keyOf('network_mode').report('CONFLICTING_FIELDS', message);
  }
  if (/^(?:service|container):/.test(text)) {
    const wayOut = 'put both on one network, where they reach one another by the names of their services';
    return value.refuse(`sharing the network of another container (${quote(text)})`, wayOut) ?? 'none';
  }
  if (text === 'host' || text === 'none' || text === 'bridge') return text;
  return value.misread('host, none or bridge (other networks go under "networks")') ?? 'none';
}

function readAttachments(value: ComposeReader, networks: ReadonlyMap<string, ParsedNetwork>): ParsedAttachment[] {
  const entries = readEntries(value);
  const network = networks.get(DEFAULT_NETWORK);
  if (entries.length === 0 && network) {
    const spec = { name: network.spec.name, aliases: [] };
    return [{ key: DEFAULT_NETWORK, place: value, network, priority: 0, fixed: [], spec }];
  }
  return entries.flatMap(({ key, place, settings }) => {
    const reference = { code: 'UNKNOWN_NETWORK', noun: 'a network', section: 'networks' } as const;
    const network = findDeclared(reference, networks, key, place);
    return network ? [{ key, place, network, ...readSettings(settings, network) }] : [];
  });
}

type NetworkEntry = { key: string; place: Place; settings: ComposeReader | undefined };

/** A list of names, or a map whose values may be left empty. */
function readEntries(value: ComposeReader): NetworkEntry[] {
  if (value.kind === 'object') {
    return value.entries.map((entry) => {
      const settings = entry.value.kind === 'null' ? undefined : entry.value;
      return { key: entry.key, place: entry, settings };
    });
  }
  const seen = new Set<string>();
  return (value.list('a list of networks, or a map {network: settings}') ?? []).flatMap((item) => {
    const key = item.text('the name of a network');
    if (key === undefined) return [];
    if (seen.has(key)) item.report('DUPLICATE_NAME', `expected ${quote(key)} only once`);
    seen.add(key);
    return { key, place: item, settings: undefined };
  });
}

function readSettings(
  value: ComposeReader | undefined,
  network: ParsedNetwork,
): Pick<ParsedAttachment, 'priority' | 'spec' | 'fixed'> {
  const name = network.spec.name;
  const fields = value?.map(SETTINGS_KEYS, 'the settings of a network {aliases, ipv4_address, ...}');
  if (!fields) return { priority: 0, fixed: [], spec: { name, aliases: [] } };
  for (const [key, wayOut] of Object.entries(REFUSED)) {
    if (fields.has(key)) fields.keyOf(key).refuse(quote(key), wayOut);
  }
  const spec = compact<AttachmentSpec>({
    name,
    aliases: readAliases(fields.get('aliases')),
    ipv4Address: readAddress(fields.get('ipv4_address'), 4, network),
    ipv6Address: readAddress(fields.get('ipv6_address'), 6, network),
    linkLocalIps: orAbsent(readLinkLocalIps(fields.get('link_local_ips'))),
    macAddress: readMacAddress(fields.get('mac_address')),
    driverOptions: orAbsent(fields.get('driver_opts').options()),
  });
  const fixed = FIXED_KEYS.filter((key) => fields.has(key)).map((key) => ({ place: fields.keyOf(key), key }));
  return { priority: fields.get('priority').number() ?? 0, spec, fixed };
}

function readAliases(value: ComposeReader): string[] {
  return (value.list('a list of names') ?? []).flatMap((item) => item.matching(HOST_NAME) ?? []);
}

function readAddress(value: ComposeReader, family: Family, { subnets }: ParsedNetwork): string | undefined {
  const expected = `an IPv${family} address`;
  const text = value.text(expected);
  if (text === undefined) return undefined;
  const address = toAddress(text);
  if (!address || familyOf(address) !== family) return value.misread(expected);
  if (subnets && !holds(subnets, text)) {
    value.misread("an address inside a subnet of the network's own ipam.config: Docker takes no other");
  }
  return text;
}

function readLinkLocalIps(value: ComposeReader): string[] | undefined {
  return value.list('a list of IP addresses')?.flatMap((item) => readIp(item) ?? []);
}

function readMacAddress(value: ComposeReader): string | undefined {
  const text = value.text('a MAC address');
  if (text === undefined || MAC_ADDRESS.test(text)) return text;
  return value.misread('a MAC address such as 02:42:ac:11:00:03');
}

/** Before API 1.44, Docker has one MAC address for the whole container. */
function checkMacAddresses(attachments: ParsedAttachment[]): void {
  if (attachments.length < 2) return;
  for (const { fixed } of attachments) {
    const wayOut = 'older Docker engines take it only for a container on one network; remove it, or the other networks';
    fixed.find(({ key }) => key === 'mac_address')?.place.refuse('"mac_address" beside another network', wayOut);
  }
}

/** With `external: true` and the name host or none, the specification names one of Docker's own networks. */
function findBuiltIn(attachments: ParsedAttachment[]): Networking['networkMode'] | undefined {
  const found = attachments.find(({ network }) => network.builtIn);
  if (found && attachments.length > 1) {
    const message = `expected no other network beside Docker's own network ${quote(found.network.spec.name)}`;
    found.place.report('CONFLICTING_FIELDS', message);
  }
  return found?.network.builtIn;
}
