import { type Change, containerKey, keptKey, type Observed, type Scene } from './changes.ts';
import { afterwards, type PlannedTask, removal, stopTask } from './planned-task.ts';

/**
 * Pure: host ports that go from one container of a stack to another. Whoever takes a port waits until the container that
 * has it now is stopped, or gone where nothing wants it any more. What makes room waits for no container itself, so that
 * two can change places.
 */
export type Work = { change: Change; task: PlannedTask };
export type Removal = { task: PlannedTask; makesRoom: boolean };

export function makeRoom(deploys: readonly Work[], changes: readonly Change[], scene: Scene) {
  const holders = indexHolders(changes, scene);
  const stops = new Map<string, PlannedTask>();
  const removals = new Map<string, Removal>();
  for (const change of changes) {
    if (change.action === 'REMOVE') removals.set(removal(change).key, { task: removal(change), makesRoom: false });
  }
  const waiting = deploys.map(({ change, task }) => {
    const inTheWay = holders.inTheWayOf(change).map((holder) => {
      const first = holder.placed ? stopTask(holder) : removal(holder);
      if (holder.placed) stops.set(first.key, first);
      else removals.set(first.key, { task: first, makesRoom: true });
      return afterwards(first.key);
    });
    return { change, task: { ...task, blockedBy: [...task.blockedBy, ...inTheWay] } };
  });
  const tasks = waiting.map(({ change, task }) => {
    const stop = stops.get(stopTask(change).key);
    return { change, task: stop ? { ...task, blockedBy: [...task.blockedBy, afterwards(stop.key)] } : task };
  });
  return { stops: [...stops.values()], removals: [...removals.values()], tasks };
}

/** `any`: it may hold whatever there is on its host. */
type Held = { any: Change[]; byPort: Map<string, Change[]> };

function indexHolders(changes: readonly Change[], scene: Scene) {
  const byAgent = new Map<string, Held>();
  for (const change of changes) {
    const ports = portsHeldBy(change, scene);
    if (ports !== 'any' && ports.length === 0) continue;
    const held: Held = byAgent.get(change.agentId) ?? { any: [], byPort: new Map() };
    byAgent.set(change.agentId, held);
    if (ports === 'any') held.any.push(change);
    else for (const port of new Set(ports)) held.byPort.set(port, [...(held.byPort.get(port) ?? []), change]);
  }
  return {
    inTheWayOf({ agentId, containerName, placed }: Change): Change[] {
      const wanted = placed?.container.ports.flatMap(({ hostPort, protocol }) => toPort(hostPort, protocol)) ?? [];
      const held = byAgent.get(agentId);
      if (!held || wanted.length === 0) return [];
      const found = [...held.any, ...wanted.flatMap((port) => held.byPort.get(port) ?? [])];
      return [...new Set(found)].filter((holder) => holder.containerName !== containerName);
    },
  };
}

/** What it is to have itself is not counted: placement sees to it that no other wants that. */
function portsHeldBy({ agentId, containerName, observed, specHash }: Change, scene: Scene): string[] | 'any' {
  const key = containerKey(agentId, containerName);
  const isOther = (hash: string | null | undefined) => hash !== null && hash !== specHash;
  if (scene.inWork.get(key)?.some(isOther)) return 'any';
  const rows = [observed, scene.observed.get(keptKey(key)) ?? null].filter(
    (row): row is Observed => row !== null && isOther(row.specHash),
  );
  // Docker lists no ports of a container that is about to start once more.
  if (rows.some(({ state }) => state === 'RESTARTING')) return 'any';
  return rows.flatMap(({ ports }) => ports.flatMap(({ hostPort, protocol }) => toPort(hostPort, protocol)));
}

const toPort = (port: number | null | undefined, protocol: string): string[] =>
  port == null ? [] : [`${port}/${protocol.toLowerCase()}`];
