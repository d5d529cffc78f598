import { type Change, containerKey, type Observed, previousKey, type Scene } from './changes.ts';
import { afterwards, type PlannedTask, removal, stopTask } from './planned-task.ts';

/**
 * Pure: host ports that go from one container of a stack to another. A container that takes a port waits until the one
 * that has it now is stopped, or removed where nothing wants it any more. These stops and removals wait for no container
 * themselves, so that two containers can change places.
 */
export type PlannedChange = { change: Change; task: PlannedTask };
export type Removal = { task: PlannedTask; freesPort: boolean };

export function handOverPorts(deploys: readonly PlannedChange[], changes: readonly Change[], scene: Scene) {
  const holders = indexHolders(changes, scene);
  const stops = new Map<string, PlannedTask>();
  const removals = new Map<string, Removal>();
  for (const change of changes) {
    if (change.action === 'REMOVE') removals.set(removal(change).key, { task: removal(change), freesPort: false });
  }
  const waiting = deploys.map(({ change, task }) => {
    const inTheWay = holders.inTheWayOf(change).map((holder) => {
      const first = holder.placed ? stopOther(holder) : removal(holder);
      if (holder.placed) stops.set(first.key, first);
      else removals.set(first.key, { task: first, freesPort: true });
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

/**
 * What is stopped is what has the port now. A superseded deployment may put the wanted container in its place meanwhile,
 * which has no port that others want; a job that was stopped halfway could pass for one that has ended.
 */
function stopOther(holder: Change): PlannedTask {
  const stop = stopTask(holder);
  return holder.specHash === null ? stop : { ...stop, kind: 'STOP', spec: { version: 1, keep: holder.specHash } };
}

/** `any`: containers that may hold whatever port there is on their host. */
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

/** Leaves out the ports that the container is to have itself: placement made sure that no other wants them. */
function portsHeldBy({ agentId, containerName, observed, specHash }: Change, scene: Scene): string[] | 'any' {
  const key = containerKey(agentId, containerName);
  const isOther = (hash: string | null | undefined) => hash !== null && hash !== specHash;
  if (scene.inWork.get(key)?.some(isOther)) return 'any';
  const rows = [observed, scene.observed.get(previousKey(key)) ?? null].filter(
    (row): row is Observed => row !== null && isOther(row.specHash),
  );
  // Docker lists no ports of a container that is about to start once more.
  if (rows.some(({ state }) => state === 'RESTARTING')) return 'any';
  return rows.flatMap(({ ports }) => ports.flatMap(({ hostPort, protocol }) => toPort(hostPort, protocol)));
}

const toPort = (port: number | null | undefined, protocol: string): string[] =>
  port == null ? [] : [`${port}/${protocol.toLowerCase()}`];
