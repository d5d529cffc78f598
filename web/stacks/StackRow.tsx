import { memo } from 'react';
import { isLeftover } from '../leftover.ts';
import { toPath } from '../router.ts';
import { Badge } from '../ui/Badge.tsx';
import { plural } from '../ui/format.ts';
import { Link } from '../ui/Link.tsx';
import { ProgressBar } from '../ui/ProgressBar.tsx';
import { TimeAgo } from '../ui/Time.tsx';
import { KINDS, STACK_STATES } from '../words.ts';
import type { CurrentDeployment, StackSummary } from './documents.ts';

/** The names of the hosts that have or are to have containers of the stack. */
export const hostsOf = ({ wanted, containers }: StackSummary): string[] =>
  [...new Set([...wanted, ...containers].map((each) => each.agent))].sort();

export const StackRow = memo(function StackRow({ stack }: { stack: StackSummary }) {
  const state = STACK_STATES[stack.state];
  const { running, finished } = toRunning(stack);
  const total = Math.max(stack.wanted.length, stack.containers.length) - finished;
  const hosts = hostsOf(stack);
  return (
    <li className="stack-row">
      <div className="stack-row-name">
        <Link to={toPath({ screen: 'stack', name: stack.name })} className="row-link">
          {stack.name}
        </Link>
        <span className="muted small">revision {stack.revision}</span>
      </div>
      <div>
        <Badge tone={state.tone}>{state.text}</Badge>
      </div>
      <div className="stack-row-containers tabular">
        <strong>{running}</strong>/{total}{' '}
        <span className="muted">
          {total === 1 ? 'container' : 'containers'} running{finished > 0 && `, ${finished} finished`}
        </span>
      </div>
      <div className="stack-row-hosts muted small" title={hosts.join(', ')}>
        {hosts.length > 3 ? plural(hosts.length, 'host') : hosts.join(', ')}
      </div>
      <div className="stack-row-now small">
        <Now stack={stack} />
      </div>
      {stack.waitingOn.length > 0 && (
        <ul className="task-notes">
          {stack.waitingOn.map((each) => (
            <li key={`${each.reason}:${each.message}`}>{each.message}</li>
          ))}
        </ul>
      )}
    </li>
  );
});

/** A stack as a whole runs only if what has ended in it was meant to end, such as a migration. */
function toRunning(stack: StackSummary): { running: number; finished: number } {
  const of = (state: string) => stack.containers.filter((each) => each.state === state);
  const finished = stack.state === 'RUNNING' ? of('EXITED').filter((each) => !isLeftover(stack, each)) : [];
  return { running: of('RUNNING').length, finished: finished.length };
}

/** Shows the running deployment, or else the last failure, or else when the stack changed. */
function Now({ stack }: { stack: StackSummary }) {
  const deployment = stack.currentDeployment;
  if (deployment?.status === 'RUNNING') return <Current deployment={deployment} />;
  if (deployment?.status === 'FAILED') {
    return <Link to={toPath({ screen: 'deployment', id: deployment.id })}>{KINDS[deployment.kind]} failed</Link>;
  }
  if (deployment?.status === 'ROLLED_BACK') {
    return (
      <Link to={toPath({ screen: 'deployment', id: deployment.id })}>{KINDS[deployment.kind]} was rolled back</Link>
    );
  }
  return (
    <span className="muted">
      changed <TimeAgo at={stack.updatedAt} />
    </span>
  );
}

export function Current({ deployment }: { deployment: CurrentDeployment }) {
  const { total, completed, failed, cancelled } = deployment.taskCounts;
  const gone = failed + cancelled;
  const text = `${completed + gone} of ${plural(total, 'task')}`;
  return (
    <div className="current">
      <Link to={toPath({ screen: 'deployment', id: deployment.id })}>
        {KINDS[deployment.kind]}: <span className="tabular">{text}</span>
      </Link>
      <ProgressBar
        label={`${KINDS[deployment.kind]} in progress`}
        text={text}
        value={total === 0 ? 0 : (completed + gone) / total}
        failed={total === 0 ? 0 : gone / total}
      />
    </div>
  );
}
