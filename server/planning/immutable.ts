import { hashOf } from '../spec/hash.ts';
import type { NetworkSpec, StackSpec, VolumeSpec } from '../spec/spec.ts';
import type { Placed } from './placed.ts';

/**
 * Pure: networks and volumes whose definition changes under the same name while containers use them. Docker cannot change
 * them, so such a revision could never become what it says.
 */
export type ImmutableChange = {
  part: 'network' | 'volume';
  /** Its name on the host. */
  name: string;
  /** The fields that change, as the specs call them. */
  fields: string[];
};

type Side = { spec: StackSpec; placed: readonly Placed[] };

export function findImmutableChanges(before: Side, after: Side): ImmutableChange[] {
  const parts = [
    ...pairsOf('network' as const, before.spec.networks, after.spec.networks, networkDifferences),
    ...pairsOf('volume' as const, before.spec.volumes, after.spec.volumes, volumeDifferences),
  ];
  return parts.flatMap(({ part, name, fields }) => {
    const now = usersOf(part, name, after.placed);
    const isInUse = [...usersOf(part, name, before.placed)].some((agentId) => now.has(agentId));
    return isInUse ? [{ part, name, fields }] : [];
  });
}

function pairsOf<Part extends string, Spec extends { name: string; external?: boolean }>(
  part: Part,
  before: readonly Spec[],
  after: readonly Spec[],
  differences: (before: Spec, after: Spec) => string[],
) {
  const known = new Map(before.map((spec) => [spec.name, spec]));
  return after.flatMap((spec) => {
    const old = known.get(spec.name);
    if (!old || old.external || spec.external) return [];
    const fields = differences(old, spec);
    return fields.length > 0 ? [{ part, name: spec.name, fields }] : [];
  });
}

function usersOf(part: ImmutableChange['part'], name: string, placed: readonly Placed[]): Set<string> {
  const uses = ({ container: { networks, mounts } }: Placed) =>
    part === 'network'
      ? networks.some((network) => network.name === name)
      : mounts.some((mount) => mount.type === 'volume' && mount.source === name);
  return new Set(placed.filter(uses).map(({ agentId }) => agentId));
}

/** A field that the file no longer mentions keeps its value; labels do not matter. */
function networkDifferences(before: NetworkSpec, after: NetworkSpec): string[] {
  const { enableIpv6 = before.enableIpv6 } = after;
  const addresses = addressesOf(after);
  return [
    ...(before.driver === after.driver ? [] : ['driver']),
    ...(isSame(before.driverOptions, after.driverOptions) ? [] : ['driverOptions']),
    ...((before.internal ?? false) === (after.internal ?? false) ? [] : ['internal']),
    ...((before.attachable ?? false) === (after.attachable ?? false) ? [] : ['attachable']),
    ...((before.enableIpv6 ?? false) === (enableIpv6 ?? false) ? [] : ['enableIpv6']),
    ...(addresses === null || addresses === addressesOf(before) ? [] : ['ipam']),
  ];
}

const addressesOf = ({ subnet, gateway, ipRange, ipam }: NetworkSpec): string | null =>
  subnet === null && gateway === null && ipRange === null && ipam === undefined
    ? null
    : hashOf({ subnet, gateway, ipRange, ipam: ipam ?? null });

const volumeDifferences = (before: VolumeSpec, after: VolumeSpec): string[] => [
  ...((before.driver ?? 'local') === (after.driver ?? 'local') ? [] : ['driver']),
  ...(isSame(before.driverOptions, after.driverOptions) ? [] : ['driverOptions']),
];

const isSame = (one: Record<string, string> = {}, other: Record<string, string> = {}) => hashOf(one) === hashOf(other);
