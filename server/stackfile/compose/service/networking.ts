/** `networks` and `network_mode` of a Compose service. */
import { familyOf, toAddress } from '../../../spec/addresses.ts';
import type { AttachmentSpec, ContainerSpec } from '../../../spec/spec.ts';
import { type Fields, wrongType } from '../../fields.ts';
import { quote, type Report, type Spot, type StringValue, type Value } from '../../text.ts';
import { type Context, findDeclared, readOptions } from '../declared.ts';
import { holds } from '../ipam.ts';
import { compact, keySpot, orAbsent, readKeys, refuse } from '../keys.ts';
import { DEFAULT_NETWORK, type NetworkDraft } from '../networks.ts';
import { misread, readNumber, readText, readTexts, toText } from '../scalars.ts';

export const ATTACHMENT_WORDS = ['networks', 'network_mode'];

export type Networking = Pick<ContainerSpec, 'networkMode' | 'networks'> & {
  /** Keys of the networks it is on. */
  used: string[];
  /** Addresses of which there is only one, so that only one container can have them. */
  fixed: { spot: Spot; what: string }[];
};

type Attachment = Pick<Networking, 'fixed'> & {
  key: string;
  spot: Spot;
  draft: NetworkDraft;
  priority: number;
  spec: AttachmentSpec;
};

