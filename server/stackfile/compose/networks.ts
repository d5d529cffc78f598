/** `networks` at the top level of a Compose file (compose-spec, 06-networks.md). */

import type { Subnet } from '../../spec/addresses.ts';
import type { NetworkSpec } from '../../spec/spec.ts';
import { findResourceNameProblem } from '../names.ts';
import { quote } from '../problems.ts';
import { compact, orAbsent } from './compact.ts';
import { type Declaration, readDeclaration, readDeclarations, readIdentity, readLabels } from './declared.ts';
import { type Ipam, readIpam } from './ipam.ts';
import type { ComposeFields, ComposeReader } from './reader.ts';

export type ParsedNetwork = {
  spec: NetworkSpec;
  /** Set for an external network with the name of one that every Docker host has, because it stands for that one. */
  builtIn: 'host' | 'none' | 'bridge' | undefined;
  /** Undefined for an external network, whose subnets only its host knows. */
  subnets: Subnet[] | undefined;
};

export const DEFAULT_NETWORK = 'default';

const KEYS = [
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
export function readNetworks(value: ComposeReader, stack: string): Map<string, ParsedNetwork> {
  const networks = new Map<string, ParsedNetwork>();
  const hostNames = new Map<string, string>();
  for (const declaration of readDeclarations(value, 'networks by their names')) {
    const network = readNetwork(declaration, stack);
    if (!network) continue;
    const other = hostNames.get(network.spec.name);
    if (other !== undefined) {
      const message = `expected another "name" than that of ${quote(other)}: on the host they would be one network`;
      declaration.report('NETWORK_REDEFINED', message);
    }
    hostNames.set(network.spec.name, declaration.key);
    networks.set(declaration.key, network);
  }
  if (!networks.has(DEFAULT_NETWORK)) {
    const spec = plainNetwork(`${stack}_${DEFAULT_NETWORK}`);
    networks.set(DEFAULT_NETWORK, { spec, builtIn: undefined, subnets: [] });
  }
  return networks;
}

function plainNetwork(name: string): NetworkSpec {
  return { name, driver: 'bridge', subnet: null, gateway: null, ipRange: null, labels: {} };
}

function readNetwork(declaration: Declaration, stack: string): ParsedNetwork | undefined {
  const fields = readDeclaration(declaration, KEYS, 'a network {driver, ipam, ...}');
  if (!fields) return undefined;
  const { name, external } = readIdentity(stack, declaration, fields);
  if (external) {
    const builtIn = (['host', 'none', 'bridge'] as const).find((one) => one === name);
    return { spec: { ...plainNetwork(name), external }, builtIn, subnets: undefined };
  }
  const ipam = readIpam(fields.get('ipam'));
  const enableIpv6 = fields.get('enable_ipv6').flag();
  if (ipam && !enableIpv6) checkIpv6(ipam);
  checkIpv4(fields);
  const spec = compact<NetworkSpec>({
    ...plainNetwork(name),
    driver: readDriver(fields.get('driver')) ?? 'bridge',
    labels: readLabels(fields.get('labels')) ?? {},
    ipam: ipam?.spec,
    driverOptions: orAbsent(fields.get('driver_opts').options()),
    internal: fields.get('internal').flag() || undefined,
    attachable: fields.get('attachable').flag() || undefined,
    enableIpv6: enableIpv6 || undefined,
  });
  return { spec, builtIn: undefined, subnets: (ipam?.subnets ?? []).map(({ subnet }) => subnet) };
}

/** Docker would leave the subnet out without a word. */
function checkIpv6({ subnets }: Ipam): void {
  for (const { place, subnet } of subnets) {
    if (subnet.family === 6) place.report('INVALID_VALUE', 'expected "enable_ipv6: true" for an IPv6 subnet');
  }
}

function checkIpv4(fields: ComposeFields): void {
  if (fields.get('enable_ipv4').flag() !== false) return;
  fields.keyOf('enable_ipv4').refuse('"enable_ipv4: false"', 'older Docker engines cannot do it; remove it');
}

function readDriver(value: ComposeReader): string | undefined {
  const driver = value.text('the name of a driver');
  if (driver === undefined) return undefined;
  if (driver === 'host' || driver === 'none' || driver === 'null') {
    const name = driver === 'host' ? 'host' : 'none';
    const wayOut = `write "external: true" and "name: ${name}", or "network_mode" in the service`;
    value.refuse(`the driver ${quote(driver)}`, wayOut);
  } else if (findResourceNameProblem(driver)) value.misread('a network driver such as bridge or macvlan');
  return driver;
}
