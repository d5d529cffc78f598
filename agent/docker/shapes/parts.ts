/** Pure: networks and volumes: what Docker is sent, and whether what it has is what was asked. */

import type { DockerNetwork, DockerVolume } from '../part-calls.ts';
import { type Labels, type Owner, stackLabels } from './labels.ts';
import type { NetworkSpec, VolumeSpec } from './spec.ts';

type IpamConfig = { Subnet?: string; Gateway?: string; IPRange?: string; AuxiliaryAddresses?: Labels };

export type NetworkBody = {
  Name: string;
  Driver: string;
  CheckDuplicate: true;
  Labels: Labels;
  Options?: Labels;
  Internal?: boolean;
  Attachable?: boolean;
  EnableIPv6?: boolean;
  IPAM?: { Driver?: string; Options?: Labels; Config: IpamConfig[] };
};

export type VolumeBody = { Name: string; Driver?: string; DriverOpts?: Labels; Labels: Labels };

/** Names the options that were asked for: an engine adds some of its own, and must not be blamed for them. */
const askedLabel = 'graphium.options';

/** Body of `POST /networks/create`. */
export function toNetworkBody(network: NetworkSpec, owner: Owner): NetworkBody {
  const { driverOptions, internal, attachable, enableIpv6, ipam } = network;
  const configs = toIpamConfigs(network);
  const asked = askedOptions(network);
  const hasIpam = configs.length > 0 || ipam?.driver !== undefined || ipam?.options !== undefined;
  return {
    Name: network.name,
    Driver: network.driver,
    CheckDuplicate: true,
    Labels: { ...network.labels, ...stackLabels(owner), ...(asked && { [askedLabel]: asked }) },
    ...(driverOptions && { Options: driverOptions }),
    ...(internal !== undefined && { Internal: internal }),
    ...(attachable !== undefined && { Attachable: attachable }),
    ...(enableIpv6 !== undefined && { EnableIPv6: enableIpv6 }),
    ...(hasIpam && {
      IPAM: {
        ...(ipam?.driver !== undefined && { Driver: ipam.driver }),
        ...(ipam?.options && { Options: ipam.options }),
        Config: configs,
      },
    }),
  };
}

function toIpamConfigs({ subnet, gateway, ipRange, ipam }: NetworkSpec): IpamConfig[] {
  const configs: NonNullable<NetworkSpec['ipam']>['configs'] = ipam?.configs ?? [
    { subnet: subnet ?? undefined, gateway: gateway ?? undefined, ipRange: ipRange ?? undefined },
  ];
  return configs
    .map((config) => ({
      ...(config.subnet && { Subnet: config.subnet }),
      ...(config.gateway && { Gateway: config.gateway }),
      ...(config.ipRange && { IPRange: config.ipRange }),
      ...(config.auxAddresses && { AuxiliaryAddresses: config.auxAddresses }),
    }))
    .filter((config) => Object.keys(config).length > 0);
}

const askedOptions = ({ driverOptions, enableIpv6, ipam }: NetworkSpec): string =>
  [
    ...Object.keys(driverOptions ?? {}),
    ...Object.keys(ipam?.options ?? {}).map((name) => `ipam.${name}`),
    ...(enableIpv6 ? ['ipv6'] : []),
  ]
    .sort()
    .join(' ');

/** What Docker chose where nothing was asked is as asked. */
export function isAsAsked(found: DockerNetwork, spec: NetworkSpec): boolean {
  const { driver, driverOptions, internal = false, attachable = false, enableIpv6, ipam } = spec;
  return (
    found.Driver === driver &&
    (found.Labels?.[askedLabel] ?? '') === askedOptions(spec) &&
    includes(found.Options, driverOptions) &&
    (found.Internal ?? false) === internal &&
    (found.Attachable ?? false) === attachable &&
    (enableIpv6 === undefined || (found.EnableIPv6 ?? false) === enableIpv6) &&
    (ipam?.driver ?? 'default') === (found.IPAM?.Driver || 'default') &&
    includes(found.IPAM?.Options, ipam?.options) &&
    toIpamConfigs(spec).every((asked) => (found.IPAM?.Config ?? []).some((is) => isSameConfig(asked, is)))
  );
}

function isSameConfig(asked: IpamConfig, is: IpamConfig): boolean {
  const same = (a: string | undefined, b: string | undefined) => a === undefined || toCanonical(a) === toCanonical(b);
  const aux = asked.AuxiliaryAddresses ?? {};
  const auxIs = is.AuxiliaryAddresses ?? {};
  return (
    same(asked.Subnet, is.Subnet) &&
    same(asked.Gateway, is.Gateway) &&
    same(asked.IPRange, is.IPRange) &&
    Object.keys(aux).length === Object.keys(auxIs).length &&
    Object.entries(aux).every(([name, address]) => same(address, auxIs[name]))
  );
}

const includes = (is: Labels | null | undefined, asked: Labels = {}): boolean =>
  Object.entries(asked).every(([name, value]) => is?.[name] === value);

/** IPv6 addresses can be written in many ways; URLs know one. */
function toCanonical(address = ''): string {
  const [ip = '', bits] = address.split('/', 2);
  const host = ip.includes(':') ? (URL.parse(`http://[${ip}]`)?.hostname ?? ip) : ip;
  return bits === undefined ? host : `${host}/${bits}`;
}

/** Body of `POST /volumes/create`. */
export const toVolumeBody = ({ name, driver, driverOptions, labels }: VolumeSpec, owner: Owner): VolumeBody => ({
  Name: name,
  ...(driver !== undefined && { Driver: driver }),
  ...(driverOptions && { DriverOpts: driverOptions }),
  Labels: { ...labels, ...stackLabels(owner) },
});

/** Docker gives back the volume that has the name already, whatever its options. */
export function isVolumeAsAsked(found: DockerVolume, { driver = 'local', driverOptions = {} }: VolumeSpec): boolean {
  const options = found.Options ?? {};
  return (
    found.Driver === driver &&
    Object.keys(options).length === Object.keys(driverOptions).length &&
    includes(options, driverOptions)
  );
}
