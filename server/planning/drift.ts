import { specHashOf } from '../spec/hash.ts';
import {
  type Change,
  changeOf,
  containerKey,
  findOrphans,
  type LastStopped,
  type Observed,
  type Scene,
  stoppedAmong,
  withoutPrevious,
} from './changes.ts';
import type { Placed } from './placed.ts';
import { awaitedIn } from './planned-task.ts';

/** Pure: where what agents observe differs from what the current revision wants. */
export type DriftKind = 'MISSING' | 'STOPPED' | 'CHANGED' | 'UNHEALTHY' | 'NOT_WANTED' | 'RUNNING' | 'UNKNOWN';

export type Drift = {
  kind: DriftKind;
  agentId: string;
  containerName: string;
  service: string | null;
  message: string;
};

export type DriftInput = {
  desired: 'RUNNING' | 'STOPPED' | 'DELETED';
  placed: readonly Placed[];
  observed: readonly Observed[];
  /** Hosts whose reports are current; what is on the others is not known. */
  online: ReadonlySet<string>;
  /** Hosts whose agent was removed: nothing will ever be known of them. */
  removed?: ReadonlySet<string>;
  /** Containers that a task was the last to stop, or to work on in vain. */
  stopped: readonly LastStopped[];
  /** Containers that a deployment is going to change: their difference is not drift yet. */
  inWork: readonly { agentId: string; name: string }[];
};

export function driftOf({ desired, placed, observed, online, removed, stopped, inWork }: DriftInput): Drift[] {
  if (desired === 'DELETED') return [];
  const busy = new Set(inWork.map(({ agentId, name }) => containerKey(agentId, name)));
  const seen = observed.filter(({ agentId }) => online.has(agentId));
  const awaited = awaitedIn({ services: [...new Set(placed.map(({ service }) => service))] });
  const scene: Scene = {
    observed: new Map(seen.map((row) => [containerKey(row.agentId, row.name), row])),
    inWork: new Map(),
    awaited,
    unseen: new Set(),
    stopped: stoppedAmong(placed, awaited, stopped),
    repair: true,
  };
  const here = placed.filter(({ agentId }) => online.has(agentId));
  const changes = [
    ...here.map((one) => changeOf(one, specHashOf(one.container), scene)),
    ...findOrphans(placed, scene),
  ];
  const away = placed.filter(({ agentId }) => !online.has(agentId));
  const differences = changes
    .filter(({ agentId, containerName }) => !busy.has(containerKey(agentId, withoutPrevious(containerName))))
    .flatMap((change) => (desired === 'STOPPED' ? ofStopped(change) : ofRunning(change)));
  const isLost = ({ agentId }: Placed) => removed?.has(agentId) === true;
  return [
    ...differences,
    ...away.filter((one) => !isLost(one)).map(toUnknown),
    ...(desired === 'STOPPED' ? [] : away.filter(isLost).map(toLost)),
  ];
}

const toUnknown = ({ agentId, container, service }: Placed): Drift => ({
  kind: 'UNKNOWN',
  agentId,
  containerName: container.name,
  service: service.name,
  message: 'its host is offline: what became of it is not known',
});

const toLost = (placed: Placed): Drift => ({
  ...toUnknown(placed),
  kind: 'MISSING',
  message: 'the agent of its host was removed: repairStack gives it another place',
});

const KINDS: Partial<Record<Change['action'], DriftKind>> = {
  CREATE: 'MISSING',
  REPLACE: 'CHANGED',
  START: 'STOPPED',
  RESTART: 'UNHEALTHY',
  REMOVE: 'NOT_WANTED',
};

function ofRunning(change: Change): Drift[] {
  const kind = KINDS[change.action];
  return kind ? [toDrift(kind, change, change.reason)] : [];
}

function ofStopped(change: Change): Drift[] {
  if (change.action === 'REMOVE') return [toDrift('NOT_WANTED', change, change.reason)];
  const runs = ['RUNNING', 'RESTARTING', 'PAUSED'].includes(change.observed?.state ?? '');
  return runs ? [toDrift('RUNNING', change, 'it runs although the stack is stopped')] : [];
}

const toDrift = (kind: DriftKind, { agentId, containerName, placed }: Change, message: string): Drift => ({
  kind,
  agentId,
  containerName,
  service: placed?.service.name ?? null,
  message,
});
