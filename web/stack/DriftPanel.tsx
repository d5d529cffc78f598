import { useMemo, useState } from 'react';
import { useAction } from '../action.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { useLive } from '../live.ts';
import { PlanDialog } from '../plan/PlanDialog.tsx';
import { Badge } from '../ui/Badge.tsx';
import { Button } from '../ui/Button.tsx';
import { Switch } from '../ui/Switch.tsx';
import { TimeAgo } from '../ui/Time.tsx';
import { toast } from '../ui/Toasts.tsx';
import { useDenial } from '../viewer.ts';
import { DRIFT_KINDS } from '../words.ts';
import { type Stack, WatchDrift } from './documents.ts';
import { RepairStack, SetAutoRepair } from './mutations.ts';

/** Shows live where hosts differ from the current revision, and offers to repair them. */
export function DriftPanel({ stack }: { stack: Stack }) {
  const { data, problem, again } = useLive(WatchDrift, { stack: stack.name });
  const [repairing, setRepairing] = useState(false);
  const denial = useDenial('OPERATOR');
  const drift = data?.drift ?? [];
  return (
    <section aria-labelledby="drift-title">
      <div className="section-head">
        <h2 id="drift-title">Drift</h2>
        <AutoRepair stack={stack} denial={denial} />
      </div>
      {problem && <ProblemAlert problem={problem} again={again} />}
      <div className="panel">
        {drift.length === 0 ? (
          <p className="muted pad" role="status">
            {data ? 'No drift: every host matches the current revision.' : 'Checking…'}
          </p>
        ) : (
          <ul className="rows drift" aria-label="Containers that differ from the current revision">
            {drift.map((each) => (
              <li key={`${each.agent}:${each.containerName}:${each.kind}`} className="plan-row">
                <Badge tone={DRIFT_KINDS[each.kind].tone}>{DRIFT_KINDS[each.kind].text}</Badge>
                <div>
                  <span className="mono row-name">{each.containerName}</span>
                  <span className="muted small">on {each.agent}</span>
                </div>
                <span className="muted small">
                  {each.message}
                  {each.since && (
                    <>
                      {' '}
                      since <TimeAgo at={each.since} />
                    </>
                  )}
                </span>
              </li>
            ))}
          </ul>
        )}
        {drift.length > 0 && (
          <div className="actions actions-end pad">
            <Button reason={denial} onClick={() => setRepairing(true)}>
              Repair…
            </Button>
          </div>
        )}
      </div>
      {repairing && <Repair name={stack.name} onClose={() => setRepairing(false)} />}
    </section>
  );
}

function AutoRepair({ stack, denial }: { stack: Stack; denial: string | null }) {
  const action = useAction(SetAutoRepair);
  const change = async (enabled: boolean) => {
    const { problem } = await action.run({ name: stack.name, enabled });
    if (problem) toast('bad', `${problem.title}: ${problem.message}`);
  };
  return (
    <Switch
      label="Repair automatically:"
      on={stack.autoRepair}
      busy={action.busy}
      reason={action.busy ? null : denial}
      onChange={change}
    />
  );
}

function Repair({ name, onClose }: { name: string; onClose: () => void }) {
  const action = useAction(RepairStack);
  return (
    <PlanDialog
      title={`Repair ${name}`}
      operation={useMemo(() => ({ repair: name }), [name])}
      verb="Repair"
      send={(options) => action.run({ name, options })}
      onClose={onClose}
    />
  );
}
