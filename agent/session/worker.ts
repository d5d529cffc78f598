/**
 * Runs this host's tasks: several at once, but one at a time per container.
 *
 * Invariants: a task runs only with an attempt that `startTasks` gave to the current session, or that a later session
 * adopted. At most one `startTasks` is under way per session. An attempt that was taken away ('abandoned') reports
 * nothing, and blocks its container until it has really stopped. The worker outlives sessions and works on between them.
 */

import type { AgentTask, TaskOutcome, TaskUpdate } from '../base/outcome.ts';
import type { PendingTask, StartedTask } from '../connection/api.ts';
import type { Reporter } from './reporter.ts';

/** A task that the server did not let start is tried again after this time, or with the next set of tasks. */
const REFUSED_HOLD_MS = 1_000;
/** A task that waits for others says so, or the server would give it up after ten minutes. */
const HEARTBEAT_MS = 60_000;
/** Their specs come in one answer, which has to stay within the size of a message. */
const STARTED_AT_ONCE = 16;

export type WorkerLink = { startTasks(ids: string[]): Promise<StartedTask[]> };

export type RunTask = (
  task: AgentTask,
  hooks: { update(update: TaskUpdate): void; cancel: AbortSignal },
) => Promise<TaskOutcome>;

export type WorkerOptions = {
  /** The number of tasks that may be under way at once. */
  limit: number;
  runTask: RunTask;
  reporter: Pick<Reporter, 'update' | 'touch' | 'finish' | 'drop'>;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
};

export type RunningTask = { taskId: string; attempt: number };

/** `ended`: the server has not accepted the terminal report yet. `abandoned`: still stopping, its outcome is unwanted. */
type Entry = {
  task: PendingTask;
  state: 'running' | 'ended' | 'abandoned';
  abort: AbortController;
  done: Promise<void>;
};

