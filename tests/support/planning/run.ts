import type { Plan } from '../../../server/planning/plan.ts';
import type { Blocker, PlannedTask } from '../../../server/planning/planned-task.ts';
import { type Instance, keyOf, type PlanWorld, PortTaken, type Trace } from './world.ts';

/** Runs the tasks of plans in an order of somebody's choosing, by the rules by which the database lets agents start them. */
type Status = 'PENDING' | 'BEGUN' | 'ACTED' | 'COMPLETED' | 'FAILED' | 'CANCELLED';
type Entry = {
  task: PlannedTask;
  status: Status;
  behindImageGate: boolean;
  trace: Trace;
  /** Of a plan that another superseded: how it ends does not matter. */
  isOld: boolean;
};

export type Rules = {
  /** Picks one of so many. */
  pick(count: number): number;
  /** Whether a task fails when it comes to its end. */
  fails?: (task: PlannedTask, index: number) => boolean;
  /** A failure ends the rest, as when the stack is to be rolled back. */
  givesUp?: boolean;
  /** No more steps than these. */
  steps?: number;
  onAct?: (task: PlannedTask) => void;
  /** Agents that do not work. */
  offline?: ReadonlySet<string>;
};

const isEnded = ({ status }: Entry) => status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELLED';
const isAtWork = ({ status }: Entry) => status === 'BEGUN' || status === 'ACTED';

export class PlanRun {
  readonly #entries: Entry[];
  readonly #own: Entry[];
  readonly #byKey: Map<string, Entry>;
  /** The containers before the first step. */
  readonly before: ReadonlyMap<string, Instance>;
  readonly #world: PlanWorld;

  /** @param superseded its tasks that have begun come to an end beside those of this one */
  constructor(world: PlanWorld, { tasks }: Plan, superseded?: PlanRun) {
    this.#world = world;
    this.before = structuredClone(world.containers);
    this.#own = tasks.map((task) => ({
      task,
      status: 'PENDING',
      behindImageGate: task.behindImageGate,
      trace: { madeId: null, oldRan: false },
      isOld: false,
    }));
    this.#byKey = new Map(this.#own.map((entry) => [entry.task.key, entry]));
    if (this.#byKey.size !== tasks.length) throw new Error('two tasks have one key');
    const old = superseded?.atWork() ?? [];
    this.#entries = [...this.#own, ...old.map((entry) => ({ ...entry, isOld: true }))];
  }

  atWork(): Entry[] {
    return this.#entries.filter(isAtWork);
  }

  inWork() {
    return this.atWork().flatMap(({ task }) =>
      task.containerName === null
        ? []
        : [
            {
              agentId: task.agentId,
              name: task.containerName,
              specHash: 'specHash' in task.spec ? task.spec.specHash : null,
            },
          ],
    );
  }

  unfinished(): string[] {
    return this.#own.filter(({ status }) => status !== 'COMPLETED').map(({ task, status }) => `${task.key} ${status}`);
  }

  /** Until nothing can be done any more. @returns whether a task failed */
  run(rules: Rules): boolean {
    let failed = false;
    for (let step = 0; step < (rules.steps ?? Number.POSITIVE_INFINITY); step++) {
      const isOff = ({ task }: Entry) => rules.offline?.has(task.agentId) === true;
      const possible = this.#entries.filter((entry) => !isOff(entry) && (isAtWork(entry) || this.#isStartable(entry)));
      const entry = possible[rules.pick(possible.length)];
      if (!entry) {
        this.#expectNoneForgotten();
        break;
      }
      if (entry.status === 'PENDING') this.#begin(entry);
      else if (entry.status === 'BEGUN') {
        if (!entry.isOld) rules.onAct?.(entry.task);
        this.#act(entry);
      } else failed = this.#end(entry, rules) || failed;
    }
    return failed;
  }

  #isStartable(entry: Entry): boolean {
    if (entry.status !== 'PENDING' || entry.behindImageGate || !this.#isUnblocked(entry)) return false;
    const { containerName } = entry.task;
    const key = keyOf(entry.task.agentId, containerName);
    return containerName === null || !this.atWork().some(({ task }) => keyOf(task.agentId, task.containerName) === key);
  }

  #isUnblocked({ task }: Entry): boolean {
    return task.blockedBy.every(({ key, condition, optional }: Blocker) => {
      const other = this.#byKey.get(key);
      if (!other) throw new Error(`${task.key} waits for ${key}, which does not exist`);
      if (other.status === 'COMPLETED' || (condition === 'STARTED' && other.status === 'ACTED')) return true;
      return optional && isEnded(other);
    });
  }

  #holds({ task }: Entry): Entry[] {
    return this.#own.filter(
      ({ task: { kind, holdsImageGate, agentId } }) => kind === 'PULL' && (holdsImageGate || agentId === task.agentId),
    );
  }

  #begin(entry: Entry): void {
    const missing = this.#holds(entry).filter(({ status }) => status !== 'COMPLETED');
    if (entry.task.kind !== 'PULL' && missing.length > 0) {
      throw new Error(`${entry.task.key} begins before ${missing.map(({ task }) => task.key)}`);
    }
    entry.status = 'BEGUN';
  }

  /** What is ready and yet does not start would never start. */
  #expectNoneForgotten(): void {
    const isReady = (entry: Entry) =>
      this.#isUnblocked(entry) && this.#holds(entry).every(({ status }) => status === 'COMPLETED');
    const forgotten = this.#own.find((entry) => entry.status === 'PENDING' && entry.behindImageGate && isReady(entry));
    if (forgotten) throw new Error(`nothing lets ${forgotten.task.key} begin`);
  }

  #act(entry: Entry): void {
    entry.status = 'ACTED';
    this.#unlessTaken(entry, () => this.#world.act(entry.task, entry.trace));
  }

  /** What is superseded may find its port taken; what took its place may not. */
  #unlessTaken(entry: Entry, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!entry.isOld || !(error instanceof PortTaken)) throw error;
      if (entry.status === 'ACTED') {
        entry.status = 'FAILED';
        this.#unlessTaken(entry, () => this.#world.undo(entry.task, entry.trace));
      }
    }
  }

  #end(entry: Entry, { fails = () => false, givesUp = false }: Rules): boolean {
    if (!fails(entry.task, this.#entries.indexOf(entry))) {
      this.#world.finish(entry.task);
      entry.status = 'COMPLETED';
      this.#open();
      return false;
    }
    entry.status = 'FAILED';
    this.#unlessTaken(entry, () => this.#world.undo(entry.task, entry.trace));
    if (!entry.isOld) this.#lose(entry);
    if (givesUp && !entry.task.optional)
      for (const one of this.#own) if (one.status === 'PENDING') one.status = 'CANCELLED';
    this.#open();
    return true;
  }

  /** An image gate opens when a task ends, and at no other time. */
  #open(): void {
    for (const entry of this.#own) {
      if (entry.behindImageGate && this.#holds(entry).every(({ status }) => status === 'COMPLETED'))
        entry.behindImageGate = false;
    }
  }

  #lose(lost: Entry): void {
    for (const entry of this.#own) {
      if (entry.status !== 'PENDING') continue;
      const waits = entry.task.blockedBy.some(({ key, optional }) => !optional && key === lost.task.key);
      if (!waits && !(entry.behindImageGate && this.#holds(entry).includes(lost))) continue;
      entry.status = 'CANCELLED';
      this.#lose(entry);
    }
  }
}
