/** What must hold between the containers of one stack file, whatever its format. */
import { isUnspecified, toAddress } from '../spec/addresses.ts';
import { findNearest } from './fields.ts';
import { quote, type Report, type Spot } from './text.ts';

/** Comparing with every name costs time, and a person reads only the first hints. */
const MAX_HINTS = 20;

export type Dependency = { spot: Spot; name: string };
export type Dependant = { name: string; dependsOn: Dependency[] };

/** `noun`: what the file calls those that depend on one another. */
export function checkDependencies(report: Report, dependants: Dependant[], noun = 'container'): void {
  const byName = new Map(dependants.map((dependant) => [dependant.name, dependant]));
  const unknown = dependants.flatMap(({ dependsOn }) => dependsOn).filter(({ name }) => !byName.has(name));
  for (const [index, { name, spot }] of unknown.entries()) {
    const near = index < MAX_HINTS ? findNearest(name, byName.keys()) : undefined;
    const hint = near ? `: did you mean ${quote(near)}?` : '';
    report('UNKNOWN_DEPENDENCY', spot, `expected the name of a ${noun} of this stack, found ${quote(name)}${hint}`);
  }
  checkCycles(report, byName, noun);
}

/** One problem per dependency that closes a circle. */
function checkCycles(report: Report, byName: Map<string, Dependant>, noun: string): void {
  const finished = new Set<string>();
  const trail: string[] = [];
  const visit = (dependant: Dependant): void => {
    trail.push(dependant.name);
    for (const { name, spot } of dependant.dependsOn) {
      const next = byName.get(name);
      const start = trail.indexOf(name);
      if (start >= 0) {
        const cycle = [...trail.slice(start), name].join(' -> ');
        report('DEPENDENCY_CYCLE', spot, `expected no ${noun} to wait for itself: ${cycle}`);
      } else if (next && !finished.has(name)) visit(next);
    }
    trail.pop();
    finished.add(dependant.name);
  };
  for (const dependant of byName.values()) if (!finished.has(dependant.name)) visit(dependant);
}

export type PublishedPort = {
  spot: Spot;
  container: string;
  /** null: not known yet, so only the container's own ports can be in its way. */
  host: string | null;
  hostPort: number;
  hostIp: string | null;
  protocol: string;
};

export function checkPorts(report: Report, ports: PublishedPort[]): void {
  const taken = new Map<string, PublishedPort>();
  for (const port of ports) {
    const owner = port.host === null ? `container ${port.container}` : `host ${port.host}`;
    const place = `${owner} ${port.hostPort} ${port.protocol}`;
    const { claims, conflicts } = claimsOf(port.hostIp);
    const other = conflicts.map((claim) => taken.get(`${place} ${claim}`)).find((found) => found !== undefined);
    if (other) {
      const where = port.host === null ? '' : ` of host ${quote(port.host)}`;
      const what = `port ${port.hostPort}/${port.protocol}${where}`;
      report('PORT_CONFLICT', port.spot, `expected a free port: ${quote(other.container)} already publishes ${what}`);
    }
    for (const claim of claims) taken.set(`${place} ${claim}`, taken.get(`${place} ${claim}`) ?? port);
  }
}

/** What binding to an address takes, and whose claims are in its way. No address is every one of both families. */
function claimsOf(hostIp: string | null): { claims: string[]; conflicts: string[] } {
  if (hostIp === null) return { claims: ['some', 'all'], conflicts: ['some'] };
  const address = toAddress(hostIp);
  if (!address) return { claims: [], conflicts: [] };
  const family = address.kind();
  const everyOne = `${family}: all`;
  const own = isUnspecified(address) ? everyOne : `${family}: ${address.toNormalizedString()}`;
  return { claims: ['some', family, own], conflicts: ['all', ...(own === everyOne ? [family] : [everyOne, own])] };
}
