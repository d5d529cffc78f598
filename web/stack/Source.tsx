import { useMemo, useState } from 'react';
import { useQuery } from 'urql';
import { useDeploy } from '../deploy/DeployProvider.tsx';
import { toProblem } from '../errors.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { Button } from '../ui/Button.tsx';
import { CopyButton } from '../ui/CopyButton.tsx';
import { Loading } from '../ui/Empty.tsx';
import { useDenial } from '../viewer.ts';
import { StackSource } from './documents.ts';

/** The file that the current revision was made from, as it was sent. */
export function Source({ name, revision }: { name: string; revision: number }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="panel source" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <h2>Stack file</h2> <span className="muted small">revision {revision}</span>
      </summary>
      {open && <Text name={name} revision={revision} />}
    </details>
  );
}

function Text({ name, revision }: { name: string; revision: number }) {
  const deploy = useDeploy();
  const denial = useDenial('OPERATOR');
  const context = useMemo(() => ({ revision }), [revision]);
  const [{ data, error }, execute] = useQuery({ query: StackSource, variables: { name }, context });
  if (error) return <ProblemAlert problem={toProblem(error)} again={execute} />;
  if (!data) return <Loading what="the file" />;
  const text = data.stack?.source ?? '';
  return (
    <>
      <div className="actions pad">
        <CopyButton text={text} />
        <Button reason={denial} onClick={() => deploy({ name: null, text })}>
          Change and deploy…
        </Button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <pre className="source-text" tabIndex={0}>
        {text}
      </pre>
    </>
  );
}
