import fc from 'fast-check';
import type { Candidate } from '../../../server/planning/candidates.ts';
import type { Placed } from '../../../server/planning/placed.ts';
import { place } from '../../../server/planning/placement.ts';
import type { Dependency, RolloutSpec, ServiceSpec, StackSpec } from '../../../server/spec/spec.ts';
import { portOf, serviceOf, specOf } from './stories.ts';
import type { PlanWorld } from './world.ts';

/** Stacks of all kinds, in the few sizes in which everything that can happen does. */
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'];
const PORTS = [8001, 8002, 8003, 8004];

export const AGENTS: Candidate[] = ['vm1', 'vm2', 'vm3'].map((name, index) => ({
  ...{ id: name, name, labels: { zone: index === 0 ? 'a' : 'b' }, os: 'linux', arch: 'amd64' },
  ...{ online: true, load: 0, taken: [] },
}));

const rollout = fc.record<RolloutSpec>({
  parallelism: fc.nat(2),
  delayMs: fc.constantFrom(0, 100),
  order: fc.constantFrom('stop-first', 'start-first'),
  monitorMs: fc.constantFrom(null, 10),
  failureAction: fc.constantFrom(null, 'continue', 'pause'),
});

const service = fc.record({
  name: fc.constantFrom(...NAMES),
  image: fc.constantFrom('x', 'y'),
  level: fc.nat(2),
  port: fc.option(fc.constantFrom(...PORTS)),
  replicas: fc.integer({ min: 1, max: 3 }),
  where: fc.constantFrom('vm1', 'vm2', 'anywhere', 'zone b', 'everywhere'),
  isJob: fc.boolean(),
  isChecked: fc.boolean(),
  dependsOn: fc.array(
    fc.record({
      back: fc.integer({ min: 1, max: 6 }),
      condition: fc.constantFrom<Dependency['condition']>('STARTED', 'HEALTHY', 'COMPLETED'),
      required: fc.boolean(),
      restart: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
  update: fc.option(rollout),
  rollback: fc.option(rollout),
  /** In a later revision: what it runs is as it was. */
  isSame: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
});
export type Draft = typeof service extends fc.Arbitrary<infer T> ? T : never;

/** Any of them may depend on those before it, and the order is another in each revision, as are the ports. */
export const drafts = fc.uniqueArray(service, { minLength: 1, maxLength: NAMES.length, selector: ({ name }) => name });

/** A revision after another: most services are as they were, but not what they depend on and in which order they come. */
export function evolve(first: readonly Draft[], second: readonly Draft[]): Draft[] {
  return second.map((one) => {
    const before = one.isSame ? first.find(({ name }) => name === one.name) : undefined;
    return before ? { ...before, dependsOn: one.dependsOn, update: one.update, rollback: one.rollback } : one;
  });
}

function toSpec(all: readonly Draft[], withoutPort: ReadonlySet<string>): StackSpec {
  const taken = new Set<string>();
  const isFree = (place: string) => !taken.has(place) && taken.add(place) !== undefined;
  const jobs = new Set(all.filter(({ isJob }) => isJob).map(({ name }) => name));
  return specOf('shop', all.map(toService));

  function toService(one: Draft, index: number): ServiceSpec {
    const { name, where, isJob, isChecked } = one;
    const isNamed = where.startsWith('vm');
    const wants = one.port !== null && !withoutPort.has(name) && (!isNamed || isFree(`${where} ${one.port}`));
    const allowed = (rule: RolloutSpec | null) => rule && (wants ? { ...rule, order: 'stop-first' as const } : rule);
    const [update, rollback] = [allowed(one.update), allowed(one.rollback)];
    const dependsOn = one.dependsOn.flatMap(({ back, condition, ...dependency }): Dependency[] => {
      const other = all[index - back]?.name;
      if (other === undefined) return [];
      return [{ ...dependency, service: other, condition: jobs.has(other) ? condition : alive(condition) }];
    });
    return serviceOf(name, {
      host: isNamed ? where : null,
      nameBase: `shop-${name}`,
      // With a fixed port on a named host there can be only one.
      replicas: isNamed && wants ? 1 : one.replicas,
      ...(where === 'everywhere' && { global: true }),
      ...(where === 'zone b' && { constraints: [{ attribute: 'node.labels.zone', operator: '==', value: 'b' }] }),
      ...(update && { update }),
      ...(rollback && { rollback }),
      dependsOn: [...new Map(dependsOn.map((dependency) => [dependency.service, dependency])).values()],
      container: {
        ...{ name: `shop-${name}-1`, service: name, image: one.image, environment: { LEVEL: String(one.level) } },
        ports: wants && one.port !== null ? [portOf(one.port)] : [],
        restart: { name: isJob ? 'no' : 'always', maximumRetryCount: 0 },
        healthCheck: isChecked
          ? { test: ['CMD', 'true'], intervalMs: 0, timeoutMs: 0, retries: 0, startPeriodMs: 0 }
          : null,
      },
    });
  }
}

const alive = (condition: Dependency['condition']) => (condition === 'COMPLETED' ? 'HEALTHY' : condition);

export type Revision = { number: number; spec: StackSpec; placed: Placed[] };

/** Where its containers go, given where they are; services that find no host for their ports do without. */
export function placed(
  number: number,
  all: readonly Draft[],
  before?: Revision,
  offline: ReadonlySet<string> = new Set(),
): Revision | undefined {
  const withoutPort = new Set<string>();
  for (;;) {
    const revision = again(number, toSpec(all, withoutPort), before, offline);
    if (revision.problems.length === 0) return revision;
    const size = withoutPort.size;
    for (const problem of revision.problems) withoutPort.add(problem.service);
    if (withoutPort.size === size) return undefined;
  }
}

export function again(
  number: number,
  spec: StackSpec,
  before?: Revision,
  offline: ReadonlySet<string> = new Set(),
): Revision & { problems: { service: string }[] } {
  const previous = new Map(before?.placed.map(({ agentId, container }) => [container.name, agentId]));
  const agents = AGENTS.map((agent) => ({ ...agent, online: !offline.has(agent.id) }));
  return { number, spec, ...place(spec, agents, previous) };
}

/** What becomes of hosts between two deployments. */
export const mishaps = fc.array(
  fc.record({
    which: fc.nat(30),
    what: fc.constantFrom('gone', 'stopped', 'unhealthy', 'crashing', 'paused', 'ended', 'stranger'),
  }),
  { maxLength: 6 },
);

export function suffer(world: PlanWorld, list: readonly { which: number; what: string }[]): void {
  for (const { which, what } of list) {
    const keys = [...world.containers.keys()];
    const key = keys[which % Math.max(1, keys.length)] ?? '';
    const instance = world.containers.get(key);
    if (what === 'stranger') {
      const host = AGENTS[which % AGENTS.length]?.id ?? '';
      world.add(`${host}:stranger`, {
        ...serviceOf('stranger').container,
        ports: [portOf(PORTS[which % PORTS.length] ?? 0)],
      });
    }
    if (!instance) continue;
    if (what === 'gone') world.containers.delete(key);
    if (instance.state !== 'RUNNING') continue;
    if (what === 'stopped') Object.assign(instance, { state: 'EXITED', exitCode: 1 });
    if (what === 'ended') Object.assign(instance, { state: 'EXITED', exitCode: 0 });
    if (what === 'unhealthy' && instance.spec.healthCheck) instance.health = 'UNHEALTHY';
    if (what === 'crashing') instance.state = 'RESTARTING';
    if (what === 'paused') instance.state = 'PAUSED';
  }
}
