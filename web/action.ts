import { useCallback, useState } from 'react';
import { type AnyVariables, type DocumentInput, type OperationResult, useClient } from 'urql';
import { isPassing, localProblem, type Problem, toProblem } from './errors.ts';

export type Action<Data, Variables> = {
  busy: boolean;
  problem: Problem | null;
  clear: () => void;
  run: (variables: Variables) => Promise<Outcome<Data>>;
};
export type Outcome<Data> = { data: Data; problem: null } | { data: null; problem: Problem };

const TRIES = 4;
const PAUSE_MS = 700;

/**
 * A mutation. Only one whose variables carry an idempotency key is sent again when no answer came (a server
 * that restarts, say): the same key cannot do the thing twice.
 */
export function useAction<Data, Variables extends AnyVariables>(
  document: DocumentInput<Data, Variables>,
): Action<Data, Variables> {
  const client = useClient();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const clear = useCallback(() => setProblem(null), []);
  const run = useCallback(
    async (variables: Variables) => {
      setBusy(true);
      setProblem(null);
      const mayRepeat = hasKey(variables) || hasKey(variables?.options);
      for (let attempt = 1; ; attempt++) {
        const result = await client.mutation(document, variables).toPromise();
        const failure = findProblem(result);
        if (failure && isPassing(failure) && mayRepeat && attempt < TRIES) {
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
          continue;
        }
        setBusy(false);
        setProblem(failure);
        return failure ? { data: null, problem: failure } : { data: result.data as Data, problem: null };
      }
    },
    [client, document],
  );
  return { busy, problem, clear, run };
}

const hasKey = (value: unknown) =>
  typeof value === 'object' && value !== null && 'idempotencyKey' in value && typeof value.idempotencyKey === 'string';

function findProblem({ data, error }: OperationResult): Problem | null {
  if (error) return toProblem(error);
  return data ? null : localProblem('NO_DATA', 'The server answered with nothing.');
}
