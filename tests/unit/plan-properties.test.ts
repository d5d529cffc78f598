import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../server/deployments/plan.ts';
import { specHashOf } from '../../server/stacks/hash.ts';
import type { Dependency, RolloutSpec, ServiceSpec, StackSpec } from '../../server/stacks/spec.ts';
import { execute, PlanWorld, type Revision } from '../support/plan-world.ts';
import { portOf, serviceOf, specOf } from './stories.ts';

/** What must hold of every plan, whatever the revisions, what is observed and the order in which tasks happen to run. */
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const PORTS = [8001, 8002, 8003, 8004, 8005, 8006, 8007];

type Draft = {
  on: boolean;
  image: string;
  level: number;
  port: boolean;
  replicas: number;
  where: 'vm1' | 'vm2' | 'anywhere' | 'zone b' | 'everywhere';
  dependsOn: (Omit<Dependency, 'service'> & { on: boolean })[];
  update: RolloutSpec | null;
};

const draft = fc.record<Draft>({
  on: fc.boolean(),
  image: fc.constantFrom('x', 'y'),
  level: fc.nat(2),
  port: fc.boolean(),
  replicas: fc.integer({ min: 1, max: 3 }),
  where: fc.constantFrom('vm1', 'vm2', 'anywhere', 'zone b', 'everywhere'),
  dependsOn: fc.array(
    fc.record({
      on: fc.boolean(),
      condition: fc.constantFrom('STARTED' as const, 'HEALTHY' as const, 'COMPLETED' as const),
      required: fc.boolean(),
      restart: fc.boolean(),
    }),
    { minLength: NAMES.length, maxLength: NAMES.length },
  ),
  update: fc.option(
    fc.record<RolloutSpec>({
      parallelism: fc.nat(2),
      delayMs: fc.constant(0),
      order: fc.constantFrom('stop-first', 'start-first'),
      monitorMs: fc.constant(null),
      failureAction: fc.constantFrom(null, 'continue'),
    }),
  ),
});

/** Ports wander between services from one revision to the next. */
const revision = fc.record({
  drafts: fc.array(draft, { minLength: NAMES.length, maxLength: NAMES.length }),
  ports: fc.shuffledSubarray(PORTS, { minLength: NAMES.length, maxLength: NAMES.length }),
});
type RevisionDraft = typeof revision extends fc.Arbitrary<infer T> ? T : never;

function toSpec({ drafts, ports }: RevisionDraft): StackSpec {
  const chosen = drafts.flatMap((one, index) => (one.on ? [{ ...one, index, name: NAMES[index] ?? '' }] : []));
  const isThere = (index: number) => drafts[index]?.on === true;
  return specOf('shop', chosen.map(toService));

  function toService({ name, index, ...one }: Draft & { index: number; name: string }): ServiceSpec {
    // With a fixed port on a named host there can be only one.
    const replicas = one.where.startsWith('vm') && one.port ? 1 : one.replicas;
    const update = one.update && (one.port ? { ...one.update, order: 'stop-first' as const } : one.update);
    const dependsOn = one.dependsOn.flatMap(({ on, ...dependency }, other) =>
      on && other < index && isThere(other) ? [{ ...dependency, service: NAMES[other] ?? '' }] : [],
    );
    return serviceOf(name, {
      host: one.where.startsWith('vm') ? one.where : null,
      nameBase: `shop-${name}`,
      replicas,
      ...(one.where === 'everywhere' && { global: true }),
      ...(one.where === 'zone b' && { constraints: [{ attribute: 'node.labels.zone', operator: '==', value: 'b' }] }),
      ...(update && { update }),
      dependsOn,
      container: {
        name: `shop-${name}-1`,
        service: name,
        image: one.image,
        environment: { LEVEL: String(one.level) },
        ports: one.port ? [portOf(ports[index] ?? 0)] : [],
      },
    });
  }
}

const schedule = fc.infiniteStream(fc.nat(1_000));
const picker = (stream: Iterator<number>) => (count: number) => (count === 0 ? 0 : (stream.next().value ?? 0) % count);

/** What becomes of hosts between two deployments. */
const mishaps = fc.array(
  fc.record({ which: fc.nat(20), what: fc.constantFrom('gone', 'stopped', 'unhealthy', 'stranger') }),
  { maxLength: 5 },
);

function suffer(world: PlanWorld, list: readonly { which: number; what: string }[]): void {
  for (const { which, what } of list) {
    const keys = [...world.containers.keys()];
    const key = keys[which % Math.max(1, keys.length)];
    const instance = key === undefined ? undefined : world.containers.get(key);
    if (!key || !instance) continue;
    if (what === 'gone') world.containers.delete(key);
    if (what === 'stopped') instance.state = 'EXITED';
    if (what === 'unhealthy') instance.health = 'UNHEALTHY';
    if (what === 'stranger') {
      const spec = { ...instance.spec, name: `stranger-${which}`, ports: [] };
      world.containers.set(`vm1:stranger-${which}`, { ...instance, spec, specHash: 'unknown', id: -which - 1 });
    }
  }
}

