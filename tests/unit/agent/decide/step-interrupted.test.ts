import { describe, expect, it } from 'vitest';
import {
  type Decision,
  type DeployJob,
  previousName,
  type SeenContainers,
  type Step,
} from '../../../../agent/decide/decision.ts';
import { fail, freshMemory, type Memory } from '../../../../agent/decide/memory.ts';
import { decide } from '../../../../agent/decide/step.ts';
import type { ObservedContainer } from '../../../../agent/docker/shapes/observe.ts';
import { container, created, deploy, ends, previous, stopped } from '../../../support/agent/observed.ts';

const BROKEN = { code: 'X', message: 'broken.' };

/** An engine that only knows names and whether things run; steps are done at once, and refused as Docker would. */
class World {
  containers = new Map<string, ObservedContainer>();
  newIsGood = true;
  made = 0;
  /** start-first: that of the latest job. */
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

  /** What to remember besides; null: the container is bad. */
  perform(step: Step): Partial<Memory> | null {
    if (step.do === 'create') {
      if (this.containers.has('web')) throw new Error('the name is taken');
      this.made += 1;
      const id = `new${this.made}`;
      this.containers.set('web', container({ ...created, id, taskId: 't1' }));
      return { phase: { is: 'created', id } };
    }
    if (step.do === 'rename') {
      if (this.containers.has(step.to)) throw new Error('the name is taken');
      const [name, found] = this.get(step.id);
      this.containers.delete(name);
      this.containers.set(step.to, found);
    } else if (step.do === 'start') {
      const running = [...this.containers.values()].filter(({ running }) => running);
      if (running.length > (this.bothMayRun ? 1 : 0)) throw new Error('too many would run at once');
      this.put(step.id, { status: 'running', running: true, everStarted: true });
    } else if (step.do === 'stop') {
      const isLast = step.id === 'previous' && ![...this.containers.values()].some(({ id }) => this.good.has(id));
      if (this.bothMayRun && isLast) throw new Error('nothing good would run');
      this.put(step.id, stopped);
    } else if (step.do === 'remove') this.containers.delete(this.get(step.id)[0]);
    else if (step.do === 'verify') {
      if (!this.newIsGood && step.id.startsWith('new')) return null;
      this.good.add(step.id);
    }
    return {};
  }

  /** One attempt, cut off after `steps`; undefined: it was cut off. */
  attempt(job: DeployJob, steps: number): Extract<Decision, { do: 'end' }> | undefined {
    let memory = freshMemory;
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
    ['an old one', { named: previous(), previous: null }],
    ['a stopped old one', { named: previous(stopped), previous: null }],
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

  it.each(starts)('%s, in any order: ends the same, and start-first never without a good one', (_, start) => {
    for (const [one, other] of changes) {
      for (const newIsGood of [true, false]) {
        for (const [first, second] of cuts) {
          const world = worldOf(start);
          world.newIsGood = newIsGood;
          world.attempt(deploy('DEPLOY', one), first);
          world.attempt(deploy('DEPLOY', other), second);
          const end = world.attempt(deploy('DEPLOY', other), whole);
          const before = start.previous ?? start.named;
          const succeeds = newIsGood || start.named?.specHash === 'wanted';
          const left = succeeds ? 'NEW' : before ? 'OLD' : 'NONE';
          const outcome = succeeds
            ? ends('COMPLETED', { result: { left } })
            : ends('FAILED', { error: { code: 'X', left } });
          expect(end).toMatchObject(outcome);
          expect([...world.containers.keys()]).toEqual(before || succeeds ? ['web'] : []);
          if (!succeeds && before) expect(world.see('web').named).toMatchObject({ id: before.id });
          const ran = start.previous || start.named?.running;
          if (succeeds || ran) expect(world.see('web').named?.running).toBe(true);
        }
      }
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
