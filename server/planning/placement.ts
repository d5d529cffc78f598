import type { ServiceSpec, StackSpec } from '../spec/spec.ts';
import {
  type Board,
  type Candidate,
  countOn,
  createBoard,
  createSeats,
  findBest,
  hasRoom,
  isAllowed,
  put,
  reasonAgainst,
  type Seat,
  takenPort,
} from './candidates.ts';
import { containersOf, type Placed, replicaOf } from './placed.ts';

/** Pure: which agent each container of a stack goes to. */

export type PlacementProblem = {
  code: 'UNKNOWN_HOST' | 'NO_AGENT_FITS' | 'NO_AGENT_AVAILABLE' | 'PORT_IN_USE' | 'NAME_IN_USE';
  service: string;
  message: string;
  reasons?: { agent: string; reason: string }[];
};

/** An agent that satisfies the constraints of a global service and yet has no room for its container. */
export type Skipped = { service: string; agent: string; reason: string };

/**
 * What names its host goes there, online or not. What was placed before stays, also on an agent that is offline, unless
 * the constraints, a port or the limit per agent now forbid it. The rest goes to agents that are online. In this order over
 * all services, so that nothing new takes the place of what is there.
 * @param previous agent ids by container name
 */
export function place(
  spec: StackSpec,
  agents: readonly Candidate[],
  previous: ReadonlyMap<string, string>,
): { placed: Placed[]; problems: PlacementProblem[]; skipped: Skipped[] } {
  const seats = createSeats(agents);
  const byId = new Map(seats.map((seat) => [seat.agent.id, seat]));
  const byName = new Map(seats.map((seat) => [seat.agent.name, seat]));
  const boards = spec.services.map((service) => createBoard(service, spec.placement === 'together'));
  const problems = new Map<Board, PlacementProblem>();
  const skipped: Skipped[] = [];

  for (const board of boards.filter(({ service }) => service.host !== null)) {
    const seat = byName.get(board.service.host ?? '');
    if (!seat) problems.set(board, unknownHost(board.service, seats));
    else for (const container of containersOf(board.service)) put(board, container, seat);
  }
  // Those with the least choice first, so that others can go to where they are.
  const free = boards.filter(({ service }) => service.host === null).toSorted((a, b) => freedom(a) - freedom(b));
  const numbers = createNumbers(spec, previous);
  for (const board of free) keep(board, byId, previous, numbers);
  for (const board of free) {
    if (board.service.global) skipped.push(...fillAll(board, seats, numbers));
    else fill(board, seats);
    const wanted = board.service.global ? 1 : containersOf(board.service).length;
    if (board.placed.length < wanted) problems.set(board, doesNotFit(board, wanted, seats));
  }
  return {
    placed: boards.flatMap(toPlaced),
    problems: boards.flatMap((board) => problems.get(board) ?? []),
    skipped,
  };
}

const freedom = ({ service }: Board) => (service.constraints?.length ? 0 : service.global ? 1 : 2);

const toPlaced = ({ service, placed }: Board): Placed[] =>
  placed
    .toSorted((a, b) => a.container.replica - b.container.replica)
    .map(({ container, seat }) => ({ service, container, agentId: seat.agent.id }));

/** Numbers of the containers of global services: an agent keeps the one it had, others get what is free. */
type Numbers = {
  /** The lowest first. */
  before: (service: ServiceSpec) => readonly { replica: number; agentId: string }[];
  /** Another service has a container of that name. */
  isReserved: (name: string) => boolean;
};

function createNumbers(spec: StackSpec, previous: ReadonlyMap<string, string>): Numbers {
  const isNeeded = spec.services.some((service) => service.global);
  const numbered = [...(isNeeded ? previous : [])].flatMap(([name, agentId]) => {
    const [, base, digits] = /^(.+)-([1-9]\d*)$/.exec(name) ?? [];
    return base === undefined ? [] : [{ base, replica: Number(digits), agentId }];
  });
  const byBase = Map.groupBy(
    numbered.toSorted((a, b) => a.replica - b.replica),
    ({ base }) => base,
  );
  const others = isNeeded ? spec.services.filter((service) => !service.global) : [];
  const names = new Set(others.flatMap(containersOf).map(({ name }) => name));
  return {
    before({ nameBase, container }) {
      if (nameBase !== undefined) return byBase.get(nameBase) ?? [];
      const agentId = previous.get(container.name);
      return agentId === undefined ? [] : [{ replica: container.replica, agentId }];
    },
    isReserved: (name) => names.has(name),
  };
}

