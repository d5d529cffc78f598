import type { Placed } from '../../server/deployments/placement.ts';
import type { PlanInput, PlannedTask } from '../../server/deployments/plan.ts';
import { serviceOf, specOf } from './stories.ts';

export type Wanted = [name: string, agentId: string, more?: { dependsOn?: string[]; image?: string }];

export function inputOf(wanted: Wanted[], more: Partial<PlanInput> = {}): PlanInput {
  const services = wanted.map(([name, host, { dependsOn = [], image = 'nginx' } = {}]) =>
    serviceOf(name, { host, dependsOn, container: { image } }),
  );
  const placed = services.map((service): Placed => ({ service, agentId: service.host ?? '' }));
  const agents = [...new Set(placed.map(({ agentId }) => agentId))];
  return {
    kind: 'DEPLOY',
    spec: specOf('shop', services),
    revision: 7,
    placed,
    present: [],
    involved: agents,
    online: new Set(agents),
    removeVolumes: false,
    ...more,
  };
}
/** `KIND agent what` of each task with what it waits for, in the order of the plan. */
export function shapeOf(tasks: PlannedTask[]): Record<string, string[]> {
  const name = (task: PlannedTask) =>
    `${task.kind} ${task.agentId}${task.kind === 'PULL' ? ` ${task.image}` : task.containerName ? ` ${task.containerName}` : ''}`;
  const names = new Map(tasks.map((task) => [task.key, name(task)]));
  if (names.size !== tasks.length) throw new Error('two tasks have one key');
  return Object.fromEntries(
    tasks.map((task) => [name(task), task.blockedBy.map((key) => names.get(key) ?? `?? ${key}`).toSorted()]),
  );
}
