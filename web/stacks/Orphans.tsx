import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { useAction } from '../action.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { navigate, toPath } from '../router.ts';
import { Badge } from '../ui/Badge.tsx';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { plural } from '../ui/format.ts';
import { useDenial } from '../viewer.ts';
import { CONTAINER_STATES, ORPHAN_REASONS } from '../words.ts';
import { type Orphan, Orphans as OrphansQuery, RemoveOrphans } from './documents.ts';

const AGAIN_MS = 15_000;

/** Lists the orphans, stack by stack. Shows nothing if there are none. */
export function Orphans({ changed }: { changed: unknown }) {
  const [{ data }, execute] = useQuery({ query: OrphansQuery });
  // biome-ignore lint/correctness/useExhaustiveDependencies: when the list of stacks changes, the orphans may have changed too
  useEffect(() => {
    execute({ requestPolicy: 'network-only' });
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') execute({ requestPolicy: 'network-only' });
    }, AGAIN_MS);
    return () => clearInterval(timer);
  }, [changed, execute]);
  const stacks = [...Map.groupBy(data?.orphans ?? [], (orphan) => orphan.stack)];
  if (stacks.length === 0) return null;
  return (
    <section aria-labelledby="orphans-title">
      <h2 id="orphans-title">Orphans</h2>
      <p className="muted small">
        These containers carry Graphium's labels, but no stack includes them. They are left as they are until you adopt
        or remove them.
      </p>
      {stacks.map(([stack, orphans]) => (
        <OrphanStack key={stack} stack={stack} orphans={orphans} onRemoved={execute} />
      ))}
    </section>
  );
}

function OrphanStack({ stack, orphans, onRemoved }: { stack: string; orphans: Orphan[]; onRemoved: () => void }) {
  const [removing, setRemoving] = useState(false);
  const denial = useDenial('OPERATOR');
  const unknown = orphans.some((orphan) => orphan.reason === 'UNKNOWN_STACK');
  const busy = orphans.every((orphan) => orphan.isBeingRemoved) ? 'Graphium is already removing them.' : null;
  return (
    <section className="panel host" aria-label={`Orphans of ${stack}`}>
      <div className="host-head">
        <h3>{stack}</h3>
        <span className="muted small">{ORPHAN_REASONS[unknown ? 'UNKNOWN_STACK' : 'NOT_WANTED']}</span>
      </div>
      <ul className="rows">
        {orphans.map(({ agent, container, isBeingRemoved }) => (
          <li key={`${agent}:${container.id}`} className="container-row">
            <div>
              <span className="mono row-name">{container.name}</span>
              <span className="muted small mono">{container.image}</span>
            </div>
            <div className="badges">
              <Badge tone={CONTAINER_STATES[container.state].tone}>{CONTAINER_STATES[container.state].text}</Badge>
            </div>
            <span className="muted small">on {agent}</span>
            <span className="muted small container-row-end">{isBeingRemoved ? 'being removed' : ''}</span>
          </li>
        ))}
      </ul>
      <div className="actions actions-end pad">
        {unknown && (
          <Button
            reason={denial ?? busy}
            aria-label={`Adopt ${stack}…`}
            onClick={() => navigate(toPath({ screen: 'adopt', stack }))}
          >
            Adopt…
          </Button>
        )}
        <Button
          look="danger"
          reason={denial ?? busy}
          aria-label={`Remove orphans of ${stack}…`}
          onClick={() => setRemoving(true)}
        >
          Remove…
        </Button>
      </div>
      {removing && (
        <Remove
          stack={stack}
          orphans={orphans}
          onClose={() => {
            setRemoving(false);
            onRemoved();
          }}
        />
      )}
    </section>
  );
}

function Remove({ stack, orphans, onClose }: { stack: string; orphans: Orphan[]; onClose: () => void }) {
  const action = useAction(RemoveOrphans);
  const confirm = async () => {
    const { data } = await action.run({ stack });
    if (data) navigate(toPath({ screen: 'deployment', id: data.removeOrphans.id }));
  };
  return (
    <Dialog
      title={`Remove ${plural(orphans.length, 'orphan')} of ${stack}?`}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose} data-first>
            Cancel
          </Button>
          <Button look="danger" busy={action.busy} onClick={confirm}>
            Remove {plural(orphans.length, 'container')}
          </Button>
        </>
      }
    >
      <p>These containers will be stopped and removed. This cannot be undone.</p>
      <ul className="bullets">
        {orphans.map(({ agent, container }) => (
          <li key={`${agent}:${container.id}`}>
            <span className="mono">{container.name}</span> on {agent}
          </li>
        ))}
      </ul>
      {action.problem && <ProblemAlert problem={action.problem} />}
    </Dialog>
  );
}
