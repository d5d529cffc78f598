import { Page } from '../layout/Page.tsx';
import { ProblemAlert } from '../layout/Problem.tsx';
import { Button } from '../ui/Button.tsx';
import { Empty, Loading } from '../ui/Empty.tsx';
import { DeploymentList } from './DeploymentList.tsx';
import { useDeploymentPages } from './pages.ts';

/** Lists every deployment there has been, including those of deleted stacks. */
export function DeploymentsScreen() {
  const { deployments, problem, more, refresh, busy } = useDeploymentPages(null);
  return (
    <Page
      title="Deployments"
      actions={
        <Button busy={busy} onClick={refresh}>
          Refresh
        </Button>
      }
    >
      {problem && <ProblemAlert problem={problem} again={refresh} />}
      {!deployments && !problem && <Loading what="deployments" />}
      {deployments?.length === 0 && <Empty title="Nothing has been deployed yet" />}
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
