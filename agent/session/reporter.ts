/**
 * Reports the latest state of each attempt, from a map, until the server has accepted it.
 *
 * Invariants: at most one `reportTasks` is under way per session. A state leaves the map only when the server has
 * accepted its terminal report or called it stale, or the worker has dropped it, so an outcome survives any number of
 * sessions. `sequence` rises with every report of an attempt. If a task changed containers, they are reported before its
 * terminal report, so that everyone who sees the task finished also sees what it made.
 */

import type { AgentTask, TaskOutcome, TaskUpdate } from '../base/outcome.ts';
import type { TaskReport, TaskReportResult } from '../connection/api.ts';
import { type ApiError, isRefused, toApiError } from '../connection/wire.ts';
import { type AttemptState, toTaskReport } from './report.ts';

export const PROGRESS_EVERY_MS = 250;
const MAX_BATCH_BYTES = 180 * 1024;
const MAX_BATCH = 64;

export type ReporterLink = { reportTasks(reports: TaskReport[]): Promise<TaskReportResult[]> };

export type ReporterOptions = {
  /** Never rejects. */
  reportContainers(): Promise<void>;
  /** ACCEPTED: the server knows the attempt's end. STALE: the attempt, finished or not, is no longer this agent's. */
  onSettled(taskId: string, attempt: number, how: 'ACCEPTED' | 'STALE'): void;
};

type State = AttemptState & {
  changesContainers: boolean;
  dirty: boolean;
  /** A result, a start, or the first report in a new session does not wait for PROGRESS_EVERY_MS. */
  urgent: boolean;
  sentAtMs: number;
  /** Other tasks may wait for its start, so the start is reported and accepted before anything that followed. */
  owesStart: boolean;
};

