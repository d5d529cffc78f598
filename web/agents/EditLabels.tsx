import { type FormEvent, useState } from 'react';
import { useAction } from '../action.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { toast } from '../ui/Toasts.tsx';
import { type Agent, SetAgentLabels } from './documents.ts';
import { LabelsField } from './LabelsField.tsx';
import { formatLabels, parseLabels } from './labels.ts';

export function EditLabels({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const [text, setText] = useState(() => formatLabels(agent.labels));
  const action = useAction(SetAgentLabels);
  const parsed = parseLabels(text);
  const mistake = 'mistake' in parsed ? parsed.mistake : null;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if ('mistake' in parsed || action.busy) return;
    const { data } = await action.run({ name: agent.name, labels: parsed.labels });
    if (!data) return;
    toast('good', `Labels of ${agent.name} were changed.`);
    onClose();
  };
  return (
    <Dialog title={`Labels of ${agent.name}`} onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <p className="muted">
          Placement constraints of stack files refer to them. Containers of global services come and go at once; all
          others stay where they are until the next deployment.
        </p>
        <LabelsField label="Labels" text={text} mistake={mistake} onChange={setText} />
        {action.problem && <ProblemAlert problem={action.problem} />}
        <div className="actions actions-end">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={action.busy} reason={mistake}>
            Save labels
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