export class Worker {
  readonly #options: WorkerOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #refused = new Set<string>();
  #pending = new Map<string, PendingTask>();
  #link: WorkerLink | undefined;
  #starting: Promise<void> | undefined;
  #generation = 0;
  #hold: NodeJS.Timeout | undefined;
  #isSuspended = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** Lists what is running, for the server to adopt. Later answers of earlier sessions are ignored. */
  handOver(): RunningTask[] {
    this.#generation += 1;
    this.#starting = undefined;
    this.#link = undefined;
    this.#pending = new Map();
    return [...this.#entries.values()]
      .filter(({ state }) => state !== 'abandoned')
      .map(({ task }) => ({ taskId: task.id, attempt: task.attempt }));
  }

  /** Continues what the new session adopted and stops the rest. */
  attach(link: WorkerLink, adopted: readonly string[]): void {
    const ids = new Set(adopted);
    for (const entry of [...this.#entries.values()]) if (!ids.has(entry.task.id)) this.#abandon(entry);
    this.#link = link;
    this.#schedule();
  }

  /** Starts nothing more. Resolves when no answer to `startTasks` is outstanding. */
  async detach(): Promise<void> {
    this.#link = undefined;
    await this.#starting;
  }

  /** Takes the complete set of what this host has to do. */
  receive(tasks: readonly PendingTask[]): void {
    this.#refused.clear();
    this.#pending = new Map(tasks.filter(({ status }) => status === 'PENDING').map((task) => [task.id, task]));
    for (const task of tasks) if (task.status === 'RUNNING') this.#handleRunning(task);
    this.#schedule();
  }

  /** Handles the server's last word on an attempt: it knows the end, or the attempt is no longer this agent's. */
  settled(taskId: string, attempt: number, how: 'ACCEPTED' | 'STALE'): void {
    const entry = this.#entries.get(taskId);
    if (entry?.task.attempt !== attempt) return;
    if (how === 'STALE') this.#abandon(entry);
    else this.#entries.delete(taskId);
    this.#schedule();
  }

  /** While it is suspended, it begins no task. What is under way goes on. */
  suspend(isSuspended: boolean): void {
    this.#isSuspended = isSuspended;
    this.#schedule();
  }

  abandonAll(): void {
    for (const entry of [...this.#entries.values()]) this.#abandon(entry);
  }

  /** Abandons all and resolves when every task has stopped. */
  async close(): Promise<void> {
    this.#link = undefined;
    clearTimeout(this.#hold);
    this.abandonAll();
    await Promise.all([...this.#entries.values()].map(({ done }) => done));
  }

  #schedule() {
    if (!this.#link || this.#starting || this.#isSuspended) return;
    const pending = [...this.#pending.values()].filter(({ id }) => !this.#refused.has(id));
    const ids = chooseStartable(pending, [...this.#entries.values()], this.#options.limit);
    if (ids.length > 0) this.#starting = this.#start(this.#link, ids);
  }

  async #start(link: WorkerLink, ids: string[]) {
    const generation = this.#generation;
    try {
      const started = await link.startTasks(ids);
      if (generation !== this.#generation) return;
      for (const task of started) this.#begin(task);
      this.#holdBack(ids.filter((id) => !this.#entries.has(id)));
    } catch {
      // The same error ends the session that the link belongs to.
      if (this.#link === link) this.#link = undefined;
    }
    if (generation !== this.#generation) return;
    this.#starting = undefined;
    this.#schedule();
  }

  #holdBack(ids: string[]) {
    if (ids.length === 0) return;
    for (const id of ids) this.#refused.add(id);
    clearTimeout(this.#hold);
    this.#hold = setTimeout(() => {
      this.#refused.clear();
      this.#schedule();
    }, REFUSED_HOLD_MS).unref();
  }

  #begin(task: StartedTask) {
    this.#pending.delete(task.id);
    const entry: Entry = { task, state: 'running', abort: new AbortController(), done: Promise.resolve() };
    this.#entries.set(task.id, entry);
    if (task.cancelRequested) entry.abort.abort('cancelled');
    entry.done = this.#run(entry, task);
  }

  async #run(entry: Entry, { spec, variables }: StartedTask) {
    const { runTask, reporter, log } = this.#options;
    const { id, kind, attempt, stack, containerName } = entry.task;
    const task: AgentTask = { id, kind, attempt, stack, containerName, spec, variables };
    log.info(named(entry.task), 'task started');
    const update = (update: TaskUpdate) => {
      if (entry.state === 'running') reporter.update(task, update);
    };
    const heart = setInterval(() => {
      if (entry.state === 'running') reporter.touch(task);
    }, HEARTBEAT_MS);
    const outcome = await runTask(task, { update, cancel: entry.abort.signal });
    clearInterval(heart);
    if (entry.state === 'abandoned') {
      log.warn(named(entry.task), 'abandoned task stopped');
      this.#entries.delete(task.id);
    } else {
      const failure = outcome.status === 'FAILED' ? { code: outcome.error.code, error: outcome.error.message } : {};
      log.info({ ...named(entry.task), status: outcome.status, ...failure }, 'task ended');
      entry.state = 'ended';
      reporter.finish(task, outcome);
    }
    this.#schedule();
  }

  #abandon(entry: Entry) {
    this.#options.reporter.drop(entry.task.id);
    if (entry.state === 'ended') this.#entries.delete(entry.task.id);
    if (entry.state !== 'running') return;
    this.#options.log.warn(named(entry.task), 'this attempt is not ours any more: stopping it');
    entry.state = 'abandoned';
    entry.abort.abort('abandoned');
  }

  /** The server lists a RUNNING task only to have it cancelled. */
  #handleRunning(task: PendingTask) {
    const entry = this.#entries.get(task.id);
    if (!entry) this.#options.log.warn(named(task), 'asked to cancel a task that is not running here');
    else if (entry.task.attempt < task.attempt) this.#abandon(entry);
    else if (entry.task.attempt === task.attempt && task.cancelRequested && entry.state === 'running') {
      entry.abort.abort('cancelled');
    }
  }
}

type Known = Pick<Entry, 'state'> & { task: Pick<PendingTask, 'id' | 'kind' | 'containerName'> };

/**
 * Pure: chooses tasks in the given order, within the limit, none that is known already, and one per container. Pulls take
 * half of the places at most: they may be slow, and everything else on the host would wait for them.
 */
export function chooseStartable(
  pending: readonly Pick<PendingTask, 'id' | 'kind' | 'containerName'>[],
  entries: readonly Known[],
  limit: number,
): string[] {
  const known = new Set(entries.map(({ task }) => task.id));
  const working = entries.filter(({ state }) => state !== 'ended');
  const busy = new Set(working.map(({ task }) => task.containerName).filter((name) => name !== null));
  const chosen: string[] = [];
  let pulls = working.filter(({ task }) => task.kind === 'PULL').length;
  for (const { id, kind, containerName } of pending) {
    if (working.length + chosen.length >= limit || chosen.length === STARTED_AT_ONCE) break;
    if (kind === 'PULL' && pulls >= Math.max(1, limit / 2)) continue;
    if (known.has(id) || (containerName !== null && busy.has(containerName))) continue;
    if (containerName !== null) busy.add(containerName);
    chosen.push(id);
    if (kind === 'PULL') pulls += 1;
  }
  return chosen;
}

function named({ id, kind, attempt, stack, containerName }: PendingTask) {
  return { task: id, kind, attempt, stack, container: containerName ?? undefined };
}
