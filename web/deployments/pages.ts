import { useCallback, useEffect, useState } from 'react';
import { useClient } from 'urql';
import { type Problem, toProblem } from '../errors.ts';
import { type DeploymentLine, DeploymentsPage } from './documents.ts';

const PAGE_SIZE = 25;

type Pages = { deployments: DeploymentLine[]; next: string | null };

/** Reads deployments page by page; `more` is null when there are no more. */
export function useDeploymentPages(stack: string | null) {
  const client = useClient();
  const [pages, setPages] = useState<Pages | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const load = useCallback(
    async (before: Pages | null) => {
      setBusy(true);
      const variables = { stack, first: PAGE_SIZE, after: before?.next ?? null };
      const { data, error } = await client.query(DeploymentsPage, variables).toPromise();
      setBusy(false);
      setProblem(error ? toProblem(error) : null);
      if (!data) return;
      const { nodes, pageInfo } = data.deployments;
      setPages({
        deployments: [...(before?.deployments ?? []), ...nodes],
        next: pageInfo.hasNextPage ? pageInfo.endCursor : null,
      });
    },
    [client, stack],
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
