/** Pure: what Docker is sent for networks and volumes, and whether those that it has are as asked. */
import { type Labels, type Owner, stackLabels } from './labels.ts';
import type { NetworkSpec, VolumeSpec } from './spec.ts';

export type DockerNetwork = {
  Id: string;
  Name: string;
  Created: string;
  Driver: string;
  Labels: Labels | null;
  Options?: Labels | null;
  Internal?: boolean;
  Attachable?: boolean;
  EnableIPv6?: boolean;
  IPAM?: {
    Driver?: string;
    Options?: Labels | null;
    Config?: { Subnet?: string; Gateway?: string; IPRange?: string; AuxiliaryAddresses?: Labels }[] | null;
  };
};
export type DockerVolume = { Name: string; Driver: string; Labels: Labels | null; Options?: Labels | null };

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

/**
 * This label has everything that was asked for, and what bears it is judged by it alone: Podman gives back options, address
 * ranges and sizes otherwise than it got them.
 */
const ASKED_LABEL = 'graphium.asked';
/** Older agents wrote this one, which names the options, because an engine adds some of its own. */
const OPTIONS_LABEL = 'graphium.options';

/** The same for the same request, in whatever order its options were written. */
const toAskedLabel = (asked: Record<string, unknown>): string =>
  JSON.stringify(asked, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

/** Makes the body of `POST /networks/create`. */
export function toNetworkBody(network: NetworkSpec, owner: Owner): NetworkBody {
  const asked = toAskedNetwork(network);
  return {
    Name: network.name,
    CheckDuplicate: true,
    Labels: { ...network.labels, ...stackLabels(owner), [ASKED_LABEL]: toAskedLabel(asked) },
    ...asked,
  };
}

function toAskedNetwork(network: NetworkSpec): Omit<NetworkBody, 'Name' | 'CheckDuplicate' | 'Labels'> {
  const { driverOptions, internal, attachable, enableIpv6, ipam } = network;
  const configs = toIpamConfigs(network);
  const hasIpam = configs.length > 0 || ipam?.driver !== undefined || ipam?.options !== undefined;
  return {
    Driver: network.driver,
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

/** Accepts whatever Docker chose where nothing was asked. */
export function isAsAsked(found: DockerNetwork, spec: NetworkSpec): boolean {
  const label = found.Labels?.[ASKED_LABEL];
  if (label !== undefined) return label === toAskedLabel(toAskedNetwork(spec));
  const { driver, driverOptions, internal = false, attachable = false, enableIpv6, ipam } = spec;
  return (
    found.Driver === driver &&
    (found.Labels?.[OPTIONS_LABEL] ?? '') === askedOptions(spec) &&
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

/** An IPv6 address can be written in many ways, and URL normalizes it. */
function toCanonical(address = ''): string {
  const [ip = '', bits] = address.split('/', 2);
  const host = ip.includes(':') ? (URL.parse(`http://[${ip}]`)?.hostname ?? ip) : ip;
  return bits === undefined ? host : `${host}/${bits}`;
}

/** Makes the body of `POST /volumes/create`. */
export const toVolumeBody = (volume: VolumeSpec, owner: Owner): VolumeBody => ({
  Name: volume.name,
  ...toAskedVolume(volume),
  Labels: { ...volume.labels, ...stackLabels(owner), [ASKED_LABEL]: toAskedLabel(toAskedVolume(volume)) },
});

const toAskedVolume = ({ driver, driverOptions }: VolumeSpec): Pick<VolumeBody, 'Driver' | 'DriverOpts'> => ({
  ...(driver !== undefined && { Driver: driver }),
  ...(driverOptions && { DriverOpts: driverOptions }),
});

/** Docker returns an existing volume of that name whatever its options, so they have to be compared. */
export function isVolumeAsAsked(found: DockerVolume, spec: VolumeSpec): boolean {
  const label = found.Labels?.[ASKED_LABEL];
  if (label !== undefined) return label === toAskedLabel(toAskedVolume(spec));
  const { driver = 'local', driverOptions = {} } = spec;
  const options = found.Options ?? {};
  return (
    found.Driver === driver &&
    Object.keys(options).length === Object.keys(driverOptions).length &&
    includes(options, driverOptions)
  );
}
