import type { ContainerRow } from '../agents/store.ts';
import { containerKey, isJob, type LastStopped, stoppedAmong } from '../planning/changes.ts';
import type { Placed } from '../planning/placed.ts';
import { awaitedIn } from '../planning/planned-task.ts';
import { specHashOf } from '../spec/hash.ts';

/** Pure: what a stack is doing, by what is wanted and what is observed. */
export type StackState =
  | 'DEPLOYING'
  | 'STARTING'
  | 'STOPPING'
  | 'RESTARTING'
  | 'DELETING'
  | 'DELETED'
  | 'RUNNING'
  | 'STOPPED'
  | 'ROLLING_BACK'
  | 'REPAIRING'
  | 'DEGRADED'
  | 'UNKNOWN';

const WORKING = {
  DEPLOY: 'DEPLOYING',
  START: 'STARTING',
  STOP: 'STOPPING',
  RESTART: 'RESTARTING',
  DELETE: 'DELETING',
  ROLLBACK: 'ROLLING_BACK',
  REPAIR: 'REPAIRING',
  REMOVE_ORPHANS: 'REPAIRING',
} as const;

/** What matters of the newest deployment of the stack. */
export type LatestDeployment = {
  kind: keyof typeof WORKING;
  finishedAt: Date | null;
  rollbackRevision: number | null;
  rollbackDueAt: Date | null;
};

export type Wanted = Pick<Placed, 'agentId' | 'service' | 'container'>;

export function stateOf(
  stack: { desired: 'RUNNING' | 'STOPPED' | 'DELETED'; deletedAt: Date | null },
  latest: LatestDeployment | undefined,
  wanted: readonly Wanted[],
  containers: readonly Pick<ContainerRow, 'agentId' | 'name' | 'specHash' | 'state' | 'health' | 'exitCode'>[],
  /** `online`: hosts whose reports are current. `removed`: those whose agent was removed, so that no report will come. */
  {
    online,
    removed = new Set(),
    stopped = [],
  }: { online: ReadonlySet<string>; removed?: ReadonlySet<string>; stopped?: readonly LastStopped[] },
): StackState {
  if (stack.deletedAt) return 'DELETED';
  if (latest && !latest.finishedAt) {
    return latest.rollbackRevision !== null || latest.rollbackDueAt ? 'ROLLING_BACK' : WORKING[latest.kind];
  }
  if (stack.desired === 'DELETED') return 'DEGRADED';
  const current = containers.filter(({ agentId }) => online.has(agentId));
  // Nothing will ever be known of a host whose agent was removed.
  const isKnown = wanted.every(({ agentId }) => online.has(agentId) || removed.has(agentId));
  if (stack.desired === 'STOPPED') {
    if (current.some((container) => HAS_PROCESS.has(container.state))) return 'DEGRADED';
    return isKnown ? 'STOPPED' : 'UNKNOWN';
  }
  if (wanted.some(({ agentId }) => removed.has(agentId))) return 'DEGRADED';
  if (
    !isGood(
      wanted.filter(({ agentId }) => online.has(agentId)),
      wanted,
      current,
      stopped,
    )
  )
    return 'DEGRADED';
  return isKnown ? 'RUNNING' : 'UNKNOWN';
}

const HAS_PROCESS: ReadonlySet<ContainerRow['state']> = new Set(['RUNNING', 'RESTARTING', 'PAUSED']);

function isGood(
  here: readonly Wanted[],
  wanted: readonly Wanted[],
  containers: Parameters<typeof stateOf>[3],
  stopped: readonly LastStopped[],
): boolean {
  const seen = new Map(containers.map((container) => [containerKey(container.agentId, container.name), container]));
  const awaited = awaitedIn({ services: [...new Set(wanted.map(({ service }) => service))] });
  const notByThemselves = stoppedAmong(wanted, awaited, stopped);
  return here.every((one) => {
    const key = containerKey(one.agentId, one.container.name);
    const container = seen.get(key);
    if (!container) return false;
    if (container.specHash !== specHashOf(one.container)) return false;
    if (container.state === 'EXITED')
      return container.exitCode === 0 && isJob(one, awaited) && !notByThemselves.has(key);
    return container.state === 'RUNNING' && (container.health === 'HEALTHY' || container.health === 'NONE');
  });
}
