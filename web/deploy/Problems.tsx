import type { Problem, SourceProblem } from '../errors.ts';
import { ProblemAlert } from '../layout/Problem.tsx';
import { plural } from '../ui/format.ts';

type Props = { problem: Problem; onSelect: (at: SourceProblem) => void };

/** Lists every reason why a file was not accepted. A click on a place selects it in the editor. */
export function Problems({ problem, onSelect }: Props) {
  if (problem.details.length === 0) return <ProblemAlert problem={problem} />;
  return (
    <div className="alert alert-bad" role="alert">
      <p className="alert-title">
        {plural(problem.details.length, 'problem')} in this file; nothing was changed{' '}
        <code className="code-chip">{problem.code}</code>
      </p>
      <ol className="problems">
        {problem.details.map((at) => (
          <li key={`${at.line}:${at.column}:${at.path}:${at.code}:${at.message}`}>
            {at.line === null ? (
              <span className="problem-place">whole file</span>
            ) : (
              <button
                type="button"
                className="problem-place"
                onClick={() => onSelect(at)}
                aria-label={`${at.line}:${at.column ?? 1}, go to ${placeInWords(at)}`}
              >
                {at.line}:{at.column ?? 1}
              </button>
            )}
            <span>
              {at.message} <code className="code-chip">{at.code}</code>
              {at.path && <code className="problem-path">{at.path}</code>}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function placeInWords(at: SourceProblem): string {
  return at.column === null ? `line ${at.line}` : `line ${at.line}, column ${at.column}`;
}
