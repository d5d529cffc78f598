import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Plan } from '../../../../server/planning/plan.ts';
import type { PlanKind } from '../../../../server/planning/plan-input.ts';
import { again, drafts, evolve, mishaps, placed, suffer } from '../../../support/planning/drafts.ts';
import {
  ALL,
  execute,
  expectToBe,
  inputOf,
  isEmpty,
  picker,
  planFor,
  schedule,
  start,
} from '../../../support/planning/execution.ts';
import { plan } from '../../../support/planning/plans.ts';
import { PlanRun } from '../../../support/planning/run.ts';

/** What must hold of every plan, whatever the revisions, what is observed and the order in which tasks happen to run. */
const RUNS = { numRuns: 300 };
// About a second each, and several when the machine has other work.
vi.setConfig({ testTimeout: 60_000 });

describe('executing a plan in any order that it allows', () => {
  test('reaches what is wanted, touches nothing unchanged, and leaves nothing to do', () => {
    const kind = fc.constantFrom<PlanKind>('DEPLOY', 'ROLLBACK', 'REPAIR');
    const offline = fc.subarray(ALL, { maxLength: 2 });
    fc.assert(
      fc.property(drafts, drafts, mishaps, kind, offline, schedule, (first, second, happened, kind, off, stream) => {
        const { world, revision: before } = start(first, happened, stream);
        const after = placed(2, evolve(first, second), before, new Set(off));
        fc.pre(after !== undefined);
        const online = new Set(ALL.filter((id) => !off.includes(id)));
        execute(world, planFor(world, kind, after, { online }), stream, undefined, new Set(off));
        expectToBe(world, after);
        expect(isEmpty(planFor(world, kind, after))).toBe(true);
      }),
      RUNS,
    );
  });

  test('so it does when it supersedes a deployment that is at work or was cut off', () => {
    const third = fc.option(drafts);
    const fail = fc.constantFrom(0, 0, 3, 7);
    fc.assert(
      fc.property(
        fc.tuple(drafts, drafts, third),
        fc.nat(60),
        fail,
        fc.boolean(),
        schedule,
        ([first, second, third], steps, fail, isCutOff, stream) => {
          const { world, revision: before } = start(first, [], stream);
          const half = placed(2, evolve(first, second), before);
          fc.pre(half !== undefined);
          const pick = picker(stream);
          const old = new PlanRun(world, planFor(world, 'DEPLOY', half));
          old.run({ pick, steps, fails: (_task, index) => fail > 0 && index % fail === 2 });
          const after = third ? placed(3, evolve(second, third), half) : again(3, before.spec, half);
          fc.pre(after !== undefined);
          const inWork = old.inWork();
          // What was observed of containers that are at work may be of before.
          const isStale = new Set(inWork.filter(() => pick(2) === 0).map(({ agentId, name }) => `${agentId}:${name}`));
          const keyOf = ({ agentId, name }: { agentId: string; name: string }) =>
            `${agentId}:${name.replace('.graphium-previous', '')}`;
          const observed = [
            ...world.observed().filter((row) => !isStale.has(keyOf(row))),
            ...world.observed(old.before).filter((row) => isStale.has(keyOf(row))),
          ];
          execute(world, planFor(world, 'DEPLOY', after, { inWork, observed }), stream, isCutOff ? undefined : old);
          expectToBe(world, after);
          expect(isEmpty(planFor(world, 'DEPLOY', after))).toBe(true);
        },
      ),
      RUNS,
    );
  });
});

