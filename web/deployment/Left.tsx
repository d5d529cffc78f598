import type { Deployment, Task } from './documents.ts';

const GROUPS = [
  { left: 'NEW', text: 'The new container is in place' },
  { left: 'PREVIOUS', text: 'The previous container is in place' },
  { left: 'NONE', text: 'No container with this name is left' },
  { left: 'UNTOUCHED', text: 'Not started, so nothing changed' },
  { left: 'UNKNOWN', text: 'Not known until the host reports it' },
] as const;

/** Shows what a deployment that was cancelled half way left on each host. */
export function Left({ deployment }: { deployment: Deployment }) {
  if (deployment.status !== 'CANCELLED') return null;
  const tasks = deployment.tasks.filter((task) => task.containerName !== null);
  if (tasks.length === 0) return null;
  return (
    <section className="panel pad" aria-label="What is in place now">
      <h2>What is in place now</h2>
      <dl className="pairs">
        {GROUPS.map(({ left, text }) => {
          const own = tasks.filter((task) => toLeft(task) === left);
          if (own.length === 0) return null;
          return (
            <div key={left} className="pair">
              <dt>{text}</dt>
              <dd>{own.map((task) => `${task.containerName} on ${task.agent}`).join(', ')}</dd>
            </div>
          );
        })}
      </dl>
    </section>
  );
}

function toLeft(task: Task): (typeof GROUPS)[number]['left'] {
  if (task.startedAt === null) return 'UNTOUCHED';
  return task.result?.left ?? task.error?.left ?? 'UNKNOWN';
}
