import fc from 'fast-check';
import { expect } from 'vitest';
import type { Plan } from '../../../server/planning/plan.ts';
import type { PlanKind } from '../../../server/planning/plan-input.ts';
import type { PlannedTask } from '../../../server/planning/planned-task.ts';
import { specHashOf } from '../../../server/spec/hash.ts';
import { AGENTS, placed, type Revision, suffer } from './drafts.ts';
import { type PlanInput, plan } from './plans.ts';
import { PlanRun } from './run.ts';
import { mayEnd, PlanWorld } from './world.ts';

/** Executes plans and looks at what became of the hosts. */
export const ALL = AGENTS.map(({ id }) => id);
const NOBODY: ReadonlySet<string> = new Set();

export function inputOf(
  world: PlanWorld,
  kind: PlanKind,
  { number, spec, placed }: Revision,
  more: Partial<PlanInput> = {},
): PlanInput {
  const images = [...world.containers].map(
    ([
      key,
      {
        spec: { image },
      },
    ]) => ({ agentId: key.slice(0, key.indexOf(':')), image }),
  );
  const observed = world.observed();
  const flat = { observed, inWork: [], stopped: world.stopped(), images, involved: ALL, online: new Set(ALL) };
  const asked = { kind, spec, revision: number, placed, removeVolumes: false, services: null, orphans: null };
  return {
    ...asked,
    ...flat,
    ...more,
  };
}

export const planFor = (...args: Parameters<typeof inputOf>) => plan(inputOf(...args));

/** Picks by numbers from a stream; the same stream gives the same picks. */
export const schedule = fc.infiniteStream(fc.nat(1_000));
export const picker = (stream: Iterator<number>) => (count: number) =>
  count === 0 ? 0 : (stream.next().value ?? 0) % count;

export function expectToBe(world: PlanWorld, { placed }: Revision): void {
  const wanted = new Map(placed.map(({ agentId, container }) => [`${agentId}:${container.name}`, container]));
  expect([...world.containers.keys()].toSorted()).toEqual([...wanted.keys()].toSorted());
  for (const [key, { specHash, state, health, exitCode, isHalted }] of world.containers) {
    const container = wanted.get(key);
    expect(specHash, key).toBe(container && specHashOf(container));
    if (state === 'EXITED')
      expect({ key, exitCode, isHalted, mayEnd: container && mayEnd(container) }).toEqual({
        key,
        exitCode: 0,
        isHalted: false,
        mayEnd: true,
      });
    else
      expect({ key, state, health }).toEqual({
        key,
        state: 'RUNNING',
        health: container?.healthCheck ? 'HEALTHY' : health,
      });
  }
}

export const isEmpty = ({ changes, tasks }: Plan) =>
  tasks.length === 0 && changes.every(({ action }) => action === 'NOOP');

/** What a container needs is as far as it is to be when its turn comes, whether that had to be changed or not. */
function expectReady(world: PlanWorld, { changes }: Plan, { agentId, containerName, spec }: PlannedTask): void {
  if (!('container' in spec)) return;
  const own = changes.find((one) => one.agentId === agentId && one.containerName === containerName);
  for (const { service, condition } of own?.placed?.service.dependsOn.filter(({ required }) => required) ?? []) {
    for (const other of changes.filter(({ placed }) => placed?.service.name === service)) {
      const instance = world.containers.get(`${other.agentId}:${other.containerName}`);
      const { state, health, exitCode, isHalted } = instance ?? {};
      const hasEnded = state === 'EXITED' && exitCode === 0 && !isHalted;
      const isUp = condition === 'STARTED' ? state !== 'EXITED' : state === 'RUNNING' && health === 'HEALTHY';
      const isReady = hasEnded || (isUp && condition !== 'COMPLETED');
      const found = `${other.containerName} (${other.action}) is ${state}, ${health}, ${exitCode}`;
      expect(isReady, `${containerName} (${own?.action}) needs ${condition}, ${found}`).toBe(true);
      expect(instance?.specHash).toBe(other.specHash);
    }
  }
}

/** Executes it to its end, and sees to it that what it calls unchanged is not touched. */
export function execute(
  world: PlanWorld,
  planned: Plan,
  stream: Iterator<number>,
  superseded?: PlanRun,
  offline = NOBODY,
): void {
  const untouched = planned.changes.filter(({ action, watched }) => action === 'NOOP' && !watched);
  const look = () =>
    untouched.map(({ agentId, containerName }) => {
      const { id, startedAt } = world.containers.get(`${agentId}:${containerName}`) ?? {};
      return { agentId, containerName, id, startedAt };
    });
  const before = look();
  const run = new PlanRun(world, planned, superseded);
  const onAct = (task: PlannedTask) => expectReady(world, planned, task);
  if (offline.size > 0) run.run({ pick: picker(stream), onAct, offline });
  run.run({ pick: picker(stream), onAct });
  expect(run.unfinished()).toEqual([]);
  expect(look()).toEqual(before);
}

/** A stack that was deployed once and then lived for a while. */
export function start(
  first: Parameters<typeof placed>[1],
  happened: Parameters<typeof suffer>[1],
  stream: Iterator<number>,
) {
  const world = new PlanWorld();
  const revision = placed(1, first);
  fc.pre(revision !== undefined);
  execute(world, planFor(world, 'DEPLOY', revision), stream);
  expectToBe(world, revision);
  suffer(world, happened);
  return { world, revision };
}