function expectToBe(world: PlanWorld, { placed }: Revision): void {
  const wanted = new Map(placed.map(({ agentId, container }) => [`${agentId}:${container.name}`, container]));
  expect([...world.containers.keys()].toSorted()).toEqual([...wanted.keys()].toSorted());
  for (const [key, { specHash, state, health }] of world.containers) {
    const container = wanted.get(key);
    expect({ key, specHash, state, health }).toEqual({
      key,
      specHash: container && specHashOf(container),
      state: 'RUNNING',
      health: 'HEALTHY',
    });
  }
}

const isEmpty = ({ changes, tasks }: Plan) => tasks.length === 0 && changes.every(({ action }) => action === 'NOOP');

/** A stack that was deployed once and then lived for a while. */
function start(first: RevisionDraft, happened: Parameters<typeof suffer>[1], stream: Iterator<number>) {
  const world = new PlanWorld();
  const revision = world.place(1, toSpec(first));
  fc.pre(revision !== undefined);
  execute(world, world.plan('DEPLOY', revision), { pick: picker(stream) });
  expectToBe(world, revision);
  suffer(world, happened);
  return { world, revision };
}

const runs = { numRuns: 400 };

describe('executing a plan in any order that it allows', () => {
  test('reaches what is wanted, touches nothing unchanged, and leaves nothing to do', () => {
    fc.assert(
      fc.property(revision, revision, mishaps, schedule, (first, second, happened, stream) => {
        const { world, revision: before } = start(first, happened, stream);
        const after = world.place(2, toSpec(second), before);
        fc.pre(after !== undefined);
        const plan = world.plan('DEPLOY', after);
        const untouched = plan.changes.filter(({ action, watched }) => action === 'NOOP' && !watched);
        const of = ({ agentId, containerName }: (typeof untouched)[number]) => {
          const { id, startedAt } = world.containers.get(`${agentId}:${containerName}`) ?? {};
          return { id, startedAt };
        };
        const seen = untouched.map(of);
        execute(world, plan, { pick: picker(stream) });
        expectToBe(world, after);
        expect(untouched.map(of)).toEqual(seen);
        expect(isEmpty(world.plan('DEPLOY', after))).toBe(true);
      }),
      runs,
    );
  });

  test('what fails anywhere goes back to the revision before', () => {
    fc.assert(
      fc.property(revision, revision, fc.nat(30), schedule, (first, second, which, stream) => {
        const { world, revision: before } = start(first, [], stream);
        const after = world.place(2, toSpec(second), before);
        fc.pre(after !== undefined);
        const plan = world.plan('DEPLOY', after);
        const index = which % Math.max(1, plan.tasks.length);
        execute(world, plan, { pick: picker(stream), fails: (task) => task === index });
        const back = world.place(3, before.spec, after);
        fc.pre(back !== undefined);
        execute(world, world.plan('ROLLBACK', back), { pick: picker(stream) });
        expectToBe(world, back);
        expect(isEmpty(world.plan('ROLLBACK', back))).toBe(true);
      }),
      runs,
    );
  });

  test('a failure before the first container is touched leaves every container as it was', () => {
    fc.assert(
      fc.property(revision, revision, schedule, (first, second, stream) => {
        const { world, revision: before } = start(first, [], stream);
        const after = world.place(2, toSpec(second), before);
        fc.pre(after !== undefined);
        const plan = world.plan('DEPLOY', after);
        const pull = plan.tasks.findIndex(({ gates }) => gates);
        fc.pre(pull >= 0);
        const was = structuredClone([...world.containers]);
        execute(world, plan, { pick: picker(stream), fails: (task) => task === pull });
        expect([...world.containers]).toEqual(was);
        expect(isEmpty(world.plan('ROLLBACK', before))).toBe(true);
      }),
      runs,
    );
  });
});

test('a plan is the same for the same input, and its hash another once something else would be done', () => {
  fc.assert(
    fc.property(revision, revision, mishaps, schedule, (first, second, happened, stream) => {
      const { world, revision: before } = start(first, [], stream);
      const after = world.place(2, toSpec(second), before);
      fc.pre(after !== undefined);
      const plan = world.plan('DEPLOY', after);
      expect(world.plan('DEPLOY', after)).toEqual(plan);
      suffer(world, happened);
      const later = world.plan('DEPLOY', after);
      const does = ({ changes }: Plan) =>
        changes.map(({ agentId, containerName, action }) => [agentId, containerName, action]);
      const isSame = JSON.stringify(does(later)) === JSON.stringify(does(plan));
      if (!isSame) expect(later.hash).not.toBe(plan.hash);
    }),
    runs,
  );
});
