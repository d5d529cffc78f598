import { useState } from 'react';
import { Page } from '../layout/Page.tsx';
import { ProblemAlert } from '../layout/Problem.tsx';
import { useLive } from '../live.ts';
import { Button } from '../ui/Button.tsx';
import { Empty, Loading } from '../ui/Empty.tsx';
import { plural } from '../ui/format.ts';
import { Icon } from '../ui/Icon.tsx';
import { useDenial } from '../viewer.ts';
import { AddAgent } from './AddAgent.tsx';
import { AgentCard } from './AgentCard.tsx';
import { WatchAgents } from './documents.ts';

const byName = new Intl.Collator('en', { numeric: true });

export function AgentsScreen() {
  const { data, problem, again } = useLive(WatchAgents, {});
  const [adding, setAdding] = useState(false);
  const denial = useDenial('ADMIN');
  const agents = data?.agents.toSorted((a, b) => byName.compare(a.name, b.name));
  const online = agents?.filter((agent) => agent.state === 'ONLINE').length ?? 0;
  const add = (
    <Button look="primary" reason={denial} onClick={() => setAdding(true)}>
      <Icon name="plus" /> Add an agent
    </Button>
  );
  return (
    <Page title="Agents" actions={add}>
      {problem && <ProblemAlert problem={problem} again={again} />}
      {!agents && !problem && <Loading what="agents" />}
      {agents?.length === 0 && (
        <Empty title="No agents yet" action={add}>
          An agent runs next to Docker on each host and connects to this server, so the host needs no open port.
        </Empty>
      )}
      {agents && agents.length > 0 && (
        <>
          <p className="muted tabular">
            {online} of {plural(agents.length, 'agent')} online
          </p>
          <ul className="cards">
            {agents.map((agent) => (
              <AgentCard key={agent.id} agent={agent} />
            ))}
          </ul>
        </>
      )}
      {adding && <AddAgent agents={agents ?? []} onClose={() => setAdding(false)} />}
    </Page>
  );
}
