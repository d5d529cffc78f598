import { useState } from 'react';
import { useAction } from '../action.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { Checkbox } from '../ui/Field.tsx';
import { toast } from '../ui/Toasts.tsx';
import { type Agent, RemoveAgent } from './documents.ts';

/** Force is offered only after the server said what stands against it. */
export function RemoveAgentDialog({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const action = useAction(RemoveAgent);
  const [conflicted, setConflicted] = useState(false);
  const [force, setForce] = useState(false);
  const confirm = async () => {
    const { data, problem } = await action.run({ name: agent.name, force });
    if (problem?.code === 'CONFLICT') setConflicted(true);
    if (!data) return;
    toast('good', `Agent ${agent.name} was removed.`);
    onClose();
  };
  return (
    <Dialog
      title={`Remove agent ${agent.name}?`}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose} data-first>
            Cancel
          </Button>
          <Button
            look="danger"
            busy={action.busy}
            reason={conflicted && !force ? 'Tick the box first.' : null}
            onClick={confirm}
          >
            {force ? 'Remove anyway' : 'Remove agent'}
          </Button>
        </>
      }
    >
      <p>Its credential is revoked and its connection closed. To come back, the host needs a new join token.</p>
      {action.problem && <ProblemAlert problem={action.problem} />}
      {conflicted && (
        <Checkbox
          label="Remove it anyway"
          hint="Graphium forgets this host: its unfinished tasks are dropped, and containers on it are left alone from now on."
          checked={force}
          onChange={setForce}
        />
      )}
    </Dialog>
  );
}
