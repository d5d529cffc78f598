import { useMemo } from 'react';
import { useQuery } from 'urql';
import { toProblem } from '../errors.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { Loading } from '../ui/Empty.tsx';
import { PHASES, TASK_STATUSES } from '../words.ts';
import { TaskHistory } from './documents.ts';

/** Shows what happened to a task, step by step. It is fetched when opened, and again whenever `changed` changes. */
export function History({ taskId, changed }: { taskId: string; changed: string }) {
  const context = useMemo(() => ({ changed }), [changed]);
  const [{ data, error, fetching }, execute] = useQuery({ query: TaskHistory, variables: { id: taskId }, context });
  if (error) return <ProblemAlert problem={toProblem(error)} again={execute} />;
  if (!data) return fetching ? <Loading what="history" /> : null;
  const events = data.task?.events ?? [];
  if (events.length === 0) return <p className="muted small">Nothing has been recorded yet.</p>;
  return (
    <ol className="events">
      {events.map((event, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the history only grows at its end
        <li key={index}>
          <time dateTime={event.at}>{new Date(event.at).toLocaleTimeString()}</time>
          <span>{event.phase ? PHASES[event.phase] : TASK_STATUSES[event.status].text}</span>
          <span className="muted">
            {[event.attempt > 0 && `attempt ${event.attempt}`, event.message].filter(Boolean).join(' · ')}
          </span>
        </li>
      ))}
    </ol>
  );
}
