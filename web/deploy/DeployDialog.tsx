import { type ChangeEvent, type FormEvent, useRef, useState } from 'react';
import { useAction } from '../action.ts';
import { localProblem, type Problem, type SourceProblem } from '../errors.ts';
import { newKey } from '../key.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { navigate, toPath } from '../router.ts';
import { Button } from '../ui/Button.tsx';
import { Dialog } from '../ui/Dialog.tsx';
import { Field } from '../ui/Field.tsx';
import { useDenial } from '../viewer.ts';
import { DeployStack } from './documents.ts';
import { Problems } from './Problems.tsx';
import { SourceEditor, type SourceEditorHandle } from './SourceEditor.tsx';
import { readSource, type Source } from './source.ts';

type Props = { initial: Source; onClose: () => void };

/** Shows the text before anything happens; the server's problems are shown at their lines. */
export function DeployDialog({ initial, onClose }: Props) {
  const [source, setSource] = useState(initial);
  const [unreadable, setUnreadable] = useState<Problem | null>(null);
  const editor = useRef<SourceEditorHandle>(null);
  const submission = useSubmission(onClose, (at) => editor.current?.select(at.line ?? 1, at.column));
  const denial = useDenial('OPERATOR') ?? (source.text.trim() === '' ? 'Paste or choose a stack file first.' : null);
  const change = (next: Source) => {
    setSource(next);
    setUnreadable(null);
    submission.clear();
  };
  const choose = async (event: ChangeEvent<HTMLInputElement>) => {
    const files = [...(event.target.files ?? [])];
    event.target.value = '';
    const read = await readSource(files);
    if ('refusal' in read) setUnreadable(localProblem('FILE', read.refusal));
    else change(read.source);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (denial === null) void submission.send(source.text);
  };
  const badLines = submission.problem?.details.flatMap((at) => at.line ?? []) ?? [];
  return (
    <Dialog title="Deploy a stack" wide onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <div className="file-row">
          <label className="button button-plain file-button">
            Choose a file…
            <input type="file" accept=".json,.jsonld,application/json,application/ld+json" onChange={choose} />
          </label>
          <span className="muted">{source.name ?? 'or drop one anywhere on the page'}</span>
        </div>
        <Field label="Stack file (Graphium JSON-LD)">
          {({ id, hintId }) => (
            <SourceEditor
              ref={editor}
              id={id}
              describedBy={hintId}
              text={source.text}
              badLines={[...new Set(badLines)]}
              onChange={(text) => change({ ...source, text })}
            />
          )}
        </Field>
        {unreadable && <ProblemAlert problem={unreadable} />}
        {submission.problem && (
          <Problems problem={submission.problem} onSelect={(at) => editor.current?.select(at.line ?? 1, at.column)} />
        )}
        <div className="actions actions-end">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={submission.busy} reason={denial}>
            Deploy
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** One text has one idempotency key: pressing the button again after a lost answer deploys once. */
function useSubmission(onClose: () => void, onPlace: (at: SourceProblem) => void) {
  const action = useAction(DeployStack);
  const sent = useRef({ text: '', key: '' });
  const send = async (text: string) => {
    if (action.busy) return;
    if (sent.current.text !== text) sent.current = { text, key: newKey() };
    const { data, problem } = await action.run({ source: { jsonld: text }, idempotencyKey: sent.current.key });
    if (data) {
      onClose();
      return navigate(toPath({ screen: 'deployment', id: data.deployStack.id }));
    }
    const first = problem.details.find((at) => at.line !== null);
    if (first) onPlace(first);
  };
  return { busy: action.busy, problem: action.problem, clear: action.clear, send };
}