/** What may stay where it was. */
function keep(
  board: Board,
  byId: ReadonlyMap<string, Seat>,
  previous: ReadonlyMap<string, string>,
  numbers: Numbers,
): void {
  const { service } = board;
  const before = service.global
    ? numbers.before(service).map(({ replica, agentId }) => ({ container: replicaOf(service, replica), agentId }))
    : containersOf(service).map((container) => ({ container, agentId: previous.get(container.name) }));
  for (const { container, agentId } of before) {
    const seat = agentId === undefined ? undefined : byId.get(agentId);
    if (!seat || !isAllowed(board, seat) || !hasRoom(board, seat)) continue;
    if (service.global && (countOn(board, seat) > 0 || numbers.isReserved(container.name))) continue;
    put(board, container, seat);
  }
}

/** The replicas that have no place yet, one after the other. */
function fill(board: Board, seats: readonly Seat[]): void {
  const has = new Set(board.placed.map(({ container }) => container.name));
  const missing = containersOf(board.service).filter(({ name }) => !has.has(name));
  if (missing.length === 0) return;
  const allowed = seats.filter((seat) => seat.agent.online && isAllowed(board, seat));
  for (const container of missing) {
    const seat = findBest(board, allowed);
    if (!seat) return;
    put(board, container, seat);
  }
}

/** One on every agent that is online, is allowed and has none yet. @returns where there is no room */
function fillAll(board: Board, seats: readonly Seat[], numbers: Numbers): Skipped[] {
  const { service } = board;
  const used = new Set(board.placed.map(({ container }) => container.replica));
  const allowed = seats.filter((seat) => seat.agent.online && countOn(board, seat) === 0 && isAllowed(board, seat));
  let replica = 0;
  return allowed.flatMap((seat) => {
    const taken = takenPort(board, seat);
    if (taken) {
      return [{ service: service.name, agent: seat.agent.name, reason: `port ${taken.port} taken by ${taken.by}` }];
    }
    if (service.nameBase !== undefined) {
      do replica++;
      while (used.has(replica) || numbers.isReserved(`${service.nameBase}-${replica}`));
    }
    put(board, replicaOf(service, replica), seat);
    return [];
  });
}

function unknownHost(service: ServiceSpec, seats: readonly Seat[]): PlacementProblem {
  const known = seats.map(({ agent }) => agent.name).join(', ') || 'none';
  return {
    code: 'UNKNOWN_HOST',
    service: service.name,
    message: `"${service.name}" is to run on "${service.host}", but there is no agent of that name; known agents: ${known}`,
  };
}

function doesNotFit(board: Board, wanted: number, seats: readonly Seat[]): PlacementProblem {
  const { name } = board.service;
  const reasons = seats.map((seat) => ({ agent: seat.agent.name, reason: reasonAgainst(board, seat) }));
  const listed = reasons.map(({ agent, reason }) => `${agent}: ${reason}`).join('; ');
  if (!seats.some(({ agent }) => agent.online)) {
    const what = seats.length === 0 ? 'there is no agent' : 'no agent is online';
    const message = `${what} to place "${name}" on${listed === '' ? '' : `: ${listed}`}`;
    return { code: 'NO_AGENT_AVAILABLE', service: name, message, reasons };
  }
  const found = board.placed.length;
  const what =
    found === 0 ? `no agent fits "${name}"` : `only ${found} of the ${wanted} containers of "${name}" find an agent`;
  return { code: 'NO_AGENT_FITS', service: name, message: `${what}: ${listed}`, reasons };
}
