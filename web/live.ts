import { useCallback, useEffect } from 'react';
import { type AnyVariables, type TypedDocumentNode, useSubscription } from 'urql';
import { isPassing, type Problem, toProblem } from './errors.ts';
import { share } from './share.ts';

export type Live<Data> = { data: Data | undefined; problem: Problem | null; again: () => void };

const AGAIN_MS = 5_000;

/** Subscribes to the full state. After a failure that may pass it tries again by itself; `again` does so at once. */
export function useLive<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Live<Data> {
  const [result, execute] = useSubscription<Data, Data, Variables>(
    { query: document, variables } as Parameters<typeof useSubscription<Data, Data, Variables>>[0],
    (previous, next) => share(previous, next),
  );
  const again = useCallback(() => execute(), [execute]);
  const problem = result.error ? toProblem(result.error) : null;
  const code = problem && (isPassing(problem) || problem.code === 'INTERNAL') ? problem.code : null;
  useEffect(() => {
    if (code === null) return;
    const timer = setTimeout(again, AGAIN_MS);
    return () => clearTimeout(timer);
  }, [code, again]);
  return { data: result.data, problem, again };
}
