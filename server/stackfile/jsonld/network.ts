/** The `network` of a stack or of a container: `{name, driver, subnet, gateway, ipRange, labels}`. */
import { contains, containsSubnet, isSameAddress, type Subnet, toAddress, toSubnet } from '../../spec/addresses.ts';
import type { NetworkSpec } from '../../spec/spec.ts';
import { type Fields, readString } from '../fields.ts';
import { findResourceNameProblem } from '../names.ts';
import { fieldPath, quote, type Report, type Spot, type StringValue, type Value } from '../text.ts';
import { readLabels } from './pairs.ts';
import { readNode } from './vocabulary.ts';

export type NetworkMode = 'bridge' | 'host' | 'none';

/** `spec.name` is still without the stack's name in front. */
export type NetworkDraft = {
  spot: Spot;
  mode: NetworkMode;
  spec: NetworkSpec;
  /** Whether it says more than a name; one that does not refers to a network described elsewhere in the file. */
  isDescribed: boolean;
};

const SETTINGS = ['driver', 'subnet', 'gateway', 'ipRange', 'labels'];
const EXPECTED = 'a network {name, driver, subnet, gateway, ipRange, labels}';

/** `defaultName` is for a network that has no name of its own; without it, the name is required. */
export function readNetwork(report: Report, value: Value | undefined, defaultName?: string): NetworkDraft | undefined {
  if (!value) return undefined;
  const fields = readNode(report, value, 'network', SETTINGS, EXPECTED);
  if (!fields) return undefined;
  const name = readName(report, fields, defaultName);
  const spec = {
    name: name ?? '',
    driver: readDriver(report, fields),
    ...readAddresses(report, fields),
    labels: readLabels(report, fields.get('labels')),
  };
  if (name === undefined) return undefined;
  const setting = fields.all.find((field) => SETTINGS.includes(field.key));
  if ((name === 'host' || name === 'none') && setting) {
    report(
      'INVALID_VALUE',
      setting,
      `expected no ${setting.key}: Docker's own network ${quote(name)} takes no settings`,
    );
  }
  const mode = name === 'host' || name === 'none' ? name : 'bridge';
  return { spot: fields.get('name') ?? value, mode, spec, isDescribed: setting !== undefined };
}

function readName(report: Report, fields: Fields, defaultName?: string): string | undefined {
  const name = fields.get('name');
  if (!name) {
    if (defaultName !== undefined) return defaultName;
    const spot = { path: fieldPath(fields.path, 'name'), offset: fields.offset };
    report('MISSING_FIELD', spot, 'expected "name": the name of a network, host or none');
    return undefined;
  }
  if (name.kind !== 'string') return undefined;
  const problem = findResourceNameProblem(name.text);
  if (problem) report('INVALID_NAME', name, `${problem}, found ${quote(name.text)}`);
  return problem ? undefined : name.text;
}

function readDriver(report: Report, fields: Fields): string {
  const driver = readString(report, fields.get('driver'));
  if (!driver) return 'bridge';
  if (findResourceNameProblem(driver.text) || ['host', 'none', 'null'].includes(driver.text)) {
    report('INVALID_VALUE', driver, `expected a network driver such as bridge or macvlan, found ${quote(driver.text)}`);
  }
  return driver.text;
}

function readAddresses(report: Report, fields: Fields): Pick<NetworkSpec, 'subnet' | 'gateway' | 'ipRange'> {
  const [subnet, gateway, ipRange] = ['subnet', 'gateway', 'ipRange'].map((word) =>
    readString(report, fields.get(word)),
  );
  const outer = readSubnet(report, subnet);
  if (gateway) checkGateway(report, gateway, outer);
  const inner = readSubnet(report, ipRange);
  if (ipRange && inner && outer && !containsSubnet(outer, inner)) {
    report('INVALID_VALUE', ipRange, `expected a range inside the subnet, found ${quote(ipRange.text)}`);
  }
  for (const dependent of [gateway, ipRange]) {
    if (dependent && !fields.get('subnet')) {
      report('INVALID_VALUE', dependent, 'expected a subnet beside it: Docker takes this only together');
    }
  }
  return { subnet: subnet?.text ?? null, gateway: gateway?.text ?? null, ipRange: ipRange?.text ?? null };
}

/** The agent makes no IPv6 networks, and Docker would leave the IPv6 part of one out without a word. */
function readSubnet(report: Report, value: StringValue | undefined): Subnet | undefined {
  if (!value) return undefined;
  const subnet = /\/\d{1,2}$/.test(value.text) ? toSubnet(value.text) : undefined;
  if (subnet?.family !== 4) {
    report('INVALID_VALUE', value, `expected an IPv4 subnet such as 10.20.0.0/24, found ${quote(value.text)}`);
  } else if (subnet.hasHostBits) {
    report(
      'INVALID_VALUE',
      value,
      `expected the subnet's own address before /${subnet.prefix}, found an address inside it`,
    );
  }
  return subnet?.family === 4 ? subnet : undefined;
}

function checkGateway(report: Report, value: StringValue, subnet: Subnet | undefined): void {
  const address = toAddress(value.text);
  if (!address) {
    report('INVALID_VALUE', value, `expected an IP address, found ${quote(value.text)}`);
    return;
  }
  if (!subnet) return;
  const isOfSubnet = [subnet.first, subnet.last].some((edge) => isSameAddress(edge, address));
  if (isOfSubnet || !contains(subnet, address)) {
    report('INVALID_VALUE', value, `expected an address for a machine inside the subnet, found ${quote(value.text)}`);
  }
}

/** Each network once; whoever describes it again must describe the same. */
export function mergeNetworks(report: Report, drafts: NetworkDraft[]): NetworkSpec[] {
  const merged = new Map<string, NetworkDraft>();
  for (const draft of drafts) {
    const first = merged.get(draft.spec.name);
    if (!first?.isDescribed) merged.set(draft.spec.name, draft);
    else if (draft.isDescribed && !isSameNetwork(first.spec, draft.spec)) {
      const message = `expected the same settings as at ${first.spot.path}: network ${quote(draft.spec.name)} is one network`;
      report('NETWORK_REDEFINED', draft.spot, message);
    }
  }
  return [...merged.values()].map((draft) => draft.spec);
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
