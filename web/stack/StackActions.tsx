import { useState } from 'react';
import type { Problem } from '../errors.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { navigate, toPath } from '../router.ts';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { Checkbox } from '../ui/Field.tsx';
import { Icon } from '../ui/Icon.tsx';
import { toast } from '../ui/Toasts.tsx';
import { useDenial } from '../viewer.ts';
import type { Stack } from './documents.ts';
import { OPERATIONS, type OperationKind, toOffered, useOperation } from './operations.ts';

export function StackActions({ stack }: { stack: Stack }) {
  const denial = useDenial('OPERATOR') ?? (stack.desired === 'DELETED' ? 'It is already being deleted.' : null);
  const [asking, setAsking] = useState<OperationKind | null>(null);
  const operation = useOperation(stack.name);
  const press = async (kind: OperationKind) => {
    if (OPERATIONS[kind].consequence) return setAsking(kind);
    const problem = await operation.send(kind, false);
    if (problem) toast('bad', `${problem.title}: ${problem.message}`);
  };
  return (
    <>
      <Button
        look="primary"
        reason={denial}
        onClick={() => navigate(toPath({ screen: 'deploy', stack: stack.name, revision: null }))}
      >
        <Icon name="upload" /> Change…
      </Button>
      {toOffered(stack.desired).map((kind) => (
        <Button
          key={kind}
          look={kind === 'DELETE' ? 'danger' : 'plain'}
          busy={operation.busy}
          reason={denial}
          onClick={() => press(kind)}
        >
          <Icon name={OPERATIONS[kind].icon} /> {OPERATIONS[kind].text}
        </Button>
      ))}
      {asking && <Confirm key={asking} stack={stack.name} kind={asking} onClose={() => setAsking(null)} />}
    </>
  );
}

function Confirm({ stack, kind, onClose }: { stack: string; kind: OperationKind; onClose: () => void }) {
  const [removeVolumes, setRemoveVolumes] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const operation = useOperation(stack);
  const { text, consequence } = OPERATIONS[kind];
  const confirm = async () => setProblem(await operation.send(kind, removeVolumes));
  return (
    <Dialog
      title={`${text} ${stack}?`}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose} data-first>
            Cancel
          </Button>
          <Button look={kind === 'DELETE' ? 'danger' : 'primary'} busy={operation.busy} onClick={confirm}>
            {text} {stack}
          </Button>
        </>
      }
    >
      <p>{consequence}</p>
      {kind === 'DELETE' && (
        <Checkbox
          label="Also remove volumes"
          hint="The data in them will be lost for good."
          checked={removeVolumes}
          onChange={setRemoveVolumes}
        />
      )}
      {problem && <ProblemAlert problem={problem} />}
    </Dialog>
  );
}
