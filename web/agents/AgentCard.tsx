import { Fragment, memo, type ReactNode, useState } from 'react';
import { toPath } from '../router.ts';
import { Badge } from '../ui/Badge.tsx';
import { Button } from '../ui/Button.tsx';
import { formatBytes, plural } from '../ui/format.ts';
import { Link } from '../ui/Link.tsx';
import { TimeAgo } from '../ui/Time.tsx';
import { useDenial } from '../viewer.ts';
import { AGENT_STATES, TRANSPORTS } from '../words.ts';
import type { Agent } from './documents.ts';
import { EditLabels } from './EditLabels.tsx';
import { RemoveAgentDialog } from './RemoveAgent.tsx';

export const AgentCard = memo(function AgentCard({ agent }: { agent: Agent }) {
  const [removing, setRemoving] = useState(false);
  const [labelling, setLabelling] = useState(false);
  const denial = useDenial('ADMIN');
  const state = AGENT_STATES[agent.state];
  const running = agent.containers.filter((each) => each.state === 'RUNNING').length;
  return (
    <li className="panel card" aria-label={`Agent ${agent.name}`}>
      <div className="card-head">
        <h2>{agent.name}</h2>
        <Badge tone={state.tone}>{state.text}</Badge>
        {agent.transport && (
          <span className="chip" title={TRANSPORTS[agent.transport].hint}>
            {TRANSPORTS[agent.transport].text}
          </span>
        )}
      </div>
      {agent.quarantineReason && <p className="small differs">{agent.quarantineReason}</p>}
      {agent.state === 'ENGINE_DOWN' && agent.engineDownSince && (
        <p className="small differs">
          Its tasks wait since <TimeAgo at={agent.engineDownSince} />, when Docker stopped answering:{' '}
          {agent.engineProblem}. Look at the engine on the host.
        </p>
      )}
      <dl className="pairs">
        <Pair name={agent.offlineSince ? 'Offline since' : 'Connected'}>
          <Since agent={agent} />
        </Pair>
        <Pair name="Containers">
          {running} running{agent.containers.length > running && ` of ${agent.containers.length}`}
        </Pair>
        <Stacks agent={agent} />
        <Pair name="Unfinished tasks">{agent.unfinishedTasks}</Pair>
        {agent.engine && (
          <>
            <Pair name="Host">
              {agent.engine.os}/{agent.engine.arch}, {plural(agent.engine.cpus, 'CPU')},{' '}
              {formatBytes(agent.engine.memoryBytes)}
            </Pair>
            <Pair name="Docker">
              {agent.engine.version} (API {agent.engine.apiVersion})
            </Pair>
          </>
        )}
        {agent.version && <Pair name="Agent">{agent.version}</Pair>}
      </dl>
      {agent.labels.length > 0 && (
        <ul className="labels" aria-label="Labels">
          {agent.labels.map((label) => (
            <li key={label.key} className="chip mono">
              {label.key}={label.value}
            </li>
          ))}
        </ul>
      )}
      <div className="card-foot">
        <Button
          look="quiet"
          reason={denial}
          aria-label={`Edit labels of ${agent.name}`}
          onClick={() => setLabelling(true)}
        >
          Edit labels
        </Button>
        <Button look="quiet" reason={denial} aria-label={`Remove ${agent.name}`} onClick={() => setRemoving(true)}>
          Remove
        </Button>
      </div>
      {labelling && <EditLabels agent={agent} onClose={() => setLabelling(false)} />}
      {removing && <RemoveAgentDialog agent={agent} onClose={() => setRemoving(false)} />}
    </li>
  );
});

function Stacks({ agent }: { agent: Agent }) {
  const names = [...new Set(agent.containers.map(({ stack }) => stack))].sort();
  if (names.length === 0) return null;
  return (
    <Pair name="Stacks">
      {names.map((name, index) => (
        <Fragment key={name}>
          {index > 0 && ', '}
          <Link to={toPath({ screen: 'stack', name })}>{name}</Link>
        </Fragment>
      ))}
    </Pair>
  );
}

function Pair({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="tabular">{children}</dd>
    </>
  );
}

function Since({ agent }: { agent: Agent }) {
  if (agent.connectedAt) return <TimeAgo at={agent.connectedAt} />;
  return agent.offlineSince ? <TimeAgo at={agent.offlineSince} /> : 'never';
}
