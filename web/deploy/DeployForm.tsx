import { useMemo, useRef } from 'react';
import type { CodeEditorHandle } from '../editor/CodeEditor.tsx';
import type { Mark } from '../editor/setup.ts';
import type { Problem } from '../errors.ts';
import type { Plan } from '../plan/documents.ts';
import { usePlan } from '../plan/usePlan.ts';
import { forget } from './kept.ts';
import { PlanSection } from './PlanSection.tsx';
import { SourceField } from './SourceField.tsx';
import { type Start, useDraft } from './useDraft.ts';
import { NameAndProfiles, Variables } from './Variables.tsx';

/** Long enough that the plan does not jump about while somebody types a word. */
const PAUSE_MS = 900;

/** A stack file, then the plan for it, then the button that carries the plan out. */
export function DeployForm({ start, adopt }: { start: Start; adopt: string | null }) {
  const draft = useDraft(start);
  const planning = usePlan(
    useMemo(() => draft.input && { deploy: draft.input }, [draft.input]),
    PAUSE_MS,
  );
  const editor = useRef<CodeEditorHandle>(null);
  const { plan, problem } = planning;
  const marks = useMemo(() => toMarks(plan, problem), [plan, problem]);
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
      <PlanSection
        input={draft.input}
        planning={planning}
        adopt={adopt}
        onDeployed={() => forget(start)}
        onPlace={(at) => editor.current?.select(at.line ?? 1, at.column ?? 1)}
      />
    </>
  );
}

/** Turns what the server says about places in the text into marks for the editor. */
function toMarks(plan: Plan | null, problem: Problem | null): Mark[] {
  if (problem) {
    return problem.details.flatMap(({ line, column, message, code }) =>
      line === null ? [] : { line, column: column ?? 1, severity: 'error' as const, message, code },
    );
  }
  return (plan?.warnings ?? []).flatMap(({ path, line, column, message, code }) =>
    path === '' ? [] : { line, column, severity: 'warning' as const, message, code },
  );
}
