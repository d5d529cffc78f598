import { useEffect, useRef } from 'react';
import { Page } from '../layout/Page.tsx';
import { ProblemAlert } from '../layout/Problem.tsx';
import { useLive } from '../live.ts';
import { toPath } from '../router.ts';
import { Alert } from '../ui/Alert.tsx';
import { announce } from '../ui/announce.tsx';
import { Empty, Loading } from '../ui/Empty.tsx';
import { plural } from '../ui/format.ts';
import { Link } from '../ui/Link.tsx';
import { TimeAgo } from '../ui/Time.tsx';
import { DEPLOYMENT_STATUSES, KINDS } from '../words.ts';
import { DeploymentActions } from './DeploymentActions.tsx';
import { type Deployment, WatchDeployment } from './documents.ts';
import { FailureDetails } from './Failure.tsx';
import { Left } from './Left.tsx';
import { toSubject } from './progress.ts';
import { Summary } from './Summary.tsx';
import { Tasks } from './Tasks.tsx';

export function DeploymentScreen({ id }: { id: string }) {
  const { data, problem, again } = useLive(WatchDeployment, { id });
  const deployment = data?.deployment;
  useVerdict(deployment);
  if (!deployment) {
    return (
      <Page title="Deployment" back={{ to: '/deployments', text: 'Deployments' }}>
        {!problem && <Loading what="the deployment" />}
        {problem?.code === 'NOT_FOUND' && <Empty title="There is no such deployment">{id}</Empty>}
        {problem && problem.code !== 'NOT_FOUND' && <ProblemAlert problem={problem} again={again} />}
      </Page>
    );
  }
  const title = `${KINDS[deployment.kind]} ${deployment.stack}`;
  return (
    <Page
      title={title}
      heading={
        <>
          {KINDS[deployment.kind]}{' '}
          <Link to={toPath({ screen: 'stack', name: deployment.stack })}>{deployment.stack}</Link>{' '}
          <span className="revision">revision {deployment.revision}</span>
        </>
      }
      back={{ to: '/deployments', text: 'Deployments' }}
      actions={<DeploymentActions deployment={deployment} />}
    >
      {problem && <ProblemAlert problem={problem} again={again} />}
      <Summary deployment={deployment} />
      <HostsAway deployment={deployment} />
      {deployment.cause && <Cause deployment={deployment} cause={deployment.cause} />}
      <Warnings deployment={deployment} />
      <Left deployment={deployment} />
      <TasksAndRollback deployment={deployment} />
    </Page>
  );
}

/** Shows the tasks of a rollback apart from the tasks whose failure led to it. */
function TasksAndRollback({ deployment }: { deployment: Deployment }) {
  const { tasks, rollbackRevision } = deployment;
  const rollback = tasks.filter((task) => task.rollback);
  const causeId = deployment.cause?.taskId ?? null;
  return (
    <>
      {rollbackRevision !== null && (
        <Tasks
          title="Rollback"
          note={`Creates revision ${rollbackRevision}, a copy of the last good one.`}
          tasks={rollback}
          causeId={causeId}
        />
      )}
      <Tasks title="Tasks" tasks={tasks.filter((task) => !task.rollback)} causeId={causeId} />
    </>
  );
}

const AWAY: Record<string, string> = {
  AGENT_OFFLINE: 'is offline',
  ENGINE_DOWN: 'is there, but its Docker engine does not answer',
};

/** Names the hosts that a deployment waits for: their tasks may stand far below those that are done. */
function HostsAway({ deployment }: { deployment: Deployment }) {
  const waiting = deployment.tasks.flatMap((task) =>
    task.waitingOn.filter(({ reason }) => AWAY[reason]).map((each) => ({ ...each, agent: task.agent })),
  );
  const hosts = [...Map.groupBy(waiting, ({ agent }) => agent)];
  if (hosts.length === 0) return null;
  return (
    <Alert tone="warn" title={hosts.length === 1 ? 'Waiting for a host' : `Waiting for ${hosts.length} hosts`}>
      <ul>
        {hosts.map(([agent, tasks]) => (
          <li key={agent}>
            <strong>{agent}</strong> {tasks[0] && AWAY[tasks[0].reason]}
            {tasks[0]?.since && (
              <>
                , last seen <TimeAgo at={tasks[0].since} />
              </>
            )}
            ; {plural(tasks.length, 'task')} {tasks.length === 1 ? 'waits' : 'wait'} for it.
          </li>
        ))}
      </ul>
    </Alert>
  );
}

function Warnings({ deployment: { warnings } }: { deployment: Deployment }) {
  if (warnings.length === 0) return null;
  return (
    <Alert tone="warn" title={plural(warnings.length, 'warning')}>
      <ul>
        {warnings.map((each) => (
          <li key={`${each.code}:${each.message}`}>
            {each.message} <code className="code-chip">{each.code}</code>
          </li>
        ))}
      </ul>
    </Alert>
  );
}

function Cause({ deployment, cause }: { deployment: Deployment; cause: NonNullable<Deployment['cause']> }) {
  const task = deployment.tasks.find((each) => each.id === cause.taskId);
  const subject = task ? `${KINDS[task.kind]} ${toSubject(task)}` : cause.containerName;
  const what = [subject, cause.agent && `on ${cause.agent}`].filter(Boolean).join(' ');
  const rolledBack = deployment.status === 'ROLLED_BACK';
  return (
    <section className={rolledBack ? 'panel cause cause-back' : 'panel cause'} aria-label="Cause">
      <h2>
        {what ? `Failed: ${what}` : deployment.status === 'CANCELLED' ? 'Why it ended' : 'What went wrong'}
        {task && (
          <a className="small" href={`#task-${task.id}`}>
            Show the task
          </a>
        )}
      </h2>
      {rolledBack && (
        <p className="small">
          The stack is as it was before, now as revision {deployment.rollbackRevision}. It was rolled back for this
          reason:
        </p>
      )}
      <FailureDetails failure={cause} logs />
    </section>
  );
}

/** Announces the verdict when it arrives while somebody is watching, but not when an old deployment is opened. */
function useVerdict(deployment: Deployment | undefined): void {
  const watched = useRef(false);
  const status = deployment?.status;
  const name = deployment ? `${KINDS[deployment.kind]} ${deployment.stack}` : '';
  useEffect(() => {
    if (status === 'RUNNING') watched.current = true;
    else if (status && watched.current) {
      watched.current = false;
      announce(`${name}: ${DEPLOYMENT_STATUSES[status].text}`);
    }
  }, [status, name]);
}
