import { useCallback, useState } from 'react';
import { type AnyVariables, type DocumentInput, type OperationResult, useClient } from 'urql';
import { type BackOff, backOffMs, wait } from './backoff.ts';
import { isPassing, localProblem, type Problem, toProblem } from './errors.ts';

export type Action<Data, Variables> = {
  busy: boolean;
  problem: Problem | null;
  clear: () => void;
  run: (variables: Variables) => Promise<Outcome<Data>>;
};
export type Outcome<Data> = { data: Data; problem: null } | { data: null; problem: Problem };

const TRIES = 4;
/** Half of each limit on average: together about as long as a server takes to restart. */
const RETRY: BackOff = { firstMs: 1_400, mostMs: 4_200 };

/**
 * Runs a mutation. If no answer comes (the server may be restarting), it is sent again, but only if its variables carry
 * an idempotency key: then the server does not carry it out twice.
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
      const mayRepeat = typeof variables?.idempotencyKey === 'string';
      for (let attempt = 1; ; attempt++) {
        const result = await client.mutation(document, variables).toPromise();
        const failure = findProblem(result);
        if (failure && isPassing(failure) && mayRepeat && attempt < TRIES) {
          await wait(backOffMs(attempt - 1, RETRY));
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

function findProblem({ data, error }: OperationResult): Problem | null {
  if (error) return toProblem(error);
  return data ? null : localProblem('NO_DATA', 'The server sent an empty answer.');
}
