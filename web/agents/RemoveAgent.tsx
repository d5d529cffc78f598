import { useState } from 'react';
import { useAction } from '../action.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { Checkbox } from '../ui/Field.tsx';
import { toast } from '../ui/Toasts.tsx';
import { type Agent, RemoveAgent } from './documents.ts';

/** Offers to force the removal only after the server has refused it and said why. */
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
      <p>Its credential will be revoked and its connection closed. To join again, the host needs a new join token.</p>
      {action.problem && <ProblemAlert problem={action.problem} />}
      {conflicted && (
        <Checkbox
          label="Remove it anyway"
          hint="Graphium will forget this host: its unfinished tasks are dropped, and its containers are left as they are."
          checked={force}
          onChange={setForce}
        />
      )}
    </Dialog>
  );
}