const WORDS = [
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

export function readNetworking(
  { report }: Context,
  service: Fields,
  names: { service: string; container: StringValue | undefined },
  networks: ReadonlyMap<string, NetworkDraft>,
): Networking {
  const mode = readMode(report, service);
  if (mode) return { networkMode: mode, networks: [], used: [], fixed: [] };
  const attachments = readAttachments(report, service.get('networks'), networks);
  const builtIn = findBuiltIn(report, attachments);
  if (builtIn) return { networkMode: builtIn, networks: [], used: [], fixed: [] };
  checkMacAddresses(report, attachments);
  const ordered = attachments.toSorted((a, b) => b.priority - a.priority);
  const others = names.container ? [names.container.text] : [];
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

function readMode(report: Report, service: Fields): Networking['networkMode'] | undefined {
  const value = service.get('network_mode');
  const text = readText(report, value, 'host, none or bridge');
  if (value === undefined || text === undefined) return undefined;
  if (service.get('networks')) {
    const message = 'expected only one of networks, network_mode: Compose takes no service with both';
    report('CONFLICTING_FIELDS', keySpot(service, 'network_mode'), message);
  }
  if (/^(?:service|container):/.test(text)) {
    const wayOut = 'put both on one network, where they reach one another by the names of their services';
    refuse(report, value, `sharing the network of another container (${quote(text)})`, wayOut);
    return 'none';
  }
  if (text === 'host' || text === 'none' || text === 'bridge') return text;
  return misread(report, value, 'host, none or bridge (other networks go under "networks")') ?? 'none';
}

function readAttachments(
  report: Report,
  value: Value | undefined,
  networks: ReadonlyMap<string, NetworkDraft>,
): Attachment[] {
  const entries = readEntries(report, value);
  if (entries.length === 0) {
    const draft = networks.get(DEFAULT_NETWORK);
    const spot = value ?? { path: '', offset: 0 };
    return draft
      ? [{ key: DEFAULT_NETWORK, spot, draft, priority: 0, fixed: [], spec: { name: draft.spec.name, aliases: [] } }]
      : [];
  }
  return entries.flatMap(({ key, spot, settings }) => {
    const words = { code: 'UNKNOWN_NETWORK', noun: 'a network', section: 'networks' } as const;
    const draft = findDeclared(report, words, networks, key, spot);
    return draft ? [{ key, spot, draft, ...readSettings(report, settings, draft) }] : [];
  });
}

function readEntries(
  report: Report,
  value: Value | undefined,
): { key: string; spot: Spot; settings: Value | undefined }[] {
  if (value === undefined) return [];
  if (value.kind === 'object') {
    return value.fields.map((field) => {
      const settings = field.value.kind === 'null' ? undefined : field.value;
      return { key: field.key, spot: field, settings };
    });
  }
  if (value.kind !== 'list') return wrongType(report, value, 'a list of networks, or a map {network: settings}') ?? [];
  const seen = new Set<string>();
  return value.items.flatMap((item) => {
    const key = toText(item);
    if (key === undefined) return wrongType(report, item, 'the name of a network') ?? [];
    if (seen.has(key)) report('DUPLICATE_NAME', item, `expected ${quote(key)} only once`);
    seen.add(key);
    return { key, spot: item, settings: undefined };
  });
}

function readSettings(
  report: Report,
  value: Value | undefined,
  draft: NetworkDraft,
): Pick<Attachment, 'priority' | 'spec' | 'fixed'> {
  const name = draft.spec.name;
  const fields = readKeys(report, value, WORDS, 'the settings of a network {aliases, ipv4_address, ...}');
  if (!fields) return { priority: 0, fixed: [], spec: { name, aliases: [] } };
  for (const [word, since] of [
    ['gw_priority', 'Docker 28; "priority" puts a network first'],
    ['interface_name', 'Docker 28.1'],
  ] as const) {
    if (fields.get(word)) refuse(report, keySpot(fields, word), quote(word), `it needs ${since}; remove it`);
  }
  const spec = compact<AttachmentSpec>({
    name,
    aliases: readAliases(report, fields.get('aliases')),
    ipv4Address: readAddress(report, fields.get('ipv4_address'), 4, draft),
    ipv6Address: readAddress(report, fields.get('ipv6_address'), 6, draft),
    linkLocalIps: orAbsent(readLinkLocal(report, fields.get('link_local_ips'))),
    macAddress: readMacAddress(report, fields.get('mac_address')),
    driverOptions: orAbsent(readOptions(report, fields.get('driver_opts'))),
  });
  const fixed = ['ipv4_address', 'ipv6_address', 'link_local_ips', 'mac_address']
    .filter((word) => fields.get(word))
    .map((word) => ({ spot: keySpot(fields, word), what: word }));
  return { priority: readNumber(report, fields.get('priority')) ?? 0, spec, fixed };
}

function readAliases(report: Report, value: Value | undefined): string[] {
  if (value === undefined) return [];
  if (value.kind !== 'list') return wrongType(report, value, 'a list of names') ?? [];
  for (const item of value.items) {
    const text = toText(item);
    if (text !== undefined && !/^[^\s:/]+$/.test(text)) misread(report, item, 'a host name');
  }
  return readTexts(report, value, 'a host name') ?? [];
}

function readAddress(
  report: Report,
  value: Value | undefined,
  family: 4 | 6,
  { subnets }: NetworkDraft,
): string | undefined {
  const text = readText(report, value, `an IPv${family} address`);
  if (value === undefined || text === undefined) return undefined;
  const address = toAddress(text);
  if (!address || familyOf(address) !== family) return misread(report, value, `an IPv${family} address`);
  if (subnets && !holds(subnets, text)) {
    misread(report, value, "an address inside a subnet of the network's own ipam.config: Docker takes no other");
  }
  return text;
}

function readLinkLocal(report: Report, value: Value | undefined): string[] | undefined {
  if (value === undefined) return undefined;
  if (value.kind !== 'list') return wrongType(report, value, 'a list of IP addresses');
  return value.items.flatMap((item) => {
    const text = readText(report, item, 'an IP address');
    if (text === undefined) return [];
    return toAddress(text) ? text : (misread(report, item, 'an IP address') ?? []);
  });
}

function readMacAddress(report: Report, value: Value | undefined): string | undefined {
  const text = readText(report, value, 'a MAC address');
  if (value === undefined || text === undefined) return undefined;
  return /^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text)
    ? text
    : misread(report, value, 'a MAC address such as 02:42:ac:11:00:03');
}

/** Before API 1.44 Docker has one MAC address for the whole container. */
function checkMacAddresses(report: Report, attachments: Attachment[]): void {
  if (attachments.length < 2) return;
  for (const { fixed } of attachments) {
    const found = fixed.find(({ what }) => what === 'mac_address');
    if (!found) continue;
    const wayOut = 'older Docker engines take it only for a container on one network; remove it, or the other networks';
    refuse(report, found.spot, '"mac_address" beside another network', wayOut);
  }
}

/** `external: true` with the name host or none is the specification's way to Docker's own networks. */
function findBuiltIn(report: Report, attachments: Attachment[]): Networking['networkMode'] | undefined {
  const found = attachments.find(({ draft }) => draft.builtIn);
  if (found && attachments.length > 1) {
    const message = `expected no other network beside Docker's own network ${quote(found.draft.spec.name)}`;
    report('CONFLICTING_FIELDS', found.spot, message);
  }
  return found?.draft.builtIn;
}
