import { useState } from 'react';
import { DeploymentList } from '../deployments/DeploymentList.tsx';
import { useDeploymentPages } from '../deployments/pages.ts';
import type { Problem } from '../errors.ts';
import { Page } from '../layout/Page.tsx';
import { ProblemAlert } from '../layout/Problem.tsx';
import { useLive } from '../live.ts';
import { Current } from '../stacks/StackRow.tsx';
import { Alert } from '../ui/Alert.tsx';
import { Badge } from '../ui/Badge.tsx';
import { Button } from '../ui/Button.tsx';
import { Empty, Loading } from '../ui/Empty.tsx';
import { TimeAgo } from '../ui/Time.tsx';
import { STACK_STATES } from '../words.ts';
import { DriftPanel } from './DriftPanel.tsx';
import { type Stack, WatchStack } from './documents.ts';
import { Hosts } from './Hosts.tsx';
import { RevisionList } from './Revisions.tsx';
import { Services } from './Services.tsx';
import { StackActions } from './StackActions.tsx';
import { useRevisions } from './useRevisions.ts';

const STACKS = { to: '/', text: 'Stacks' };

export function StackScreen({ name }: { name: string }) {
  const { data, problem, again } = useLive(WatchStack, { name });
  const stack = data?.stack;
  if (!stack) {
    const gone = data?.stack === null || problem?.code === 'NOT_FOUND';
    return (
      <Page title={name} back={STACKS}>
        {gone && (
          <Empty title={`There is no stack named ${name}`}>
            It was never deployed, or it was deleted and every host has confirmed that nothing of it is left.
          </Empty>
        )}
        {!gone && (problem ? <ProblemAlert problem={problem} again={again} /> : <Loading what={name} />)}
      </Page>
    );
  }
  return <Shown stack={stack} problem={problem} again={again} />;
}

type ShownProps = { stack: Stack; problem: Problem | null; again: () => void };

function Shown({ stack, problem, again }: ShownProps) {
  const state = STACK_STATES[stack.state];
  const revisions = useRevisions(stack);
  return (
    <Page
      title={stack.name}
      heading={
        <>
          {stack.name} <Badge tone={state.tone}>{state.text}</Badge>
        </>
      }
      back={STACKS}
      actions={<StackActions stack={stack} />}
    >
      {problem && <ProblemAlert problem={problem} again={again} />}
      <p className="muted facts">
        <span>Revision {stack.revision}</span>
        {stack.goodRevision !== null && stack.goodRevision !== stack.revision && (
          <span>last good revision {stack.goodRevision}</span>
        )}
        <span>
          changed <TimeAgo at={stack.updatedAt} />
        </span>
        <span>
          first deployed <TimeAgo at={stack.createdAt} />
        </span>
      </p>
      {stack.currentDeployment?.status === 'RUNNING' && (
        <div className="panel pad">
          <Current deployment={stack.currentDeployment} />
        </div>
      )}
      <Waiting stack={stack} />
      {stack.desired !== 'DELETED' && <DriftPanel stack={stack} />}
      <Hosts stack={stack} />
      <Services stack={stack} revisions={revisions.list ?? []} />
      <RevisionList stack={stack} revisions={revisions} />
      <section aria-labelledby="deployments-title">
        <h2 id="deployments-title">Deployments</h2>
        <Deployments stack={stack} />
      </section>
    </Page>
  );
}

function Waiting({ stack }: { stack: Stack }) {
  if (stack.waitingOn.length === 0) return null;
  return (
    <Alert tone="warn" title="Waiting">
      <ul>
        {stack.waitingOn.map((each) => (
          <li key={`${each.reason}:${each.message}`}>{each.message}</li>
        ))}
      </ul>
    </Alert>
  );
}

/** Shows the latest deployments live and, on request, all of them page by page. */
function Deployments({ stack }: { stack: Stack }) {
  const [all, setAll] = useState(false);
  if (all) return <AllDeployments name={stack.name} />;
  return (
    <>
      <DeploymentList deployments={stack.deployments.nodes} withStack={false} />
      {stack.deployments.pageInfo.hasNextPage && (
        <p className="center">
          <Button onClick={() => setAll(true)}>Show all</Button>
        </p>
      )}
    </>
  );
}

function AllDeployments({ name }: { name: string }) {
  const { deployments, problem, more, refresh, busy } = useDeploymentPages({ stack: name });
  return (
    <>
      {problem && <ProblemAlert problem={problem} again={refresh} />}
      {!deployments && !problem && <Loading what="deployments" />}
      {deployments && <DeploymentList deployments={deployments} withStack={false} />}
      {more && (
        <p className="center">
          <Button busy={busy} onClick={more}>
            Show older ones
          </Button>
        </p>
      )}
    </>
  );
}
