/**
 * Pure: turns the latest state of one attempt into a report that fits into a frame. Reports contain what containers
 * print, so characters that Postgres refuses (NUL, lone surrogates) are removed.
 */

import type { TaskFailure, TaskOutcome, TaskUpdate } from '../base/outcome.ts';
import type { TaskReport } from '../connection/api.ts';

export type AttemptState = {
  taskId: string;
  attempt: number;
  sequence: number;
  phase?: TaskUpdate['phase'];
  progress?: TaskUpdate['progress'];
  outcome?: TaskOutcome;
};

const MAX_MESSAGE_CHARS = 2_000;
const MAX_LINE_CHARS = 1_000;
const MAX_LINES = 100;
/** Applies to all log lines together, and again to the health log. */
const MAX_LOG_BYTES = 32 * 1024;
const MAX_LAYERS = 100;

export function toTaskReport(state: AttemptState): TaskReport {
  const { taskId, attempt, sequence, phase, outcome } = state;
  const base = { taskId, attempt, sequence, phase, progress: toProgress(state.progress) };
  if (!outcome) return { ...base, status: 'RUNNING' };
  if (outcome.status === 'FAILED') {
    return { ...base, status: 'FAILED', retryable: outcome.retryable, error: toError(outcome.error) };
  }
  const { containerId, action, message, left } = outcome.result;
  const result = { containerId, action, message: message && toText(message), left };
  return { ...base, status: outcome.status, result };
}

function toProgress(progress: TaskUpdate['progress']): TaskReport['progress'] {
  if (!progress) return undefined;
  const { message, currentBytes, totalBytes, layers } = progress;
  return { message: message && toText(message), currentBytes, totalBytes, layers: layers?.slice(0, MAX_LAYERS) };
}

function toError(error: TaskFailure): TaskReport['error'] {
  return {
    code: error.code,
    message: toText(error.message),
    exitCode: error.exitCode,
    oomKilled: error.oomKilled,
    healthLog: error.healthLog && lastLines(error.healthLog),
    logs: error.logs && lastLines(error.logs),
    left: error.left,
  };
}

/** Keeps the end of the log, which is what explains a failure. */
function lastLines(lines: string[]): string[] {
  const last: string[] = [];
  let bytes = 0;
  for (const line of lines.slice(-MAX_LINES).toReversed()) {
    const text = toText(line, MAX_LINE_CHARS);
    bytes += Buffer.byteLength(JSON.stringify(text));
    if (bytes > MAX_LOG_BYTES) break;
    last.unshift(text);
  }
  return last;
}

function toText(text: string, maxChars = MAX_MESSAGE_CHARS): string {
  const clean = text.replaceAll('\0', '');
  return (clean.length > maxChars ? `${clean.slice(0, maxChars - 1)}…` : clean).toWellFormed();
}
