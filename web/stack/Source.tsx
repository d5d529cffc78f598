import { useQuery } from 'urql';
import { toProblem } from '../errors.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { navigate, toPath } from '../router.ts';
import { Button } from '../ui/Button.tsx';
import { CopyButton } from '../ui/CopyButton.tsx';
import { Loading } from '../ui/Empty.tsx';
import { useDenial } from '../viewer.ts';
import { RevisionSource } from './documents.ts';

/** Shows the file of a revision as it was sent. It can be large, so it is fetched only when somebody opens it. */
export function Source({ name, number }: { name: string; number: number }) {
  const denial = useDenial('OPERATOR');
  const [{ data, error }, execute] = useQuery({ query: RevisionSource, variables: { name, number } });
  if (error) return <ProblemAlert problem={toProblem(error)} again={execute} />;
  if (!data) return <Loading what="the file" />;
  const revision = data.stack?.revisionNumbered;
  const text = revision?.source ?? '';
  return (
    <div className="source">
      <div className="actions">
        <CopyButton text={text} />
        <Button reason={denial} onClick={() => navigate(toPath({ screen: 'deploy', stack: name, revision: number }))}>
          Change and deploy…
        </Button>
      </div>
      {revision && revision.variableNames.length > 0 && (
        <p className="muted small">
          Variables: <span className="mono">{revision.variableNames.join(', ')}</span>
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <pre className="source-text" tabIndex={0}>
        {text}
      </pre>
    </div>
  );
}
