/** Pure: a container's networks -> what Docker is sent. */
import { given, isEmpty } from './given.ts';
import type { AttachmentSpec, ContainerSpec } from './spec.ts';
import { isLower } from './version.ts';

export type Endpoint = {
  Aliases: string[];
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] };
  MacAddress?: string;
  DriverOpts?: Record<string, string>;
};

/** Since when an endpoint has a MAC address of its own; before, the container has one, in its first network. */
export const endpointMacs = '1.44';

/** The networks to join, by name. Before API 1.44 only one can be named at creation; the others are joined before the start. */
export const toEndpoints = ({ networkMode, networks }: ContainerSpec, apiVersion: string): [string, Endpoint][] =>
  networkMode === 'bridge' ? networks.map((network) => [network.name, toEndpoint(network, apiVersion)]) : [];

function toEndpoint(network: AttachmentSpec, apiVersion: string): Endpoint {
  const { aliases, ipv4Address, ipv6Address, linkLocalIps, macAddress, driverOptions } = network;
  const address = given({ IPv4Address: ipv4Address, IPv6Address: ipv6Address, LinkLocalIPs: linkLocalIps });
  return given({
    Aliases: aliases,
    IPAMConfig: isEmpty(address) ? undefined : address,
    MacAddress: isLower(apiVersion, endpointMacs) ? undefined : macAddress,
    DriverOpts: driverOptions,
  });
}
