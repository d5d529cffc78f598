import { useMemo, useState } from 'react';
import { useAction } from '../action.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { PlanDialog } from '../plan/PlanDialog.tsx';
import { toPath } from '../router.ts';
import { Badge } from '../ui/Badge.tsx';
import { Button } from '../ui/Button.tsx';
import { Loading } from '../ui/Empty.tsx';
import { Link } from '../ui/Link.tsx';
import { TimeAgo } from '../ui/Time.tsx';
import { useDenial } from '../viewer.ts';
import { DEPLOYMENT_STATUSES, FORMATS } from '../words.ts';
import { Compare } from './Compare.tsx';
import type { Revision, Stack } from './documents.ts';
import { RollBackStack } from './mutations.ts';
import { Source } from './Source.tsx';
import type { Revisions } from './useRevisions.ts';

/** Lists the revisions with their files. Each can be compared with another and rolled back to. */
export function RevisionList({ stack, revisions }: { stack: Stack; revisions: Revisions }) {
  const { list, more, problem, again } = revisions;
  return (
    <section aria-labelledby="revisions-title">
      <h2 id="revisions-title">Revisions</h2>
      {problem && <ProblemAlert problem={problem} again={again} />}
      {!list && !problem && <Loading what="revisions" />}
      {list && list.length > 0 && (
        <ol className="panel rows">
          {list.map((each) => (
            <RevisionRow key={each.number} revision={each} stack={stack} />
          ))}
        </ol>
      )}
      {more && (
        <p className="center">
          <Button onClick={more}>Show older revisions</Button>
        </p>
      )}
      {list && list.length > 1 && <Compare name={stack.name} numbers={list.map((each) => each.number)} />}
    </section>
  );
}

function RevisionRow({ revision, stack }: { revision: Revision; stack: Stack }) {
  const [open, setOpen] = useState(false);
  const [rollingBack, setRollingBack] = useState(false);
  const current = revision.number === stack.revision;
  // One that did not come up can be gone on with; some operations ask for just that.
  const isUp = current && (stack.goodRevision === null || stack.goodRevision === stack.revision);
  const denial =
    useDenial('OPERATOR') ??
    (stack.desired === 'DELETED' ? 'The stack is being deleted.' : isUp ? 'This is the current revision.' : null);
  return (
    <li className="revision-row" aria-label={`Revision ${revision.number}`}>
      <span className="row-name">Revision {revision.number}</span>
      <span className="badges">
        {current && <Badge tone="busy">Current</Badge>}
        {revision.number === stack.goodRevision && <Badge tone="good">Good</Badge>}
        <Outcome deployment={revision.deployment} />
        <span className="chip">{FORMATS[revision.format]}</span>
      </span>
      <span className="muted small">
        <TimeAgo at={revision.createdAt} /> by {revision.createdBy}
        {revision.note && <span className="revision-note">{revision.note}</span>}
      </span>
      <span className="actions actions-end">
        <Button
          look="quiet"
          aria-expanded={open}
          aria-label={`File of revision ${revision.number}`}
          onClick={() => setOpen(!open)}
        >
          File
        </Button>
        <Button
          reason={denial}
          aria-label={`Roll back to revision ${revision.number}…`}
          onClick={() => setRollingBack(true)}
        >
          Roll back…
        </Button>
      </span>
      {open && <Source name={stack.name} number={revision.number} />}
      {rollingBack && <RollBack name={stack.name} number={revision.number} onClose={() => setRollingBack(false)} />}
    </li>
  );
}

/** Says what became of the deployment of a revision if that was not simply good. */
function Outcome({ deployment }: Pick<Revision, 'deployment'>) {
  if (!deployment || deployment.status === 'SUCCEEDED') return null;
  const { tone, text } = DEPLOYMENT_STATUSES[deployment.status];
  return (
    <Link to={toPath({ screen: 'deployment', id: deployment.id })}>
      <Badge tone={tone}>{deployment.status === 'RUNNING' ? 'Being deployed' : text}</Badge>
    </Link>
  );
}

function RollBack({ name, number, onClose }: { name: string; number: number; onClose: () => void }) {
  const action = useAction(RollBackStack);
  const what = useMemo(() => ({ name, toRevision: number }), [name, number]);
  return (
    <PlanDialog
      title={`Roll ${name} back to revision ${number}`}
      operation={useMemo(() => ({ rollback: what }), [what])}
      verb={`Roll back to revision ${number}`}
      withOnFailure
      send={(options) => action.run({ ...what, options })}
      onClose={onClose}
    >
      <p className="muted">This creates a new revision with the content of revision {number}.</p>
    </PlanDialog>
  );
}
