import { isLeftover } from '../leftover.ts';
import { Badge } from '../ui/Badge.tsx';
import { FilterField, matches, useFilter } from '../ui/Filter.tsx';
import { plural } from '../ui/format.ts';
import { TimeAgo } from '../ui/Time.tsx';
import { CONTAINER_STATES, HEALTHS } from '../words.ts';
import type { Container, Stack, WantedContainer } from './documents.ts';
import { toStackHosts } from './hosts.ts';

/** So many containers are seen at a glance. */
const FEW = 8;

export function Hosts({ stack }: { stack: Stack }) {
  const [filter, setFilter] = useFilter();
  const isShown = ({ name, agent, image }: { name: string; agent: string; image: string }) =>
    matches(filter, name, agent, image);
  const hosts = toStackHosts({
    wanted: stack.wanted.filter(isShown),
    containers: stack.containers.filter(isShown),
  });
  return (
    <section aria-labelledby="containers-title">
      <h2 id="containers-title">Containers</h2>
      {(stack.containers.length > FEW || filter !== '') && (
        <FilterField label="Filter by name, host or image" text={filter} onChange={setFilter} />
      )}
      {hosts.map((host) => (
        <section key={host.agent} className="panel host" aria-label={`Host ${host.agent}`}>
          <div className="host-head">
            <h3>{host.agent}</h3>
            <span className="muted small tabular">{plural(host.containers.length, 'container')}</span>
            {host.unknownSince && (
              <span className="chip differs">
                not seen since <TimeAgo at={host.unknownSince} />
              </span>
            )}
          </div>
          <ul className="rows">
            {host.containers.map((container) => (
              <ContainerRow key={container.id} container={container} stack={stack} />
            ))}
            {(stack.desired === 'DELETED' ? [] : host.missing).map((wanted) => (
              <MissingRow key={wanted.name} wanted={wanted} stack={stack} />
            ))}
          </ul>
        </section>
      ))}
      {hosts.length === 0 && (
        <p className="muted panel pad">{filter === '' ? 'No containers.' : 'No container matches this filter.'}</p>
      )}
    </section>
  );
}

function ContainerRow({ container, stack }: { container: Container; stack: Stack }) {
  const state = CONTAINER_STATES[container.state];
  const health = HEALTHS[container.health];
  const leftover = isLeftover(stack, container);
  const isAsleep = stack.desired === 'STOPPED' && container.state === 'EXITED';
  return (
    <li className="container-row">
      <div>
        <span className="mono row-name">{container.name}</span>
        <span className="muted small mono">{container.image}</span>
      </div>
      <div className="badges">
        <Badge tone={container.unknownSince ? 'warn' : isAsleep ? 'idle' : state.tone}>
          {container.unknownSince && 'Unknown, was '}
          {container.unknownSince ? state.text.toLowerCase() : state.text}
          {container.state === 'EXITED' && container.exitCode !== null && ` (${container.exitCode})`}
        </Badge>
        {health && !container.unknownSince && container.state === 'RUNNING' && (
          <Badge tone={health.tone}>{health.text}</Badge>
        )}
        {leftover && <span className="chip">no longer wanted</span>}
      </div>
      <Ports ports={container.ports} agent={container.agent} />
      <div className="muted small container-row-end">
        <span title="The revision that made it; later ones left it as it is">revision {container.revision}</span>
        {container.startedAt && !container.unknownSince && container.state === 'RUNNING' && (
          <span>
            started <TimeAgo at={container.startedAt} />
          </span>
        )}
      </div>
    </li>
  );
}

function MissingRow({ wanted, stack }: { wanted: WantedContainer; stack: Stack }) {
  const expected = stack.desired !== 'RUNNING' || stack.currentDeployment?.status === 'RUNNING';
  return (
    <li className="container-row">
      <div>
        <span className="mono row-name">{wanted.name}</span>
        <span className="muted small mono">{wanted.image}</span>
      </div>
      <div className="badges">
        <Badge tone={expected ? 'idle' : 'warn'} title="The current revision wants it, but its agent does not see it">
          {expected ? 'Not there' : 'Missing'}
        </Badge>
      </div>
      <Ports ports={[]} agent={wanted.agent} />
      <div />
    </li>
  );
}

/** Shows numbers instead of links: the server knows a host's name, but no address that a browser could open. */
function Ports({ ports, agent }: { ports: Container['ports']; agent: string }) {
  const published = ports.filter((port) => port.hostPort !== null);
  const unique = [...new Map(published.map((port) => [`${port.hostPort}/${port.protocol}`, port])).values()];
  return (
    <ul className="ports" aria-label="Published ports">
      {unique.map((port) => (
        <li
          key={`${port.hostPort}/${port.protocol}`}
          className="chip tabular"
          title={`Port ${port.hostPort} of host ${agent} leads to port ${port.containerPort} of the container`}
        >
          :{port.hostPort} → {port.containerPort}
          {port.protocol !== 'TCP' && `/${port.protocol.toLowerCase()}`}
        </li>
      ))}
    </ul>
  );
}
