import { Page } from '../layout/Page.tsx';
import { ProblemAlert } from '../layout/Problem.tsx';
import { Button } from '../ui/Button.tsx';
import { Empty, Loading } from '../ui/Empty.tsx';
import { FilterField, useFilter } from '../ui/Filter.tsx';
import { DEPLOYMENT_STATUSES } from '../words.ts';
import { DeploymentList } from './DeploymentList.tsx';
import type { DeploymentFilter } from './documents.ts';
import { useDeploymentPages } from './pages.ts';

type Status = NonNullable<DeploymentFilter['status']>;
const STATUSES = Object.entries(DEPLOYMENT_STATUSES) as [Status, { text: string }][];

/** Lists every deployment there has been, including those of deleted stacks. */
export function DeploymentsScreen() {
  const [stack, setStack] = useFilter();
  const [asked, setAsked] = useFilter('status');
  const status = STATUSES.find(([value]) => value === asked)?.[0] ?? null;
  const { deployments, problem, more, refresh, busy } = useDeploymentPages({ stack: stack.trim() || null, status });
  const isFiltered = stack.trim() !== '' || status !== null;
  return (
    <Page
      title="Deployments"
      actions={
        <Button busy={busy} onClick={refresh}>
          Refresh
        </Button>
      }
    >
      <div className="filters">
        <FilterField label="Name of a stack" text={stack} onChange={setStack} />
        <select aria-label="Status" value={status ?? ''} onChange={(event) => setAsked(event.target.value)}>
          <option value="">Any status</option>
          {STATUSES.map(([value, { text }]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </div>
      {problem && <ProblemAlert problem={problem} again={refresh} />}
      {!deployments && !problem && <Loading what="deployments" />}
      {deployments?.length === 0 && (
        <Empty title={isFiltered ? 'No deployment matches this filter' : 'Nothing has been deployed yet'} />
      )}
      {deployments && deployments.length > 0 && <DeploymentList deployments={deployments} withStack />}
      {more && (
        <p className="center">
          <Button busy={busy} onClick={more}>
            Show older ones
          </Button>
        </p>
      )}
    </Page>
  );
}
