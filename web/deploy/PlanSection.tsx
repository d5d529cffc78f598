import { useState } from 'react';
import { useAction } from '../action.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { OptionsForm } from '../plan/OptionsForm.tsx';
import { DEFAULTS, type OptionFields, parseOptions } from '../plan/options.ts';
import { PlanChanged, useLaunch } from '../plan/PlanDialog.tsx';
import { PlanView } from '../plan/PlanView.tsx';
import type { Planning } from '../plan/usePlan.ts';
import { Button } from '../ui/Button.tsx';
import { Adoption } from './Adoption.tsx';
import { DeployStack } from './documents.ts';
import { Problems } from './Problems.tsx';
import type { FileInput } from './useDraft.ts';

type Props = {
  /** Null: there is no text yet. */
  input: FileInput | null;
  planning: Planning;
  adopt: string | null;
  onDeployed: () => void;
  onPlace: (at: { line: number | null; column: number | null }) => void;
};

const NO_TEXT = 'Paste or choose a stack file first.';

/** Shows the plan, or what is wrong with the file, and then the button. */
export function PlanSection({ input, planning, adopt, onDeployed, onPlace }: Props) {
  const [fields, setFields] = useState(DEFAULTS);
  const action = useAction(DeployStack);
  const launch = useLaunch(async (options) => {
    const outcome = await action.run({ ...(input ?? { source: { compose: '' } }), options });
    if (outcome.data) onDeployed();
    return outcome;
  }, planning.again);
  const { plan, problem, isCurrent, busy } = planning;
  const parsed = parseOptions(fields);
  const deploy = () => {
    if (plan && 'options' in parsed) void launch.run({ ...parsed.options, planHash: plan.planHash }, input);
  };
  return (
    <section aria-labelledby="plan-title" aria-busy={busy}>
      <div className="section-head">
        <h2 id="plan-title">Plan</h2>
        <Button busy={busy} reason={input ? null : NO_TEXT} title="Ctrl-Enter in the editor" onClick={planning.again}>
          Plan
        </Button>
      </div>
      {input === null && <p className="muted panel pad">The plan is shown here before anything is changed.</p>}
      {launch.changed && <PlanChanged />}
      {problem && <Problems problem={problem} onSelect={onPlace} />}
      {!problem && plan && <PlanView plan={plan} onWarning={onPlace} />}
      {input && !isCurrent && (
        <p className="muted small" role="status">
          {busy ? 'Planning…' : 'The text has changed; the plan will be updated in a moment.'}
        </p>
      )}
      {adopt !== null && input && <Adoption stack={adopt} input={input} planning={planning} />}
      <OptionsForm fields={fields} withOnFailure onChange={setFields} />
      {launch.problem && <ProblemAlert problem={launch.problem} />}
      <div className="actions actions-end">
        <Button
          look={adopt === null ? 'primary' : 'plain'}
          busy={launch.busy}
          reason={launch.busy ? null : findReason(input, planning, fields)}
          onClick={deploy}
        >
          Deploy
        </Button>
      </div>
    </section>
  );
}

/** Returns why the file cannot be deployed yet, or null if it can. */
function findReason(input: FileInput | null, { plan, problem, isCurrent }: Planning, fields: OptionFields) {
  const parsed = parseOptions(fields);
  if (input === null) return NO_TEXT;
  if ('mistake' in parsed) return parsed.mistake;
  if (isCurrent && problem) return 'The stack file has problems.';
  return isCurrent && plan ? null : 'Wait for the plan.';
}
