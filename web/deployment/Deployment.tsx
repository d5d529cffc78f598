import { useEffect, useRef } from 'react';
import { Page } from '../layout/Page.tsx';
import { ProblemAlert } from '../layout/Problem.tsx';
import { useLive } from '../live.ts';
import { toPath } from '../router.ts';
import { announce } from '../ui/announce.tsx';
import { Badge } from '../ui/Badge.tsx';
import { Empty, Loading } from '../ui/Empty.tsx';
import { Link } from '../ui/Link.tsx';
import { ProgressBar } from '../ui/ProgressBar.tsx';
import { Elapsed, TimeAgo } from '../ui/Time.tsx';
import { deploymentStatuses, kinds } from '../words.ts';
import { DeploymentActions } from './DeploymentActions.tsx';
import { type Deployment, WatchDeployment } from './documents.ts';
import { FailureDetails } from './Failure.tsx';
import { toCounts, toOverall, toSubject } from './progress.ts';
import { countsInWords, Tasks } from './Tasks.tsx';

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
  const title = `${kinds[deployment.kind]} ${deployment.stack}`;
  return (
    <Page
      title={title}
      heading={
        <>
          {kinds[deployment.kind]}{' '}
          <Link to={toPath({ screen: 'stack', name: deployment.stack })}>{deployment.stack}</Link>{' '}
          <span className="revision">revision {deployment.revision}</span>
        </>
      }
      back={{ to: '/deployments', text: 'Deployments' }}
      actions={<DeploymentActions deployment={deployment} />}
    >
      {problem && <ProblemAlert problem={problem} again={again} />}
      <Summary deployment={deployment} />
      {deployment.cause && <Cause deployment={deployment} cause={deployment.cause} />}
      <Tasks tasks={deployment.tasks} causeId={deployment.cause?.taskId ?? null} />
    </Page>
  );
}

function Summary({ deployment }: { deployment: Deployment }) {
  const counts = toCounts(deployment.tasks);
  const overall = toOverall(deployment.tasks);
  const status = deploymentStatuses[deployment.status];
  return (
    <div className="panel summary">
      <div className="summary-line">
        <Badge tone={status.tone}>{status.text}</Badge>
        {deployment.cancelRequestedAt && deployment.status === 'RUNNING' && <span className="chip">cancelling</span>}
        <span className="summary-counts">{countsInWords(counts)}</span>
        <span className="summary-time">
          <Elapsed since={deployment.createdAt} until={deployment.finishedAt} />
        </span>
      </div>
      <ProgressBar
        large
        label="Whole deployment"
        value={deployment.status === 'RUNNING' ? Math.min(0.99, overall.value) : 1}
        failed={overall.failed}
        text={countsInWords(counts)}
      />
      <p className="muted small facts">
        <span>
          Started <TimeAgo at={deployment.createdAt} /> by {deployment.createdBy}
        </span>
        {deployment.retryOf && (
          <span>
            Retry of <Link to={toPath({ screen: 'deployment', id: deployment.retryOf })}>an earlier deployment</Link>
          </span>
        )}
      </p>
    </div>
  );
}

function Cause({ deployment, cause }: { deployment: Deployment; cause: NonNullable<Deployment['cause']> }) {
  const task = deployment.tasks.find((each) => each.id === cause.taskId);
  const subject = task ? `${kinds[task.kind]} ${toSubject(task)}` : cause.containerName;
  const what = [subject, cause.agent && `on ${cause.agent}`].filter(Boolean).join(' ');
  return (
    <section className="panel cause" aria-label="Cause">
      <h2>
        {what ? `Failed: ${what}` : 'What went wrong'}
        {task && (
          <a className="small" href={`#task-${task.id}`}>
            Show the task
          </a>
        )}
      </h2>
      <FailureDetails failure={cause} logs />
    </section>
  );
}

/** Says the verdict aloud when it comes while one is watching, not when an old deployment is opened. */
function useVerdict(deployment: Deployment | undefined): void {
  const watched = useRef(false);
  const status = deployment?.status;
  const name = deployment ? `${kinds[deployment.kind]} ${deployment.stack}` : '';
  useEffect(() => {
    if (status === 'RUNNING') watched.current = true;
    else if (status && watched.current) {
      watched.current = false;
      announce(`${name}: ${deploymentStatuses[status].text}`);
    }
  }, [status, name]);
}
