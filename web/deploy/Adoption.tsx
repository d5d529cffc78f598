import { useState } from 'react';
import { useAction } from '../action.ts';
import type { Problem } from '../errors.ts';
import { useRequestKey } from '../key.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import type { Planning } from '../plan/usePlan.ts';
import { navigate, toPath } from '../router.ts';
import { Alert } from '../ui/Alert.tsx';
import { Button } from '../ui/Button.tsx';
import { AdoptOrphans } from './documents.ts';
import type { FileInput } from './useDraft.ts';

const TOUCHING = ['REPLACE', 'RESTART', 'STOP', 'REMOVE'];

/** Adopts containers as they are. Where the file differs from them, only a deployment brings them in line. */
export function Adoption({ stack, input, planning }: { stack: string; input: FileInput; planning: Planning }) {
  const action = useAction(AdoptOrphans);
  const toKey = useRequestKey();
  const [problem, setProblem] = useState<Problem | null>(null);
  const { plan, isCurrent } = planning;
  const touched = plan?.items.filter((item) => TOUCHING.includes(item.action)) ?? [];
  const ready = isCurrent && plan && !planning.problem;
  const reason = !ready
    ? 'Wait for the plan.'
    : plan.stack !== stack
      ? `The file is for the stack ${plan.stack}, not ${stack}.`
      : touched.length > 0
        ? 'The file differs from what is running; see the plan.'
        : null;
  const adopt = async () => {
    const { data, problem: failure } = await action.run({ ...input, idempotencyKey: toKey(input) });
    setProblem(failure);
    if (data) navigate(toPath({ screen: 'deployment', id: data.deployment.id }));
  };
  return (
    <>
      {ready && touched.length > 0 && (
        <Alert tone="warn" title="This file would change what is running">
          It affects {touched.map((item) => `${item.containerName} on ${item.agent}`).join(', ')}. Edit the file until
          the plan leaves them unchanged and then adopt them, or deploy the file to change them.
        </Alert>
      )}
      {problem && <ProblemAlert problem={problem} />}
      <div className="actions actions-end">
        <Button look="primary" busy={action.busy} reason={reason} onClick={adopt}>
          Adopt as they are
        </Button>
      </div>
    </>
  );
}
