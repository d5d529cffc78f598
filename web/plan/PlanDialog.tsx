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
import type { PlanInput } from './documents.ts';
import { OptionsForm } from './OptionsForm.tsx';
import { DEFAULTS, type Options, parseOptions } from './options.ts';
import { PlanView } from './PlanView.tsx';
import { usePlan } from './usePlan.ts';

/** What the user agreed to: this plan and no other, with these options. */
export type Agreed = Options & { planHash: string; idempotencyKey: string };
export type Launched = { deployment: { id: string } };

type Props = {
  title: string;
  /** Null: the form does not say enough yet. */
  input: PlanInput | null;
  verb: string;
  withOnFailure?: boolean;
  children?: ReactNode;
  send: (agreed: Agreed) => Promise<Outcome<Launched>>;
  onClose: () => void;
};

const PAUSE_MS = 350;

/** Shows what an operation would do, and only then offers to do it. */
export function PlanDialog({ title, input, verb, withOnFailure = false, children, send, onClose }: Props) {
  const planning = usePlan(input, PAUSE_MS);
  const [fields, setFields] = useState(DEFAULTS);
  const launch = useLaunch(send, planning.again);
  const parsed = parseOptions(fields);
  const { plan, isCurrent } = planning;
  const reason =
    'mistake' in parsed
      ? parsed.mistake
      : planning.problem
        ? 'The plan failed; see above.'
        : plan && isCurrent
          ? null
          : 'Wait for the plan.';
  const confirm = () => {
    if (plan && 'options' in parsed) void launch.run({ ...parsed.options, planHash: plan.planHash }, input);
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
      {!plan && !planning.problem && input !== null && <Loading what="the plan" />}
      <OptionsForm fields={fields} withOnFailure={withOnFailure} onChange={setFields} />
      {launch.problem && <ProblemAlert problem={launch.problem} />}
    </Dialog>
  );
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
