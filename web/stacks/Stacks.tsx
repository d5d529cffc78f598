import { Page } from '../layout/Page.tsx';
import { ProblemAlert } from '../layout/Problem.tsx';
import { useLive } from '../live.ts';
import { navigate, toPath } from '../router.ts';
import { Button } from '../ui/Button.tsx';
import { Empty, Loading } from '../ui/Empty.tsx';
import { Icon } from '../ui/Icon.tsx';
import { useDenial } from '../viewer.ts';
import { WatchStacks } from './documents.ts';
import { Orphans } from './Orphans.tsx';
import { StackRow } from './StackRow.tsx';

export function StacksScreen() {
  const { data, problem, again } = useLive(WatchStacks, {});
  const stacks = data?.stacks.toSorted((a, b) => a.name.localeCompare(b.name));
  return (
    <Page title="Stacks" actions={<DeployButton />}>
      {problem && <ProblemAlert problem={problem} again={again} />}
      {!stacks && !problem && <Loading what="stacks" />}
      {stacks && stacks.length > 0 && (
        <>
          <ul className="panel rows stack-rows">
            {stacks.map((stack) => (
              <StackRow key={stack.id} stack={stack} />
            ))}
          </ul>
          <p className="muted small center">Drop a stack file anywhere on this page to deploy it.</p>
        </>
      )}
      {stacks?.length === 0 && (
        <Empty title="No stacks yet" action={<DeployButton />}>
          Drop a stack file anywhere on this page, or choose one. You see the plan before anything is changed.
        </Empty>
      )}
      <Orphans changed={stacks} />
    </Page>
  );
}

function DeployButton() {
  const open = () => navigate(toPath({ screen: 'deploy', stack: null, revision: null }));
  return (
    <Button look="primary" reason={useDenial('OPERATOR')} onClick={open}>
      <Icon name="upload" /> Deploy a stack
    </Button>
  );
}