type Sent = { state: State; report: TaskReport };

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #states = new Map<string, State>();
  /** Progress of all tasks goes together, because a host with many would otherwise send a report for every step. */
  #progressDueMs = -Infinity;
  #link: ReporterLink | undefined;
  #sendingOn: ReporterLink | undefined;
  #queued = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  update(task: AgentTask, { phase, progress }: TaskUpdate): void {
    const state = this.#stateOf(task);
    if (phase === 'VERIFYING' && state.phase !== phase) Object.assign(state, { owesStart: true, urgent: true });
    Object.assign(state, { phase, progress, dirty: true });
    this.#flushSoon();
  }

  /** Says again what is known of a task, as a sign that it is being worked on. */
  touch(task: AgentTask): void {
    this.#stateOf(task).dirty = true;
    this.#flushSoon();
  }

  finish(task: AgentTask, outcome: TaskOutcome): void {
    Object.assign(this.#stateOf(task), { outcome, urgent: true, dirty: true });
    this.#flushSoon();
  }

  drop(taskId: string): void {
    this.#states.delete(taskId);
  }

  /** Sends the latest state of every attempt again, because the last session's reports may not have arrived. */
  attach(link: ReporterLink): void {
    this.#link = link;
    for (const state of this.#states.values()) Object.assign(state, { urgent: true, dirty: true });
    this.#flushSoon();
  }

  detach(): void {
    this.#link = undefined;
    clearTimeout(this.#timer);
  }

  #stateOf({ id: taskId, attempt, kind }: AgentTask): State {
    const known = this.#states.get(taskId);
    if (known && known.attempt === attempt) return known;
    const flags = { changesContainers: kind !== 'PULL', dirty: false, urgent: false, owesStart: false };
    const fresh: State = { taskId, attempt, sequence: 0, sentAtMs: -Infinity, ...flags };
    this.#states.set(taskId, fresh);
    return fresh;
  }

  /** Puts everything that happens in one turn of the event loop into one batch. */
  #flushSoon() {
    if (this.#queued) return;
    this.#queued = true;
    queueMicrotask(() => {
      this.#queued = false;
      void this.#flush();
    });
  }

  async #flush() {
    const link = this.#link;
    if (!link || this.#sendingOn === link) return;
    clearTimeout(this.#timer);
    const now = performance.now();
    const progressIsDue = now >= this.#progressDueMs;
    const batch = takeBatch(this.#states, now, progressIsDue);
    if (batch.length === 0) return this.#arm(nextDueMs(this.#states, now, this.#progressDueMs));
    if (progressIsDue && batch.some(({ report }) => !isTerminal(report))) this.#progressDueMs = now + PROGRESS_EVERY_MS;
    this.#sendingOn = link;
    try {
      const results = await this.#send(link, batch);
      if (this.#link === link) this.#settle(batch, results);
    } catch {
      // The same error ends the session, and the next one's `attach` sends everything again.
      if (this.#link === link) this.#link = undefined;
    }
    if (this.#sendingOn === link) this.#sendingOn = undefined;
    this.#flushSoon();
  }

  #arm(waitMs: number | undefined) {
    if (waitMs !== undefined) this.#timer = setTimeout(() => this.#flushSoon(), waitMs);
  }

  async #send(link: ReporterLink, batch: Sent[]): Promise<TaskReportResult[]> {
    const changed = batch.some(({ state, report }) => state.changesContainers && isTerminal(report));
    if (changed) await this.#options.reportContainers();
    return this.#sendReports(
      link,
      batch.map(({ report }) => report),
    );
  }

  /** Finds the report that the server refuses by halving, so that the others count. */
  async #sendReports(link: ReporterLink, reports: TaskReport[]): Promise<TaskReportResult[]> {
    try {
      return await link.reportTasks(reports);
    } catch (error) {
      const [first] = reports;
      if (!isRefused(error) || !first) throw error;
      if (reports.length === 1) return [await this.#sendBare(link, first, toApiError(error))];
      const middle = Math.ceil(reports.length / 2);
      const before = await this.#sendReports(link, reports.slice(0, middle));
      return [...before, ...(await this.#sendReports(link, reports.slice(middle)))];
    }
  }

  /** A task must end, even if the server does not take what the agent has to say of it. */
  async #sendBare(link: ReporterLink, report: TaskReport, { code, message }: ApiError): Promise<TaskReportResult> {
    const { taskId, attempt, sequence } = report;
    if (code === 'NOT_FOUND') return { taskId, outcome: 'STALE' };
    if (!isTerminal(report)) return { taskId, outcome: 'ACCEPTED' };
    const error = { code: 'INTERNAL', message: `The server does not take what the agent reports: ${message}` };
    const [result] = await link.reportTasks([{ taskId, attempt, sequence, status: 'FAILED', error, retryable: false }]);
    return result ?? { taskId, outcome: 'STALE' };
  }

  #settle(batch: Sent[], results: TaskReportResult[]) {
    const outcomes = new Map(results.map(({ taskId, outcome }) => [taskId, outcome]));
    for (const { state, report } of batch) {
      if (this.#states.get(state.taskId) !== state) continue;
      const outcome = outcomes.get(state.taskId);
      if (!outcome) state.dirty = true;
      else if (report.phase === 'VERIFYING') state.owesStart = false;
      if (outcome !== 'STALE' && !(outcome && isTerminal(report))) continue;
      this.#states.delete(state.taskId);
      this.#options.onSettled(state.taskId, state.attempt, outcome);
    }
  }
}

/** Takes what is due, at most one frame of it, and marks it as sent. */
function takeBatch(states: Map<string, State>, now: number, progressIsDue: boolean): Sent[] {
  const batch: Sent[] = [];
  let bytes = 0;
  for (const state of states.values()) {
    if (!state.dirty || !(state.urgent || (progressIsDue && now >= state.sentAtMs + PROGRESS_EVERY_MS))) continue;
    const due = toDue(state);
    const report = toTaskReport({ ...due, sequence: state.sequence + 1 });
    bytes += Buffer.byteLength(JSON.stringify(report));
    if (batch.length > 0 && (bytes > MAX_BATCH_BYTES || batch.length >= MAX_BATCH)) break;
    const isLatest = due === state;
    Object.assign(state, { sequence: report.sequence, dirty: !isLatest, urgent: !isLatest, sentAtMs: now });
    batch.push({ state, report });
  }
  return batch;
}

/** Returns what must be reported next: the latest state, or first the start if that is still owed. */
function toDue(state: State): State {
  if (!state.owesStart || (state.phase === 'VERIFYING' && !state.outcome)) return state;
  return { ...state, phase: 'VERIFYING', progress: undefined, outcome: undefined };
}

function nextDueMs(states: Map<string, State>, now: number, progressDueMs: number): number | undefined {
  const dirty = [...states.values()].filter((state) => state.dirty);
  if (dirty.length === 0) return undefined;
  const firstMs = Math.min(...dirty.map(({ sentAtMs }) => sentAtMs + PROGRESS_EVERY_MS));
  return Math.max(0, Math.max(firstMs, progressDueMs) - now);
}

function isTerminal(report: TaskReport): boolean {
  return report.status !== 'RUNNING';
}
