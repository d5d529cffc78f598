import type { ReactNode } from 'react';
import { LEFT_IN_PLACE } from '../words.ts';
import type { Failure } from './documents.ts';

/** Shows what is known about a failure and, with `logs`, what the container printed. */
export function FailureDetails({ failure, logs }: { failure: Failure; logs: boolean }) {
  return (
    <div className="failure">
      <p className="lines">
        <code className="code-chip">{failure.code}</code> {failure.message}
      </p>
      {failure.left && <p className="facts">After this failure, {LEFT_IN_PLACE[failure.left]}.</p>}
      {(failure.exitCode !== null || failure.oomKilled) && (
        <p className="facts">
          {failure.exitCode !== null && (
            <span>
              Exit code <strong>{failure.exitCode}</strong>
            </span>
          )}
          {failure.oomKilled && <strong>Killed: out of memory</strong>}
        </p>
      )}
      {logs && failure.healthLog.length > 0 && <Log title="Health checks" lines={failure.healthLog} />}
      {logs && failure.logs.length > 0 && <Log title={`Last ${failure.logs.length} log lines`} lines={failure.logs} />}
    </div>
  );
}

function Log({ title, lines }: { title: ReactNode; lines: string[] }) {
  return (
    <figure className="log">
      <figcaption>{title}</figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>{lines.join('\n')}</pre>
    </figure>
  );
}
