import { useCallback, useMemo, useState } from 'react';
import { useQuery } from 'urql';
import { type Problem, toProblem } from '../errors.ts';
import { type Revision, type Stack, StackRevisions } from './documents.ts';

const FEW = 5;
const MANY = 500;

export type Revisions = {
  /** Newest first; null until they have arrived. */
  list: Revision[] | null;
  /** Shows the older ones too; null if there are none. */
  more: (() => void) | null;
  problem: Problem | null;
  again: () => void;
};

/** Asks again when there is a new revision, another one becomes the good one, or a deployment ends. */
export function useRevisions({ name, revision, goodRevision, currentDeployment }: Stack): Revisions {
  const [all, setAll] = useState(false);
  const status = currentDeployment?.status;
  const context = useMemo(() => ({ revision, goodRevision, status }), [revision, goodRevision, status]);
  const variables = { name, first: all ? MANY : FEW + 1 };
  const [{ data, error }, execute] = useQuery({ query: StackRevisions, variables, context });
  const more = useCallback(() => setAll(true), []);
  const revisions = data?.stack?.revisions ?? null;
  return {
    list: all ? revisions : (revisions?.slice(0, FEW) ?? null),
    more: !all && revisions && revisions.length > FEW ? more : null,
    problem: error ? toProblem(error) : null,
    again: execute,
  };
}
