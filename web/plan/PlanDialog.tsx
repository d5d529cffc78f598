import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { Outcome } from '../action.ts';
import type { Problem } from '../errors.ts';
import { useRequestKey } from '../key.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { navigate, toPath } from '../router.ts';
import { Alert } from '../ui/Alert.tsx';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { Loading } from '../ui/Empty.tsx';
import type { OperationInput } from './documents.ts';
import { OptionsForm } from './OptionsForm.tsx';
import { DEFAULTS, type Options, parseOptions } from './options.ts';
import { PlanView } from './PlanView.tsx';
import { type Planning, usePlan } from './usePlan.ts';

/** What the user agreed to: this plan and no other, with these options. */
export type Agreed = Options & { planHash: string; idempotencyKey: string };
export type Launched = { deployment: { id: string } };

type Props = {
  title: string;
  /** Null: the form does not say enough yet. */
  operation: OperationInput | null;
  verb: string;
  withOnFailure?: boolean;
  children?: ReactNode;
  send: (agreed: Agreed) => Promise<Outcome<Launched>>;
  onClose: () => void;
};

const PAUSE_MS = 350;

/** Shows what an operation would do, and only then offers to do it. */
export function PlanDialog({ title, operation, verb, withOnFailure = false, children, send, onClose }: Props) {
  const planning = usePlan(operation, PAUSE_MS);
  const [fields, setFields] = useState(DEFAULTS);
  const launch = useLaunch(send, planning.again);
  const parsed = parseOptions(fields);
  const { plan } = planning;
  const reason = 'mistake' in parsed ? parsed.mistake : reasonAgainst(planning);
  const confirm = () => {
    if (plan && 'options' in parsed) void launch.run({ ...parsed.options, planHash: plan.planHash }, operation);
  };
  return (
    <Dialog
      title={title}
      wide
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" busy={launch.busy} reason={launch.busy ? null : reason} onClick={confirm}>
            {verb}
          </Button>
        </>
      }
    >
      {children}
      {launch.changed && <PlanChanged />}
      {planning.problem && <ProblemAlert problem={planning.problem} again={planning.again} />}
      {!planning.problem && plan && <PlanView plan={plan} />}
      {!plan && !planning.problem && operation !== null && <Loading what="the plan" />}
      <OptionsForm fields={fields} withOnFailure={withOnFailure} onChange={setFields} />
      {launch.problem && <ProblemAlert problem={launch.problem} />}
    </Dialog>
  );
}

/** Why the plan cannot be carried out now; null if it can. */
function reasonAgainst({ plan, problem, isCurrent }: Planning): string | null {
  if (problem) return 'The plan failed; see above.';
  if (!plan || !isCurrent) return 'Wait for the plan.';
  return plan.changes === 0 && plan.taskCount === 0 ? 'There is nothing to do.' : null;
}

export function PlanChanged() {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place.current?.scrollIntoView({ block: 'center' });
  }, []);
  return (
    <div ref={place}>
      <Alert tone="warn" title="The plan changed while you looked at it, and nothing was done" code="PLAN_CHANGED">
        The hosts, the containers or the stack have changed. The plan below is up to date.
      </Alert>
    </div>
  );
}

/** Sends what was agreed to and opens the deployment. If the plan has changed since, asks for the new plan instead. */
export function useLaunch(send: Props['send'], replan: () => void) {
  const toKey = useRequestKey();
  const [busy, setBusy] = useState(false);
  const [changed, setChanged] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const run = async (agreed: Options & { planHash: string }, about: unknown) => {
    setBusy(true);
    setProblem(null);
    setChanged(false);
    const outcome = await send({ ...agreed, idempotencyKey: toKey({ agreed, about }) });
    setBusy(false);
    if (outcome.data) return navigate(toPath({ screen: 'deployment', id: outcome.data.deployment.id }));
    if (outcome.problem.code !== 'PLAN_CHANGED') return setProblem(outcome.problem);
    setChanged(true);
    replan();
  };
  const clear = () => {
    setProblem(null);
    setChanged(false);
  };
  return { run, busy, changed, problem, clear };
}