describe('what fails', () => {
  test('anywhere goes back to the revision before', () => {
    fc.assert(
      fc.property(drafts, drafts, fc.integer({ min: 1, max: 9 }), schedule, (first, second, nth, stream) => {
        const { world, revision: before } = start(first, [], stream);
        const after = placed(2, evolve(first, second), before);
        fc.pre(after !== undefined);
        const run = new PlanRun(world, planFor(world, 'DEPLOY', after));
        run.run({ pick: picker(stream), givesUp: true, fails: (_task, index) => index % nth === 0 });
        const back = again(3, before.spec, after);
        fc.pre(back.problems.length === 0);
        execute(world, planFor(world, 'ROLLBACK', back), stream);
        expectToBe(world, back);
        expect(isEmpty(planFor(world, 'ROLLBACK', back))).toBe(true);
      }),
      RUNS,
    );
  });

  test('before the first container is touched leaves every container as it was', () => {
    fc.assert(
      fc.property(drafts, drafts, schedule, (first, second, stream) => {
        const { world, revision: before } = start(first, [], stream);
        const after = placed(2, evolve(first, second), before);
        fc.pre(after !== undefined);
        const planned = planFor(world, 'DEPLOY', after);
        fc.pre(planned.tasks.some(({ holdsImageGate }) => holdsImageGate));
        const was = structuredClone([...world.containers]);
        const run = new PlanRun(world, planned);
        run.run({ pick: picker(stream), givesUp: true, fails: ({ holdsImageGate }) => holdsImageGate });
        expect([...world.containers]).toEqual(was);
        expect(isEmpty(planFor(world, 'ROLLBACK', before))).toBe(true);
      }),
      RUNS,
    );
  });

  test('without a rollback takes nothing away that is not wanted any more', () => {
    fc.assert(
      fc.property(drafts, drafts, fc.integer({ min: 1, max: 9 }), schedule, (first, second, nth, stream) => {
        const { world, revision: before } = start(first, [], stream);
        const after = placed(2, evolve(first, second), before);
        fc.pre(after !== undefined);
        const planned = planFor(world, 'DEPLOY', after);
        const freesPort = new Set(
          planned.tasks.flatMap(({ kind, blockedBy }) => (kind === 'DEPLOY' ? blockedBy.map(({ key }) => key) : [])),
        );
        const last = planned.tasks.filter(({ kind, key }) => kind === 'DELETE' && !freesPort.has(key));
        const run = new PlanRun(world, planned);
        const fails = ({ kind, optional }: Plan['tasks'][number], index: number) =>
          kind === 'DEPLOY' && !optional && index % nth === 0;
        fc.pre(run.run({ pick: picker(stream), fails }));
        for (const { agentId, containerName } of last)
          expect(world.containers.has(`${agentId}:${containerName}`)).toBe(true);
      }),
      RUNS,
    );
  });
});

test('STOP, START, RESTART and DELETE do what they say from wherever a stack was left', () => {
  const startsBy = fc.constantFrom<PlanKind>('START', 'DEPLOY');
  fc.assert(
    fc.property(
      fc.tuple(drafts, drafts),
      mishaps,
      startsBy,
      fc.nat(60),
      schedule,
      ([first, second], happened, again, steps, stream) => {
        const { world, revision: before } = start(first, [], stream);
        const after = placed(2, evolve(first, second), before);
        fc.pre(after !== undefined);
        new PlanRun(world, planFor(world, 'DEPLOY', after)).run({ pick: picker(stream), steps, fails: () => false });
        suffer(world, happened);
        const states = () => new Set(world.observed().map(({ state }) => state));
        execute(world, planFor(world, 'STOP', after), stream);
        for (const state of states()) expect(['EXITED', 'CREATED']).toContain(state);
        execute(world, planFor(world, again, after), stream);
        if (again === 'START') execute(world, planFor(world, 'RESTART', after), stream);
        const wanted = new Set(after.placed.map(({ agentId, container }) => `${agentId}:${container.name}`));
        for (const key of world.containers.keys()) if (!wanted.has(key)) world.containers.delete(key);
        expectToBe(world, after);
        execute(world, planFor(world, 'DELETE', after), stream);
        expect(world.containers.size).toBe(0);
      },
    ),
    RUNS,
  );
});

test('a plan is the same for the same input in whatever order it comes, and its hash another once something else would be done', () => {
  fc.assert(
    fc.property(drafts, drafts, mishaps, schedule, (first, second, happened, stream) => {
      const { world, revision: before } = start(first, [], stream);
      const after = placed(2, evolve(first, second), before);
      fc.pre(after !== undefined);
      const input = inputOf(world, 'DEPLOY', after);
      const planned = plan(input);
      const { observed, images } = input;
      expect(plan(structuredClone({ ...input, observed: observed.toReversed(), images: images.toReversed() }))).toEqual(
        planned,
      );
      suffer(world, happened);
      const later = planFor(world, 'DEPLOY', after);
      const does = ({ changes, tasks }: Plan) => [
        changes.map(({ agentId, containerName, action }) => [agentId, containerName, action]),
        tasks.map(({ key, blockedBy }) => [key, blockedBy]),
      ];
      const isSame = JSON.stringify(does(later)) === JSON.stringify(does(planned));
      expect(later.hash === planned.hash).toBe(isSame);
    }),
    RUNS,
  );
});
