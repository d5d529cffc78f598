import { toPath } from '../router.ts';
import { Badge } from '../ui/Badge.tsx';
import { Link } from '../ui/Link.tsx';
import { Elapsed, TimeAgo } from '../ui/Time.tsx';
import { DEPLOYMENT_STATUSES, KINDS } from '../words.ts';
import type { DeploymentLine } from './documents.ts';

/** Lists deployments, newest first; `withStack` adds the name of the stack. */
export function DeploymentList({ deployments, withStack }: { deployments: DeploymentLine[]; withStack: boolean }) {
  return (
    <ul className="panel rows">
      {deployments.map((each) => {
        const status = DEPLOYMENT_STATUSES[each.status];
        return (
          <li key={each.id} className="deployment-row">
            <Link to={toPath({ screen: 'deployment', id: each.id })} className="row-link">
              {KINDS[each.kind]} {withStack && each.stack} <span className="revision">revision {each.revision}</span>
            </Link>
            <Badge tone={status.tone}>{status.text}</Badge>
            <span className="muted small tabular">
              {each.taskCounts.completed}/{each.taskCounts.total} tasks
            </span>
            <span className="muted small">
              <TimeAgo at={each.createdAt} /> by {each.createdBy}
            </span>
            <span className="muted small deployment-row-time">
              <Elapsed since={each.createdAt} until={each.finishedAt} />
            </span>
            {each.cause && (
              <p className="small row-cause">
                <code className="code-chip">{each.cause.code}</code>{' '}
                {[each.cause.containerName, each.cause.agent].filter(Boolean).join(' on ')}{' '}
                {withoutName(each.cause.message, each.cause.containerName)}
              </p>
            )}
          </li>
        );
      })}
    </ul>
  );
}

/** Many messages begin with the container's name, which stands before them already. */
const withoutName = (message: string, name: string | null): string =>
  name !== null && message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
