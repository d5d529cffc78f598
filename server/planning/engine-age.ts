import type { ContainerSpec } from '../spec/spec.ts';
import type { Placed } from './placed.ts';

/**
 * Pure: what a host's Docker engine is too old for, as far as the server can tell before it is tried. The agent alone decides,
 * but only once the images are there.
 */
export type TooOld = { service: string; message: string };

const ANNOTATIONS_FROM = '1.43';
const ENDPOINT_MACS_FROM = '1.44';

/**
 * @param apiVersionOf undefined where the agent has not said what its engine is
 * @param nameOf an agent's name by its id
 */
export function findTooOld(
  placed: readonly Placed[],
  apiVersionOf: (agentId: string) => string | undefined,
  nameOf: (agentId: string) => string,
): TooOld[] {
  const found = new Map<string, TooOld>();
  for (const { service, container, agentId } of placed) {
    const apiVersion = apiVersionOf(agentId);
    if (apiVersion === undefined) continue;
    for (const { what, from } of needsOf(container).filter((need) => isLower(apiVersion, need.from))) {
      const message = `the Docker engine of ${nameOf(agentId)} is too old for ${what} of "${service.name}": it has API ${apiVersion}, and ${from} is needed`;
      found.set(message, { service: service.name, message });
    }
  }
  return [...found.values()];
}

function needsOf({ annotations, networkMode, networks }: ContainerSpec): { what: string; from: string }[] {
  const [, ...further] = networkMode === 'bridge' ? networks : [];
  return [
    ...(Object.keys(annotations ?? {}).length > 0 ? [{ what: 'the annotations', from: ANNOTATIONS_FROM }] : []),
    ...further
      .filter(({ macAddress }) => macAddress !== undefined)
      .map(({ name }) => ({ what: `the MAC address in the network ${name}`, from: ENDPOINT_MACS_FROM })),
  ];
}

function isLower(a: string, b: string): boolean {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor !== bMajor ? aMajor < bMajor : aMinor < bMinor;
}
