import { createPortIndex, type PortIndex } from '../spec/ports.ts';
import type { ContainerSpec, ServiceSpec } from '../spec/spec.ts';
import { attributeOf, satisfies, unmetBy } from './constraints.ts';

/** An agent that a container may go to. */
export type Candidate = {
  id: string;
  name: string;
  labels: Record<string, string>;
  os: string | null;
  arch: string | null;
  online: boolean;
  /** Containers of other stacks that it runs. */
  load: number;
  /** Host ports that other stacks want there; `by` names a container and its stack. */
  taken: { port: number; ip: string | null; protocol: string; by: string }[];
};

/** Pure but for its own state: who sits where while a stack is placed, and who could. */
export type Seat = {
  agent: Candidate;
  /** Containers of all stacks. */
  load: number;
  ports: PortIndex<string>;
  /** Containers of this stack by network. */
  networks: Map<string, number>;
  /** By list of spread attributes: most services of a stack have the same, or none. */
  groups: Map<string, readonly string[]>;
};

/** One service and what of it is placed so far. */
export type Board = {
  service: ServiceSpec;
  placed: { container: ContainerSpec; seat: Seat }[];
  /** Its containers by seat, and by group: the values of its first, its first two, ... spread attributes. */
  onSeat: Map<Seat, number>;
  inGroup: Map<string, number>;
  spread: string;
  /** Prefers agents that have containers of the stack which it shares a network with: networks end at their host. */
  together: boolean;
};

/** By name, so that of two that are equally good the first is always the same. */
export function createSeats(agents: readonly Candidate[]): Seat[] {
  return agents
    .map((agent): Seat => {
      const ports = createPortIndex<string>();
      for (const taken of agent.taken) ports.add(taken, taken.by);
      return { agent, load: agent.load, ports, networks: new Map(), groups: new Map() };
    })
    .toSorted((a, b) => (a.agent.name < b.agent.name ? -1 : 1));
}

export const createBoard = (service: ServiceSpec, together: boolean): Board => ({
  service,
  together,
  placed: [],
  onSeat: new Map(),
  inGroup: new Map(),
  spread: (service.spread ?? []).join('\n'),
});

export function put(board: Board, container: ContainerSpec, seat: Seat): void {
  board.placed.push({ container, seat });
  board.onSeat.set(seat, countOn(board, seat) + 1);
  for (const group of groupsOf(board, seat)) board.inGroup.set(group, (board.inGroup.get(group) ?? 0) + 1);
  seat.load++;
  for (const { name } of container.networks) seat.networks.set(name, (seat.networks.get(name) ?? 0) + 1);
  seat.ports.addAll(container.ports, `"${container.name}" of this stack`);
}

export const countOn = (board: Board, seat: Seat) => board.onSeat.get(seat) ?? 0;

export const isAllowed = ({ service }: Board, { agent }: Seat) =>
  (service.constraints ?? []).every((constraint) => satisfies(agent, constraint));

/** Given that the constraints allow it. */
export const hasRoom = (board: Board, seat: Seat) => !isFull(board, seat) && !takenPort(board, seat);

export const takenPort = ({ service }: Board, seat: Seat) => seat.ports.find(service.container.ports);

const isFull = (board: Board, seat: Seat) =>
  countOn(board, seat) >= (board.service.maxReplicasPerNode || Number.POSITIVE_INFINITY);

/** Of these the one for one more container: by each spread preference in turn, then evenly, then near its own, then by load, then the first. */
export function findBest(board: Board, seats: readonly Seat[]): Seat | undefined {
  let best: Seat | undefined;
  for (const seat of seats) {
    if ((best === undefined || isBetter(board, seat, best)) && hasRoom(board, seat)) best = seat;
  }
  return best;
}

function isBetter(board: Board, seat: Seat, other: Seat): boolean {
  const groups = groupsOf(board, seat);
  const others = groupsOf(board, other);
  for (let depth = 0; depth < groups.length; depth++) {
    const more = countIn(board, groups[depth]) - countIn(board, others[depth]);
    if (more !== 0) return more < 0;
  }
  const more = countOn(board, seat) - countOn(board, other);
  if (more !== 0) return more < 0;
  const nearer = board.together ? linksOn(board, seat) - linksOn(board, other) : 0;
  return nearer === 0 ? seat.load < other.load : nearer > 0;
}

/** Its own containers count too: this is asked only of seats that have the same number of them. */
const linksOn = ({ service }: Board, seat: Seat) =>
  service.container.networks.reduce((sum, { name }) => sum + (seat.networks.get(name) ?? 0), 0);

const countIn = (board: Board, group: string | undefined) => board.inGroup.get(group ?? '') ?? 0;

function groupsOf({ service, spread }: Board, seat: Seat): readonly string[] {
  const known = seat.groups.get(spread);
  if (known) return known;
  const values = (service.spread ?? []).map((attribute) => attributeOf(seat.agent, attribute) ?? '');
  const groups = values.map((_, depth) => JSON.stringify(values.slice(0, depth + 1)));
  seat.groups.set(spread, groups);
  return groups;
}

/** Everything that keeps one more container of the service from an agent. */
export function reasonAgainst(board: Board, seat: Seat): string {
  const count = countOn(board, seat);
  const taken = takenPort(board, seat);
  return [
    ...(seat.agent.online ? [] : ['offline']),
    ...unmetBy(seat.agent, board.service.constraints ?? []),
    ...(taken ? [`port ${taken.port} taken by ${taken.by}`] : []),
    ...(isFull(board, seat) ? [`has ${count} ${count === 1 ? 'replica' : 'replicas'} already`] : []),
  ].join(', ');
}
