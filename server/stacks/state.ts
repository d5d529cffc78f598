import type { ContainerRow } from '../agents/store.ts';
import type { DeploymentRow } from '../deployments/store.ts';
import type { ServiceSpec } from './spec.ts';

/** Pure: what a stack is doing, from what is wanted and what is observed. */
export type StackState =
  | 'DEPLOYING'
  | 'STARTING'
  | 'STOPPING'
  | 'RESTARTING'
  | 'DELETING'
  | 'DELETED'
  | 'RUNNING'
  | 'STOPPED'
  | 'DEGRADED';

const WORKING = {
  DEPLOY: 'DEPLOYING',
  START: 'STARTING',
  STOP: 'STOPPING',
  RESTART: 'RESTARTING',
  DELETE: 'DELETING',
} as const;

export type Wanted = { agentId: string; service: ServiceSpec };

export function stateOf(
  stack: { desired: 'RUNNING' | 'STOPPED' | 'DELETED'; deletedAt: Date | null },
  latest: Pick<DeploymentRow, 'kind' | 'finishedAt'> | undefined,
  wanted: readonly Wanted[],
  containers: readonly Pick<ContainerRow, 'agentId' | 'name' | 'state' | 'health' | 'exitCode'>[],
): StackState {
  if (stack.deletedAt) return 'DELETED';
  if (latest && !latest.finishedAt) return WORKING[latest.kind];
  if (stack.desired === 'DELETED') return 'DEGRADED';
  if (stack.desired === 'STOPPED') {
    return containers.some((container) => container.state === 'RUNNING') ? 'DEGRADED' : 'STOPPED';
  }
  const good = wanted.every(({ agentId, service }) => {
    const container = containers.find((one) => one.agentId === agentId && one.name === service.container.name);
    if (!container) return false;
    const finished = service.container.restart.name === 'no' || service.container.restart.name === 'on-failure';
    if (container.state === 'EXITED') return finished && container.exitCode === 0;
    return container.state === 'RUNNING' && container.health !== 'UNHEALTHY';
  });
  return good ? 'RUNNING' : 'DEGRADED';
}
