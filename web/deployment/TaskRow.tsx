import { memo, type ReactNode, useState } from 'react';
import { Badge } from '../ui/Badge.tsx';
import { formatBytes, plural } from '../ui/format.ts';
import { Icon } from '../ui/Icon.tsx';
import { ProgressBar } from '../ui/ProgressBar.tsx';
import { Elapsed, Until } from '../ui/Time.tsx';
import { KINDS, LEFT_IN_PLACE, PHASES, TASK_STATUSES } from '../words.ts';
import type { Task } from './documents.ts';
import { FailureDetails } from './Failure.tsx';
import { History } from './History.tsx';
import { toBytes, toShare, toSubject } from './progress.ts';

type Props = { task: Task; isCause: boolean };

/** Memoised: few of 200 tasks change at a time, and an unchanged task keeps its object (see share.ts). */
export const TaskRow = memo(function TaskRow({ task, isCause }: Props) {
  const [toggled, setToggled] = useState<boolean | null>(null);
  const open = toggled ?? (task.status === 'FAILED' && !isCause);
  const status = TASK_STATUSES[task.status];
  const what = toSubject(task);
  return (
    <li className={`task task-${task.status.toLowerCase()}`} id={`task-${task.id}`}>
      <button
        type="button"
        className="task-toggle"
        aria-expanded={open}
        aria-label={`Details of ${KINDS[task.kind]} ${what}`}
        onClick={() => setToggled(!open)}
      >
        <Icon name="chevron" />
      </button>
      <div className="task-main">
        <span className="task-kind">{KINDS[task.kind]}</span>
        <span className="task-what mono">{what}</span>
      </div>
      <div className="task-state">
        <Badge tone={status.tone}>{task.status === 'RUNNING' && task.phase ? PHASES[task.phase] : status.text}</Badge>
        {task.attempt > 1 && (
          <span className="chip" title="How many times the task was started">
            attempt {task.attempt}
          </span>
        )}
      </div>
      <div className="task-progress">
        <Progress task={task} />
      </div>
      <div className="task-time">{task.startedAt && <Elapsed since={task.startedAt} until={task.finishedAt} />}</div>
      <Notes task={task} all={open} />
      {task.error && <FailureDetails failure={task.error} logs={open} />}
      {open && <Details task={task} />}
    </li>
  );
});

function Progress({ task }: { task: Task }) {
  if (task.status === 'PENDING') return null;
  if (task.status !== 'RUNNING') {
    const { left, message, action } = task.result ?? {};
    // After a cancellation it matters what the agent left; after a success it is plain.
    const after = task.status === 'CANCELLED' && left ? LEFT_IN_PLACE[left] : null;
    const text = [message ?? action, after].filter(Boolean).join('; ');
    return text ? <span className="muted small">{text}</span> : null;
  }
  const bytes = toBytes(task);
  const text = bytes ? `${formatBytes(bytes.current)} of ${formatBytes(bytes.total)}` : (task.progress?.message ?? '');
  return (
    <>
      <ProgressBar label={`${KINDS[task.kind]} ${toSubject(task)}`} value={toShare(task)} text={text || undefined} />
      {text && <span className="muted small">{text}</span>}
    </>
  );
}

/** Says why the task is not running. Of several tasks that block it, only one is named unless `all` is set. */
function Notes({ task, all }: { task: Task; all: boolean }) {
  const blockers = task.waitingOn.filter((each) => each.reason === 'BLOCKED');
  const hidden = all || blockers.length < 3 ? [] : blockers.slice(1);
  const shown = task.waitingOn.filter((each) => !hidden.includes(each));
  const notes: ReactNode[] = shown.map((each) => (
    <li key={`${each.reason}:${each.message}`}>
      <Reason reason={each} />
      {each === blockers[0] && hidden.length > 0 && `, and ${plural(hidden.length, 'other task')}`}
    </li>
  ));
  if (task.failures > 0 && task.status !== 'FAILED') {
    notes.push(<li key="failures">{`${task.failures} of at most ${plural(task.maxFailures, 'failure')}`}</li>);
  }
  if (task.cancelRequestedAt && task.status === 'RUNNING' && task.waitingOn.length === 0) {
    notes.push(<li key="cancel">Stopping at a safe point</li>);
  }
  return notes.length > 0 ? <ul className="task-notes">{notes}</ul> : null;
}

/** Counts down to the time that the task waits for, if there is one. */
function Reason({ reason: { reason, message, until } }: { reason: Task['waitingOn'][number] }) {
  if (!until || (reason !== 'DELAY' && reason !== 'RETRY')) return message;
  return (
    <span title={message}>
      {reason === 'DELAY' ? 'It waits for a pause to end and starts ' : 'It failed and is retried '}
      <Until at={until} />
    </span>
  );
}

function Details({ task }: { task: Task }) {
  const layers = task.progress?.layers ?? [];
  return (
    <div className="task-more">
      {layers.length > 0 && <Layers layers={layers} />}
      <History taskId={task.id} changed={`${task.status}:${task.attempt}:${task.phase}`} />
    </div>
  );
}

function Layers({ layers }: { layers: NonNullable<Task['progress']>['layers'] }) {
  return (
    <ul className="layers">
      {layers.map((layer) => (
        <li key={layer.id}>
          <code>{layer.id}</code>
          <span>{layer.status}</span>
          {layer.totalBytes ? (
            <>
              <ProgressBar label={`Layer ${layer.id}`} value={(layer.currentBytes ?? 0) / layer.totalBytes} />
              <span className="tabular muted">
                {formatBytes(layer.currentBytes ?? 0)} / {formatBytes(layer.totalBytes)}
              </span>
            </>
          ) : null}
        </li>
      ))}
    </ul>
  );
}
