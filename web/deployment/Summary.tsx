import { toPath } from '../router.ts';
import { Badge } from '../ui/Badge.tsx';
import { Link } from '../ui/Link.tsx';
import { ProgressBar } from '../ui/ProgressBar.tsx';
import { Elapsed, TimeAgo, Until } from '../ui/Time.tsx';
import { DEPLOYMENT_STATUSES, ON_FAILURES } from '../words.ts';
import type { Deployment } from './documents.ts';
import { toCounts, toOverall } from './progress.ts';
import { countsInWords } from './Tasks.tsx';

/** Shows the status of a deployment, its progress and the options that it runs with. */
export function Summary({ deployment }: { deployment: Deployment }) {
  const counts = toCounts(deployment.tasks);
  const overall = toOverall(deployment.tasks);
  const status = DEPLOYMENT_STATUSES[deployment.status];
  return (
    <div className="panel summary">
      <div className="summary-line">
        <Badge tone={status.tone}>{status.text}</Badge>
        {deployment.status === 'RUNNING' && deployment.rollbackRevision !== null && (
          <span className="chip">rolling back to the last good revision</span>
        )}
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
        {deployment.priority !== 0 && <span>Priority {deployment.priority}</span>}
        {deployment.status === 'RUNNING' && deployment.deadline && (
          <span>
            Fails if it is not done <Until at={deployment.deadline} />
          </span>
        )}
        {deployment.status === 'RUNNING' && <span>If it fails, {ON_FAILURES[deployment.onFailure]}</span>}
        {deployment.supersededBy && (
          <span>
            Superseded by{' '}
            <Link to={toPath({ screen: 'deployment', id: deployment.supersededBy })}>a newer deployment</Link>
          </span>
        )}
        {deployment.retryOf && (
          <span>
            Retry of <Link to={toPath({ screen: 'deployment', id: deployment.retryOf })}>an earlier deployment</Link>
          </span>
        )}
      </p>
    </div>
  );
}
