import { useMemo, useRef, useState } from 'react';
import { useAction } from '../action.ts';
import type { CodeEditorHandle } from '../editor/CodeEditor.tsx';
import type { Mark } from '../editor/setup.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { OptionsForm } from '../plan/OptionsForm.tsx';
import { DEFAULTS, parseOptions } from '../plan/options.ts';
import { PlanChanged, useLaunch } from '../plan/PlanDialog.tsx';
import { PlanView } from '../plan/PlanView.tsx';
import { type Planning, usePlan } from '../plan/usePlan.ts';
import { Button } from '../ui/Button.tsx';
import { Adoption } from './Adoption.tsx';
import { DeployStack } from './documents.ts';
import { Problems } from './Problems.tsx';
import { SourceField } from './SourceField.tsx';
import { type Start, useDraft } from './useDraft.ts';
import { NameAndProfiles, Variables } from './Variables.tsx';

/** Long enough that nobody is interrupted in the middle of a word. */
const PAUSE_MS = 900;

/** A stack file, what deploying it would do, and below that the button that does it. */
export function DeployForm({ start, adopt }: { start: Start; adopt: string | null }) {
  const draft = useDraft(start);
  const planning = usePlan(useMemo(() => draft.input && { deploy: draft.input }, [draft.input]), PAUSE_MS);
  const editor = useRef<CodeEditorHandle>(null);
  const marks = useMemo(() => toMarks(planning), [planning.plan, planning.problem]);
  const show = (at: { line: number | null; column: number | null }) =>
    editor.current?.select(at.line ?? 1, at.column ?? 1);
  return (
    <>
      <div className="deploy-fields">
        <SourceField ref={editor} draft={draft} marks={marks} onRun={planning.again} />
        {draft.format === 'COMPOSE' && (
          <div className="panel pad form">
            <NameAndProfiles draft={draft} />
            <Variables draft={draft} />
          </div>
        )}
      </div>
      <section aria-labelledby="plan-title" aria-busy={planning.busy}>
        <div className="section-head">
          <h2 id="plan-title">Plan</h2>
          <Button
            busy={planning.busy}
            reason={draft.input ? null : 'Paste or choose a stack file first.'}
            onClick={planning.again}
          >
            Plan
          </Button>
        </div>
        {draft.input === null && <p className="muted panel pad">What would be done is shown here before it is done.</p>}
        {planning.problem && <Problems problem={planning.problem} onSelect={show} />}
        {!planning.problem && planning.plan && <PlanView plan={planning.plan} onWarning={show} />}
        {draft.input && !planning.isCurrent && (
          <p className="muted small" role="status">
            {planning.busy ? 'Asking what would be done…' : 'The text has changed; the plan follows in a moment.'}
          </p>
        )}
        {adopt !== null && draft.input && <Adoption stack={adopt} input={draft.input} planning={planning} />}
        <Launch draft={draft} planning={planning} secondary={adopt !== null} />
      </section>
    </>
  );
}

type LaunchProps = { draft: ReturnType<typeof useDraft>; planning: Planning; secondary: boolean };

function Launch({ draft, planning, secondary }: LaunchProps) {
  const [fields, setFields] = useState(DEFAULTS);
  const action = useAction(DeployStack);
  const { input } = draft;
  const launch = useLaunch(async (agreed) => action.run({ ...(input ?? { source: {} as never }), ...agreed }), planning.again);
  const parsed = parseOptions(fields);
  const { plan, problem, isCurrent } = planning;
  const reason = !input
    ? 'Paste or choose a stack file first.'
    : 'mistake' in parsed
      ? parsed.mistake
      : isCurrent && problem
        ? 'The stack file has problems.'
        : isCurrent && plan
          ? null
          : 'The plan comes first.';
  const deploy = () => {
    if (plan && 'options' in parsed) void launch.run({ ...parsed.options, planHash: plan.planHash }, input);
  };
  return (
    <>
      {launch.changed && <PlanChanged />}
      {launch.problem && <ProblemAlert problem={launch.problem} />}
      <OptionsForm fields={fields} withOnFailure onChange={setFields} />
      <div className="actions actions-end deploy-actions">
        <Button
          look={secondary ? 'plain' : 'primary'}
          busy={launch.busy}
          reason={launch.busy ? null : reason}
          onClick={deploy}
        >
          Deploy
        </Button>
      </div>
    </>
  );
}

/** What the server says about places of the text, for the editor. */
function toMarks({ plan, problem }: Pick<Planning, 'plan' | 'problem'>): Mark[] {
  if (problem) {
    return problem.details.flatMap(({ line, column, message, code }) =>
      line === null ? [] : { line, column: column ?? 1, severity: 'error' as const, message, code },
    );
  }
  return (plan?.warnings ?? []).flatMap(({ path, line, column, message, code }) =>
    path === '' ? [] : { line, column, severity: 'warning' as const, message, code },
  );
}
