import type { ContainerRow } from '../agents/store.ts';
import { containerKey } from '../planning/changes.ts';
import type { ContainerSpec } from '../spec/spec.ts';

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
  | 'DEGRADED';

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

export type Wanted = { agentId: string; container: ContainerSpec };

export function stateOf(
  stack: { desired: 'RUNNING' | 'STOPPED' | 'DELETED'; deletedAt: Date | null },
  latest: LatestDeployment | undefined,
  wanted: readonly Wanted[],
  containers: readonly Pick<ContainerRow, 'agentId' | 'name' | 'state' | 'health' | 'exitCode'>[],
): StackState {
  if (stack.deletedAt) return 'DELETED';
  if (latest && !latest.finishedAt) {
    return latest.rollbackRevision !== null || latest.rollbackDueAt ? 'ROLLING_BACK' : WORKING[latest.kind];
  }
  if (stack.desired === 'DELETED') return 'DEGRADED';
  if (stack.desired === 'STOPPED') {
    return containers.some((container) => container.state === 'RUNNING') ? 'DEGRADED' : 'STOPPED';
  }
  const seen = new Map(containers.map((container) => [containerKey(container.agentId, container.name), container]));
  const good = wanted.every(({ agentId, container: { name, restart } }) => {
    const container = seen.get(containerKey(agentId, name));
    if (!container) return false;
    const finished = restart.name === 'no' || restart.name === 'on-failure';
    if (container.state === 'EXITED') return finished && container.exitCode === 0;
    return container.state === 'RUNNING' && container.health !== 'UNHEALTHY';
  });
  return good ? 'RUNNING' : 'DEGRADED';
}
