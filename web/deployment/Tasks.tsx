import { useId, useState } from 'react';
import { plural } from '../ui/format.ts';
import type { Task } from './documents.ts';
import { type Counts, type Filter, isShown, toHosts } from './progress.ts';
import { TaskRow } from './TaskRow.tsx';

const FILTERS: { filter: Filter; text: string }[] = [
  { filter: 'all', text: 'All' },
  { filter: 'unfinished', text: 'Unfinished' },
  { filter: 'failed', text: 'Failed' },
];

type Props = { title: string; note?: string; tasks: Task[]; causeId: string | null };

/** Lists the tasks, host by host. */
export function Tasks({ title, note, tasks, causeId }: Props) {
  const [filter, setFilter] = useState<Filter>('all');
  const titleId = useId();
  const hosts = toHosts(tasks, filter);
  return (
    <section aria-labelledby={titleId}>
      <div className="section-head">
        <h2 id={titleId}>{title}</h2>
        <fieldset className="segments">
          <legend className="visually-hidden">Show</legend>
          {FILTERS.map((each) => (
            <button
              key={each.filter}
              type="button"
              aria-pressed={filter === each.filter}
              onClick={() => setFilter(each.filter)}
            >
              {each.text}{' '}
              <span className="tabular muted">{tasks.filter((task) => isShown(task, each.filter)).length}</span>
            </button>
          ))}
        </fieldset>
      </div>
      {note && <p className="muted small">{note}</p>}
      {hosts.map((host) => (
        <section
          key={host.agent}
          className="panel host"
          aria-label={title === 'Tasks' ? `Host ${host.agent}` : `${title}: host ${host.agent}`}
        >
          <div className="host-head">
            <h3>{host.agent}</h3>
            <span className="muted small tabular">{countsInWords(host.counts)}</span>
          </div>
          <ul className="tasks">
            {host.tasks.map((task) => (
              <TaskRow key={task.id} task={task} isCause={task.id === causeId} />
            ))}
          </ul>
        </section>
      ))}
      {hosts.length === 0 && (
        <p className="muted panel pad">
          {tasks.length === 0 ? 'There was nothing to do.' : 'No task matches this filter.'}
        </p>
      )}
    </section>
  );
}

export function countsInWords(counts: Counts): string {
  const parts = [`${counts.completed} of ${plural(counts.total, 'task')} done`];
  if (counts.running > 0) parts.push(`${counts.running} running`);
  if (counts.failed > 0) parts.push(`${counts.failed} failed`);
  if (counts.cancelled > 0) parts.push(`${counts.cancelled} cancelled`);
  return parts.join(' · ');
}
