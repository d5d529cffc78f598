/** Pure: turns a container's networks into what Docker is sent. */
import { given, isEmpty } from './given.ts';
import type { AttachmentSpec, ContainerSpec } from './spec.ts';
import { isLower } from './version.ts';

export type Endpoint = {
  Aliases: string[];
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] };
  MacAddress?: string;
  DriverOpts?: Record<string, string>;
};

/** From this version on each endpoint has its own MAC address. Before, the container had one, in its first network. */
export const ENDPOINT_MACS_FROM = '1.44';

/** Returns the networks to join. Before API 1.44 only one can be named at creation, so the others are joined afterwards. */
export const toEndpoints = ({ networkMode, networks }: ContainerSpec, apiVersion: string): [string, Endpoint][] =>
  networkMode === 'bridge' ? networks.map((network) => [network.name, toEndpoint(network, apiVersion)]) : [];

function toEndpoint(network: AttachmentSpec, apiVersion: string): Endpoint {
  const { aliases, ipv4Address, ipv6Address, linkLocalIps, macAddress, driverOptions } = network;
  const address = given({ IPv4Address: ipv4Address, IPv6Address: ipv6Address, LinkLocalIPs: linkLocalIps });
  return given({
    Aliases: aliases,
    IPAMConfig: isEmpty(address) ? undefined : address,
    MacAddress: isLower(apiVersion, ENDPOINT_MACS_FROM) ? undefined : macAddress,
    DriverOpts: driverOptions,
  });
}
