/** The `network` of a stack or of a container: `{name, driver, subnet, gateway, ipRange, labels}`. */
import {
  type Address,
  contains,
  containsSubnet,
  isSameAddress,
  type Subnet,
  toAddress,
  toSubnet,
} from '../../spec/addresses.ts';
import type { NetworkSpec } from '../../spec/spec.ts';
import { findResourceNameProblem } from '../names.ts';
import { quote } from '../problems.ts';
import type { Place } from '../reader.ts';
import { readLabels } from './pairs.ts';
import type { JsonldFields, JsonldReader } from './reader.ts';

export type NetworkMode = 'bridge' | 'host' | 'none';

export type ParsedNetwork = {
  place: Place;
  mode: NetworkMode;
  /** Its name does not have the stack's name in front yet. */
  spec: NetworkSpec;
  /** Whether it says more than a name; one that does not refers to a network described elsewhere in the file. */
  isDescribed: boolean;
};

const SETTINGS = ['driver', 'subnet', 'gateway', 'ipRange', 'labels'];
const EXPECTED = 'a network {name, driver, subnet, gateway, ipRange, labels}';

/** `defaultName` is for a network that has no name of its own; without it, the name is required. */
export function readNetwork(value: JsonldReader, defaultName?: string): ParsedNetwork | undefined {
  const fields = value.node('network', SETTINGS, EXPECTED);
  if (!fields) return undefined;
  const name = readName(fields.get('name'), defaultName);
  const spec = {
    name: name ?? '',
    driver: readDriver(fields.get('driver')),
    ...readAddresses(fields),
    labels: readLabels(fields.get('labels')),
  };
  if (name === undefined) return undefined;
  const setting = fields.entries.find(({ key }) => SETTINGS.includes(key));
  const mode = name === 'host' || name === 'none' ? name : 'bridge';
  if (mode !== 'bridge') {
    setting?.report(
      'INVALID_VALUE',
      `expected no ${setting.key}: Docker's own network ${quote(name)} takes no settings`,
    );
  }
  const place = fields.has('name') ? fields.get('name') : value;
  return { place, mode, spec, isDescribed: setting !== undefined };
}

function readName(value: JsonldReader, defaultName?: string): string | undefined {
  if (value.isAbsent) {
    if (defaultName !== undefined) return defaultName;
    return value.report('MISSING_FIELD', 'expected "name": the name of a network, host or none');
  }
  const name = value.stringOrNone;
  return name !== undefined && value.checkName(name, findResourceNameProblem) ? name : undefined;
}

function readDriver(value: JsonldReader): string {
  const driver = value.string();
  if (driver === undefined) return 'bridge';
  if (findResourceNameProblem(driver) || ['host', 'none', 'null'].includes(driver)) {
    value.misread('a network driver such as bridge or macvlan');
  }
  return driver;
}

function readAddresses(fields: JsonldFields): Pick<NetworkSpec, 'subnet' | 'gateway' | 'ipRange'> {
  const [subnet, gateway, ipRange] = ['subnet', 'gateway', 'ipRange'].map((key) => fields.get(key).string());
  const outer = readSubnet(fields.get('subnet'));
  checkGateway(fields.get('gateway'), outer);
  const inner = readSubnet(fields.get('ipRange'));
  if (inner && outer && !containsSubnet(outer, inner)) fields.get('ipRange').misread('a range inside the subnet');
  for (const key of ['gateway', 'ipRange']) {
    const dependent = fields.get(key);
    if (dependent.stringOrNone === undefined || fields.has('subnet')) continue;
    dependent.report('INVALID_VALUE', 'expected a subnet beside it: Docker takes this only together');
  }
  return { subnet: subnet ?? null, gateway: gateway ?? null, ipRange: ipRange ?? null };
}

/** The agent makes no IPv6 networks, and Docker would leave out the IPv6 part of one without a word. */
function readSubnet(value: JsonldReader): Subnet | undefined {
  const text = value.stringOrNone;
  if (text === undefined) return undefined;
  const subnet = /\/\d{1,2}$/.test(text) ? toSubnet(text) : undefined;
  if (subnet?.family !== 4) return value.misread('an IPv4 subnet such as 10.20.0.0/24');
  if (subnet.hasHostBits) {
    const message = `expected the subnet's own address before /${subnet.prefix}, found an address inside it`;
    value.report('INVALID_VALUE', message);
  }
  return subnet;
}

function checkGateway(value: JsonldReader, subnet: Subnet | undefined): void {
  const text = value.stringOrNone;
  if (text === undefined) return;
  const address = toAddress(text);
  if (!address) value.misread('an IP address');
  else if (subnet && !isForMachine(subnet, address)) value.misread('an address for a machine inside the subnet');
}

/** The first address of a subnet is its own name, and the last one is for broadcasts. */
function isForMachine(subnet: Subnet, address: Address): boolean {
  const isReserved = [subnet.first, subnet.last].some((edge) => isSameAddress(edge, address));
  return !isReserved && contains(subnet, address);
}

/** Gives each network once. A second description of one must be the same as the first. */
export function mergeNetworks(networks: ParsedNetwork[]): NetworkSpec[] {
  const merged = new Map<string, ParsedNetwork>();
  for (const network of networks) {
    const { name } = network.spec;
    const first = merged.get(name);
    if (!first?.isDescribed) merged.set(name, network);
    else if (network.isDescribed && !isSameNetwork(first.spec, network.spec)) {
      const message = `expected the same settings as at ${first.place.path}: network ${quote(name)} is one network`;
      network.place.report('NETWORK_REDEFINED', message);
    }
  }
  return [...merged.values()].map(({ spec }) => spec);
}

function isSameNetwork(a: NetworkSpec, b: NetworkSpec): boolean {
  const keys = Object.keys(a.labels);
  const hasSameLabels =
    keys.length === Object.keys(b.labels).length && keys.every((key) => a.labels[key] === b.labels[key]);
  return (
    hasSameLabels &&
    a.driver === b.driver &&
    a.subnet === b.subnet &&
    a.gateway === b.gateway &&
    a.ipRange === b.ipRange
  );
}
