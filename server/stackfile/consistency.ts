/** What must hold between the containers of one stack file, whatever its format. */
import { isUnspecified, toAddress } from '../spec/addresses.ts';
import { findNearest } from './nearest.ts';
import { quote } from './problems.ts';
import type { Place } from './reader.ts';

/** Comparing with every name costs time, and a person reads only the first hints. */
const MAX_HINTS = 20;

/** One that waits for others, each named at a place of the file. */
export type Dependant = { name: string; dependsOn: { place: Place; service: string }[] };

/** `noun` is what the file calls those that depend on one another. */
export function checkDependencies(dependants: Dependant[], noun: 'container' | 'service'): void {
  const byName = new Map(dependants.map((dependant) => [dependant.name, dependant]));
  const unknown = dependants.flatMap(({ name, dependsOn }) =>
    dependsOn.filter(({ service }) => !byName.has(service)).map((each) => ({ ...each, by: name })),
  );
  for (const [index, { service, place, by }] of unknown.entries()) {
    const others = byName.keys().filter((name) => name !== by);
    const near = index < MAX_HINTS ? findNearest(service, others) : undefined;
    const hint = near ? `: did you mean ${quote(near)}?` : '';
    place.report('UNKNOWN_DEPENDENCY', `expected the name of a ${noun} of this stack, found ${quote(service)}${hint}`);
  }
  checkCycles(byName, noun);
}

/** Reports one problem for each dependency that closes a circle. */
function checkCycles(byName: Map<string, Dependant>, noun: string): void {
  const finished = new Set<string>();
  const trail: string[] = [];
  const visit = (dependant: Dependant): void => {
    trail.push(dependant.name);
    for (const { service, place } of dependant.dependsOn) {
      const next = byName.get(service);
      const start = trail.indexOf(service);
      if (start >= 0) {
        const cycle = [...trail.slice(start), service].join(' -> ');
        place.report('DEPENDENCY_CYCLE', `expected no ${noun} to wait for itself: ${cycle}`);
      } else if (next && !finished.has(service)) visit(next);
    }
    trail.pop();
    finished.add(dependant.name);
  };
  for (const dependant of byName.values()) if (!finished.has(dependant.name)) visit(dependant);
}

export type PublishedPort = {
  place: Place;
  container: string;
  /** null: it is not known yet, so only ports of the same container can be in the way. */
  host: string | null;
  hostPort: number;
  hostIp: string | null;
  protocol: string;
};

export function checkPorts(ports: PublishedPort[]): void {
  const taken = new Map<string, PublishedPort>();
  for (const port of ports) {
    const owner = port.host === null ? `container ${port.container}` : `host ${port.host}`;
    const socket = `${owner} ${port.hostPort} ${port.protocol}`;
    const { claims, conflicts } = claimsOf(port.hostIp);
    const other = conflicts.map((claim) => taken.get(`${socket} ${claim}`)).find((found) => found !== undefined);
    if (other) {
      const where = port.host === null ? '' : ` of host ${quote(port.host)}`;
      const what = `port ${port.hostPort}/${port.protocol}${where}`;
      port.place.report('PORT_CONFLICT', `expected a free port: ${quote(other.container)} already publishes ${what}`);
    }
    for (const claim of claims) taken.set(`${socket} ${claim}`, taken.get(`${socket} ${claim}`) ?? port);
  }
}

/** Tells what binding to an address takes, and whose claims are in its way. No address means all of both families. */
function claimsOf(hostIp: string | null): { claims: string[]; conflicts: string[] } {
  if (hostIp === null) return { claims: ['some', 'all'], conflicts: ['some'] };
  const address = toAddress(hostIp);
  if (!address) return { claims: [], conflicts: [] };
  const family = address.kind();
  const wholeFamily = `${family}: all`;
  if (isUnspecified(address)) return { claims: ['some', family, wholeFamily], conflicts: ['all', family] };
  const own = `${family}: ${address.toNormalizedString()}`;
  return { claims: ['some', family, own], conflicts: ['all', wholeFamily, own] };
}
