import { useCallback, useEffect, useRef, useState } from 'react';
import { useClient } from 'urql';
import { type Problem, toProblem } from '../errors.ts';
import { type DeploymentFilter, type DeploymentLine, DeploymentsPage } from './documents.ts';

const PAGE_SIZE = 25;

type Pages = { deployments: DeploymentLine[]; next: string | null };

/** Reads deployments page by page; `more` is null when there are no more. */
export function useDeploymentPages({ stack = null, status = null }: DeploymentFilter) {
  const client = useClient();
  const [pages, setPages] = useState<Pages | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const rounds = useRef(0);
  const load = useCallback(
    async (before: Pages | null) => {
      const round = ++rounds.current;
      setBusy(true);
      const variables = { stack, status, first: PAGE_SIZE, after: before?.next ?? null };
      const { data, error } = await client.query(DeploymentsPage, variables).toPromise();
      // Somebody who types a filter does not see the answer to an earlier one.
      if (round !== rounds.current) return;
      setBusy(false);
      setProblem(error ? toProblem(error) : null);
      if (!data) return;
      const { nodes, pageInfo } = data.deployments;
      setPages({
        deployments: [...(before?.deployments ?? []), ...nodes],
        next: pageInfo.hasNextPage ? pageInfo.endCursor : null,
      });
    },
    [client, stack, status],
  );
  useEffect(() => void load(null), [load]);
  return {
    deployments: pages?.deployments ?? null,
    problem,
    busy,
    refresh: () => void load(null),
    more: pages?.next ? () => void load(pages) : null,
  };
}
