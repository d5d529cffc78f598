import fc from 'fast-check';
import type { Candidate } from '../../../server/planning/candidates.ts';
import type { Placed } from '../../../server/planning/placed.ts';
import { place } from '../../../server/planning/placement.ts';
import type { Dependency, RolloutSpec, ServiceSpec, StackSpec } from '../../../server/spec/spec.ts';
import { portOf, serviceOf, specOf } from './stories.ts';
import type { Instance, PlanWorld } from './world.ts';

/** Draws stacks of all kinds, just large enough for everything that can happen to happen. */
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
  /** If true, a later revision runs the same in it. */
  isSame: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
});
export type Draft = typeof service extends fc.Arbitrary<infer T> ? T : never;

/** A service may depend on those before it. The order and the ports differ between revisions. */
export const drafts = fc.uniqueArray(service, { minLength: 1, maxLength: NAMES.length, selector: ({ name }) => name });

/** Keeps most services of the first revision, but takes their dependencies, rollouts and order from the second. */
export function evolve(first: readonly Draft[], second: readonly Draft[]): Draft[] {
  return second.map((one) => {
    const before = one.isSame ? first.find(({ name }) => name === one.name) : undefined;
    return before ? { ...before, dependsOn: one.dependsOn, update: one.update, rollback: one.rollback } : one;
  });
}

function toSpec(all: readonly Draft[], withoutPort: ReadonlySet<string>): StackSpec {
  const taken = new Set<string>();
  const isFree = (place: string) => !taken.has(place) && taken.add(place) !== undefined;
  const toPort = ({ name, where, port }: Draft): number | null => {
    if (port === null || withoutPort.has(name)) return null;
    return !namesHost(where) || isFree(`${where} ${port}`) ? port : null;
  };
  return specOf(
    'shop',
    all.map((draft, index) => toService(draft, toPort(draft), toDependencies(all, index))),
  );
}

/** What a service says about the agents it may run on. */
const WHERE: Record<Draft['where'], Partial<ServiceSpec>> = {
  vm1: { host: 'vm1' },
  vm2: { host: 'vm2' },
  anywhere: {},
  'zone b': { constraints: [{ attribute: 'node.labels.zone', operator: '==', value: 'b' }] },
  everywhere: { global: true },
};
const HEALTH_CHECK = { test: ['CMD', 'true'], intervalMs: 0, timeoutMs: 0, retries: 0, startPeriodMs: 0 };

const namesHost = (where: Draft['where']) => typeof WHERE[where].host === 'string';

function toService(draft: Draft, port: number | null, dependsOn: Dependency[]): ServiceSpec {
  const { name, image, level, where, isJob, isChecked } = draft;
  return serviceOf(name, {
    nameBase: `shop-${name}`,
    // Two containers on a named host cannot hold the same port.
    replicas: port !== null && namesHost(where) ? 1 : draft.replicas,
    ...WHERE[where],
    ...toRollouts(draft, port !== null),
    dependsOn,
    container: {
      ...{ name: `shop-${name}-1`, service: name, image, environment: { LEVEL: String(level) } },
      ports: port === null ? [] : [portOf(port)],
      restart: { name: isJob ? 'no' : 'always', maximumRetryCount: 0 },
      healthCheck: isChecked ? HEALTH_CHECK : null,
    },
  });
}

/** A service with a port cannot start its new container before the old one has stopped. */
function toRollouts({ update, rollback }: Draft, hasPort: boolean): Pick<ServiceSpec, 'update' | 'rollback'> {
  const allowed = (rule: RolloutSpec): RolloutSpec => (hasPort ? { ...rule, order: 'stop-first' } : rule);
  return { ...(update && { update: allowed(update) }), ...(rollback && { rollback: allowed(rollback) }) };
}

/** Resolves how far back the dependencies lie; of two on the same service the later one counts. */
function toDependencies(all: readonly Draft[], index: number): Dependency[] {
  const byService = new Map<string, Dependency>();
  for (const { back, condition, ...rest } of all[index]?.dependsOn ?? []) {
    const other = all[index - back];
    if (!other) continue;
    const dependency = { ...rest, service: other.name, condition: other.isJob ? condition : alive(condition) };
    byService.set(other.name, dependency);
  }
  return [...byService.values()];
}

/** Only jobs complete: of other services one can wait at most for their health. */
const alive = (condition: Dependency['condition']) => (condition === 'COMPLETED' ? 'HEALTHY' : condition);

export type Revision = { number: number; spec: StackSpec; placed: Placed[] };

/** Places the containers, given where they are; a service that finds no host for its port loses the port. */
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

/** What happens to hosts between two deployments. */
export const mishaps = fc.array(
  fc.record({
    which: fc.nat(30),
    what: fc.constantFrom('gone', 'stopped', 'unhealthy', 'crashing', 'paused', 'ended', 'stranger'),
  }),
  { maxLength: 6 },
);
type Mishap = typeof mishaps extends fc.Arbitrary<(infer T)[]> ? T : never;

/** What a mishap makes of a running container. */
const OUTCOMES: Record<Exclude<Mishap['what'], 'gone' | 'stranger'>, Partial<Instance>> = {
  stopped: { state: 'EXITED', exitCode: 1 },
  ended: { state: 'EXITED', exitCode: 0 },
  unhealthy: { health: 'UNHEALTHY' },
  crashing: { state: 'RESTARTING' },
  paused: { state: 'PAUSED' },
};

export function suffer(world: PlanWorld, list: readonly Mishap[]): void {
  for (const { which, what } of list) {
    if (what === 'stranger') addStranger(world, which);
    else strike(world, which, what);
  }
}

/** Adds a container that no task made and that holds a port which the stack may want. */
function addStranger(world: PlanWorld, which: number): void {
  const host = AGENTS[which % AGENTS.length]?.id ?? '';
  const ports = [portOf(PORTS[which % PORTS.length] ?? 0)];
  world.add(`${host}:stranger`, { ...serviceOf('stranger').container, ports });
}

function strike(world: PlanWorld, which: number, what: Exclude<Mishap['what'], 'stranger'>): void {
  const keys = [...world.containers.keys()];
  const key = keys[which % Math.max(1, keys.length)] ?? '';
  const instance = world.containers.get(key);
  if (what === 'gone') world.containers.delete(key);
  else if (instance && canSuffer(instance, what)) Object.assign(instance, OUTCOMES[what]);
}

const canSuffer = ({ state, spec }: Instance, what: keyof typeof OUTCOMES) =>
  state === 'RUNNING' && (what !== 'unhealthy' || spec.healthCheck !== null);
