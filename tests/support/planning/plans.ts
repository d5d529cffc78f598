import type { Observed } from '../../../server/planning/changes.ts';
import type { Placed } from '../../../server/planning/placed.ts';
import { plan as planInput } from '../../../server/planning/plan.ts';
import type { Known, PlanInput as NestedInput } from '../../../server/planning/plan-input.ts';
import type { PlannedTask } from '../../../server/planning/planned-task.ts';
import { specHashOf } from '../../../server/spec/hash.ts';
import type { ContainerSpec, Dependency, ServiceSpec } from '../../../server/spec/spec.ts';
import { serviceOf, specOf } from './stories.ts';

export type Wanted = [
  name: string,
  agentId: string,
  more?: Partial<Omit<ServiceSpec, 'container' | 'dependsOn'>> & {
    dependsOn?: (string | Dependency)[];
    container?: Partial<ContainerSpec>;
  },
];

export const on = (service: string, more: Partial<Dependency> = {}): Dependency => ({
  service,
  condition: 'HEALTHY',
  required: true,
  restart: false,
  ...more,
});

/** What a plan is made from, all in one level: tests say what differs. */
export type PlanInput = Omit<NestedInput, 'known'> & Known;

export function toPlanInput({ observed, inWork, stopped, images, involved, online, ...asked }: PlanInput): NestedInput {
  return { ...asked, known: { observed, inWork, stopped, images, involved, online } };
}

export const plan = (input: PlanInput) => planInput(toPlanInput(input));

/** A stack `shop` at revision 7; several entries of one name are replicas of one service. */
export function inputOf(wanted: Wanted[], more: Partial<PlanInput> = {}): PlanInput {
  const byName = new Map(
    wanted.map(([name, , { dependsOn = [], container, ...rest } = {}]) => {
      const dependencies = dependsOn.map((one) => (typeof one === 'string' ? on(one) : one));
      return [name, serviceOf(name, { ...rest, dependsOn: dependencies, container })];
    }),
  );
  const numbers = new Map<string, number>();
  const placed = wanted.map(([name, agentId]): Placed => {
    const service = byName.get(name) ?? serviceOf(name);
    const replica = (numbers.get(name) ?? 0) + 1;
    numbers.set(name, replica);
    const isMany = wanted.filter(([other]) => other === name).length > 1;
    const container = isMany ? { ...service.container, name: `${name}-${replica}`, replica } : service.container;
    return { service, container, agentId };
  });
  const agents = [...new Set(placed.map(({ agentId }) => agentId))];
  return {
    kind: 'DEPLOY',
    spec: specOf('shop', [...byName.values()]),
    revision: 7,
    placed,
    observed: [],
    inWork: [],
    images: [],
    involved: agents,
    online: new Set(agents),
    removeVolumes: false,
    services: null,
    stopped: [],
    orphans: null,
    ...more,
  };
}

/** A container that nobody placed. */
export function seen(agentId: string, name: string, more: Partial<Observed> = {}): Observed {
  const base = { agentId, name, specHash: 'other', revision: 6, image: 'nginx', exitCode: null, ports: [] };
  return { ...base, state: 'RUNNING', health: 'NONE', ...more };
}

/** Every container of the input as it should be, but for what `more` says by name. */
export function allSeen({ placed }: PlanInput, more: Record<string, Partial<Observed>> = {}): Observed[] {
  return placed.map(({ agentId, container }) =>
    seen(agentId, container.name, {
      specHash: specHashOf(container),
      image: container.image,
      ports: container.ports,
      ...more[container.name],
    }),
  );
}

/** `KIND agent what` of each task with what it waits for, in the order of the plan. */
export function shapeOf(tasks: readonly PlannedTask[]): Record<string, string[]> {
  const name = (task: PlannedTask) =>
    `${task.kind} ${task.agentId}${task.kind === 'PULL' ? ` ${task.image}` : task.containerName ? ` ${task.containerName}` : ''}`;
  const names = new Map(tasks.map((task) => [task.key, name(task)]));
  if (names.size !== tasks.length) throw new Error('two tasks have one key');
  return Object.fromEntries(
    tasks.map((task) => [
      name(task),
      task.blockedBy
        .map(
          ({ key, condition, optional }) =>
            `${names.get(key) ?? `?? ${key}`}${condition === 'STARTED' ? ' started' : ''}${optional ? ' or not' : ''}`,
        )
        .toSorted(),
    ]),
  );
}

export const shape = (input: PlanInput) => shapeOf(plan(input).tasks);

/** What becomes of each container, by its name. */
export const actions = (input: PlanInput) =>
  Object.fromEntries(plan(input).changes.map(({ containerName, action }) => [containerName, action]));
