/** `networks` at the top level of a Compose file (compose-spec, 06-networks.md). */

import type { Subnet } from '../../spec/addresses.ts';
import type { NetworkSpec } from '../../spec/spec.ts';
import type { Fields } from '../fields.ts';
import { findResourceNameProblem } from '../names.ts';
import { type Field, quote, type Report, type Value } from '../text.ts';
import {
  type Context,
  readDeclaration,
  readDeclarations,
  readIdentity,
  readOptions,
  readOwnLabels,
} from './declared.ts';
import { type Ipam, readIpam } from './ipam.ts';
import { compact, keySpot, orAbsent, refuse } from './keys.ts';
import { misread, readFlag, readText } from './scalars.ts';

export type NetworkDraft = {
  spec: NetworkSpec;
  /** One that every Docker host has: an external network of that name stands for it. */
  builtIn: 'host' | 'none' | 'bridge' | undefined;
  /** Undefined for an external network: only its host knows. */
  subnets: Subnet[] | undefined;
};

export const DEFAULT_NETWORK = 'default';

const WORDS = [
  'name',
  'driver',
  'driver_opts',
  'ipam',
  'external',
  'internal',
  'attachable',
  'enable_ipv4',
  'enable_ipv6',
  'labels',
];

/** The default network is always among them. */
export function readNetworks(context: Context, value: Value | undefined): Map<string, NetworkDraft> {
  const networks = new Map<string, NetworkDraft>();
  const hostNames = new Map<string, string>();
  for (const field of readDeclarations(context.report, value, 'networks by their names')) {
    const draft = readNetwork(context, field);
    if (!draft) continue;
    const other = hostNames.get(draft.spec.name);
    if (other !== undefined) {
      const message = `expected another "name" than that of ${quote(other)}: on the host they would be one network`;
      context.report('NETWORK_REDEFINED', field, message);
    }
    hostNames.set(draft.spec.name, field.key);
    networks.set(field.key, draft);
  }
  if (!networks.has(DEFAULT_NETWORK)) {
    const spec = plainNetwork(`${context.stack}_${DEFAULT_NETWORK}`);
    networks.set(DEFAULT_NETWORK, { spec, builtIn: undefined, subnets: [] });
  }
  return networks;
}

function plainNetwork(name: string): NetworkSpec {
  return { name, driver: 'bridge', subnet: null, gateway: null, ipRange: null, labels: {} };
}

function readNetwork(context: Context, field: Field): NetworkDraft | undefined {
  const { report } = context;
  const fields = readDeclaration(report, field, WORDS, 'a network {driver, ipam, ...}');
  if (!fields) return undefined;
  const { name, external } = readIdentity(context, field, fields);
  if (external) {
    const builtIn = (['host', 'none', 'bridge'] as const).find((one) => one === name);
    return { spec: { ...plainNetwork(name), external }, builtIn, subnets: undefined };
  }
  const ipam = readIpam(report, fields.get('ipam'));
  const enableIpv6 = readFlag(report, fields.get('enable_ipv6'));
  if (ipam && !enableIpv6) checkIpv6(report, ipam);
  const enableIpv4 = fields.get('enable_ipv4');
  if (enableIpv4 && readFlag(report, enableIpv4) === false) {
    refuse(
      report,
      keySpot(fields, 'enable_ipv4'),
      '"enable_ipv4: false"',
      'older Docker engines cannot do it; remove it',
    );
  }
  const spec = compact<NetworkSpec>({
    ...plainNetwork(name),
    driver: readDriver(report, fields) ?? 'bridge',
    labels: readOwnLabels(report, fields),
    ipam: ipam?.spec,
    driverOptions: orAbsent(readOptions(report, fields.get('driver_opts'))),
    internal: readFlag(report, fields.get('internal')) || undefined,
    attachable: readFlag(report, fields.get('attachable')) || undefined,
    enableIpv6: enableIpv6 || undefined,
  });
  return { spec, builtIn: undefined, subnets: (ipam?.subnets ?? []).map(({ subnet }) => subnet) };
}

/** Docker would leave it out without a word. */
function checkIpv6(report: Report, { subnets }: Ipam): void {
  for (const { value, subnet } of subnets) {
    if (subnet.family === 6) report('INVALID_VALUE', value, 'expected "enable_ipv6: true" for an IPv6 subnet');
  }
}

function readDriver(report: Report, fields: Fields): string | undefined {
  const value = fields.get('driver');
  const driver = readText(report, value, 'the name of a driver');
  if (value === undefined || driver === undefined) return undefined;
  if (driver === 'host' || driver === 'none' || driver === 'null') {
    const wayOut = `write "external: true" and "name: ${driver === 'host' ? 'host' : 'none'}", or "network_mode" in the service`;
    refuse(report, value, `the driver ${quote(driver)}`, wayOut);
  } else if (findResourceNameProblem(driver)) misread(report, value, 'a network driver such as bridge or macvlan');
  return driver;
}
