import { useQuery } from 'urql';
import { Page } from '../layout/Page.tsx';
import { ProblemAlert } from '../layout/Problem.tsx';
import { useLive } from '../live.ts';
import { navigate, toPath } from '../router.ts';
import { Button } from '../ui/Button.tsx';
import { Empty, Loading } from '../ui/Empty.tsx';
import { FilterField, matches, useFilter } from '../ui/Filter.tsx';
import { Icon } from '../ui/Icon.tsx';
import { Link } from '../ui/Link.tsx';
import { useDenial } from '../viewer.ts';
import { STACK_STATES } from '../words.ts';
import { AgentNames, WatchStacks } from './documents.ts';
import { Orphans } from './Orphans.tsx';
import { hostsOf, StackRow } from './StackRow.tsx';

export function StacksScreen() {
  const { data, problem, again } = useLive(WatchStacks, {});
  const [filter, setFilter] = useFilter();
  const stacks = data?.stacks.toSorted((a, b) => a.name.localeCompare(b.name));
  const shown = stacks?.filter((stack) =>
    matches(filter, stack.name, STACK_STATES[stack.state].text, ...hostsOf(stack)),
  );
  return (
    <Page title="Stacks" actions={<DeployButton />}>
      {problem && <ProblemAlert problem={problem} again={again} />}
      {!stacks && !problem && <Loading what="stacks" />}
      {stacks && stacks.length > 0 && (
        <>
          {(stacks.length > 1 || filter !== '') && (
            <FilterField label="Filter by name, state or host" text={filter} onChange={setFilter} />
          )}
          {shown?.length === 0 && <p className="muted panel pad">No stack matches this filter.</p>}
          <ul className="panel rows stack-rows" hidden={shown?.length === 0}>
            {shown?.map((stack) => (
              <StackRow key={stack.id} stack={stack} />
            ))}
          </ul>
          <p className="muted small center">Drop a stack file anywhere on this page to deploy it.</p>
        </>
      )}
      {stacks?.length === 0 && <NoStacks />}
      <Orphans changed={stacks} />
    </Page>
  );
}

/** Without a host there is nothing to deploy to, so that comes first. */
function NoStacks() {
  const [{ data }] = useQuery({ query: AgentNames, requestPolicy: 'network-only' });
  if (data?.agents.length === 0) {
    return (
      <Empty
        title="No hosts yet"
        action={
          <Link className="button button-primary" to={toPath({ screen: 'agents' })}>
            Add an agent
          </Link>
        }
      >
        Stacks run on hosts that have an agent. Add the first one, then deploy a stack.
      </Empty>
    );
  }
  return (
    <Empty title="No stacks yet" action={<DeployButton />}>
      Drop a stack file anywhere on this page, or choose one. You see the plan before anything is changed.
    </Empty>
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
