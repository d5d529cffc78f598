import { describe, expect, it } from 'vitest';
import {
  type Decision,
  type DeployJob,
  previousName,
  type SeenContainers,
  type Step,
} from '../../../../agent/decide/decision.ts';
import { FRESH_MEMORY, fail, type Memory } from '../../../../agent/decide/memory.ts';
import { decide } from '../../../../agent/decide/step.ts';
import type { ObservedContainer } from '../../../../agent/docker/shapes/observe.ts';
import { container, created, deploy, ends, previous, stopped } from '../../../support/agent/observed.ts';

const BROKEN = { code: 'X', message: 'broken.' };

/** An engine that only knows names and whether things run. It performs steps at once, and refuses them as Docker would. */
class World {
  containers = new Map<string, ObservedContainer>();
  newIsGood = true;
  made = 0;
  /** Whether the latest job's order is start-first. */
  bothMayRun = false;
  good = new Set<string>();

  see = (name: string): SeenContainers => ({
    named: this.containers.get(name) ?? null,
    previous: this.containers.get(previousName(name)) ?? null,
  });

  private get(id: string): [string, ObservedContainer] {
    const entry = [...this.containers].find(([, c]) => c.id === id);
    if (!entry) throw new Error(`no container ${id}`);
    return entry;
  }

  private put(id: string, change: Partial<ObservedContainer>) {
    const [name, found] = this.get(id);
    this.containers.set(name, { ...found, ...change });
  }

  private create(): Partial<Memory> {
    if (this.containers.has('web')) throw new Error('the name is taken');
    this.made += 1;
    const id = `new${this.made}`;
    this.containers.set('web', container({ ...created, id, taskId: 't1' }));
    return { phase: { is: 'created', id } };
  }

  private rename(id: string, to: string) {
    if (this.containers.has(to)) throw new Error('the name is taken');
    const [name, found] = this.get(id);
    this.containers.delete(name);
    this.containers.set(to, found);
  }

  private start(id: string) {
    const running = [...this.containers.values()].filter(({ running }) => running);
    if (running.length > (this.bothMayRun ? 1 : 0)) throw new Error('too many would run at once');
    this.put(id, { status: 'running', running: true, everStarted: true });
  }

  private stop(id: string) {
    const isLast = id === 'previous' && ![...this.containers.values()].some(({ id }) => this.good.has(id));
    if (this.bothMayRun && isLast) throw new Error('nothing good would run');
    this.put(id, stopped);
  }

  /** Returns what to remember besides, or null if the container is bad. */
  perform(step: Step): Partial<Memory> | null {
    if (step.do === 'create') return this.create();
    if (step.do === 'rename') this.rename(step.id, step.to);
    else if (step.do === 'start') this.start(step.id);
    else if (step.do === 'stop') this.stop(step.id);
    else if (step.do === 'remove') this.containers.delete(this.get(step.id)[0]);
    else if (step.do === 'verify') {
      if (!this.newIsGood && step.id.startsWith('new')) return null;
      this.good.add(step.id);
    }
    return {};
  }

  /** Runs one attempt of at most `steps` steps. Returns undefined if it was cut off. */
  attempt(job: DeployJob, steps: number): Extract<Decision, { do: 'end' }> | undefined {
    let memory = FRESH_MEMORY;
    this.bothMayRun = job.deploy.order === 'start-first';
    for (let count = 0; count < steps; count += 1) {
      const step = decide({ ...job, seen: this.see(job.name) }, memory);
      if (step.do === 'end') return step;
      const patch = this.perform(step);
      memory = patch ? { ...memory, ...step.remember, ...patch } : fail(memory, BROKEN, false);
    }
    return undefined;
  }
}

describe('cut off anywhere, twice, and run again', () => {
  const starts: [string, SeenContainers][] = [
    ['nothing', { named: null, previous: null }],
    ['a previous one', { named: previous(), previous: null }],
    ['a stopped previous one', { named: previous(stopped), previous: null }],
    ['the wanted one', { named: container(), previous: null }],
    ['the wanted one, stopped', { named: container(stopped), previous: null }],
    ['another task cut off', { named: container({ specHash: 'third' }), previous: previous(stopped) }],
    ['another task cut off early', { named: null, previous: previous() }],
  ];
  const whole = 30;
  const cuts = Array.from({ length: 14 }, (_, first) =>
    Array.from({ length: 14 }, (_, second) => [first, second] as const),
  ).flat();
  const worldOf = ({ named, previous }: SeenContainers) => {
    const world = new World();
    if (named) world.containers.set('web', named);
    if (previous) world.containers.set(previousName('web'), previous);
    return world;
  };

  it.each(starts)('%s: ends with the wanted one running, alone', (_, start) => {
    for (const kind of ['DEPLOY', 'START', 'RESTART'] as const) {
      for (const [first, second] of cuts) {
        const world = worldOf(start);
        world.attempt(deploy(kind), first);
        world.attempt(deploy(kind), second);
        expect(world.attempt(deploy(kind), whole)).toMatchObject(ends('COMPLETED'));
        expect([...world.containers.keys()]).toEqual(['web']);
        expect(world.see('web').named).toMatchObject({ specHash: 'wanted', running: true });
      }
    }
  });

  const orders = [{}, { order: 'start-first' as const }];
  const changes = orders.flatMap((one) => orders.map((other) => [one, other] as const));

  const histories = changes.flatMap((orders) =>
    [true, false].flatMap((newIsGood) => cuts.map((cut) => ({ orders, newIsGood, cut }))),
  );
  const expectFailure = (start: SeenContainers, world: World, end: object | undefined) => {
    const before = start.previous ?? start.named;
    expect(end).toMatchObject(ends('FAILED', { error: { code: 'X', left: before ? 'PREVIOUS' : 'NONE' } }));
    expect([...world.containers.keys()]).toEqual(before ? ['web'] : []);
    if (before) expect(world.see('web').named).toMatchObject({ id: before.id });
    if (start.previous || before?.running) expect(world.see('web').named?.running).toBe(true);
  };

  it.each(starts)('%s, in any order: ends the same, and start-first never without a good one', (_, start) => {
    for (const { orders, newIsGood, cut } of histories) {
      const world = worldOf(start);
      world.newIsGood = newIsGood;
      world.attempt(deploy('DEPLOY', orders[0]), cut[0]);
      world.attempt(deploy('DEPLOY', orders[1]), cut[1]);
      const end = world.attempt(deploy('DEPLOY', orders[1]), whole);
      if (newIsGood || start.named?.specHash === 'wanted') {
        expect(end).toMatchObject(ends('COMPLETED', { result: { left: 'NEW' } }));
        expect([...world.containers.keys()]).toEqual(['web']);
        expect(world.see('web').named?.running).toBe(true);
      } else expectFailure(start, world, end);
    }
  });

  it.each(starts)('%s, and the new one is bad: ends with what was good before, running', (_, start) => {
    for (const [first, second] of cuts) {
      const world = worldOf(start);
      world.newIsGood = false;
      world.attempt(deploy(), first);
      world.attempt(deploy(), second);
      const end = world.attempt(deploy(), whole);
      const before = start.previous ?? start.named;
      const adopted = start.named?.specHash === 'wanted';
      expect(end).toMatchObject(ends(adopted ? 'COMPLETED' : 'FAILED'));
      expect(world.containers.has(previousName('web'))).toBe(false);
      if (before) expect(world.see('web').named).toMatchObject({ id: before.id });
      else expect(world.containers.size).toBe(0);
      if (before?.running || start.previous) expect(world.see('web').named?.running).toBe(true);
    }
  });
});
