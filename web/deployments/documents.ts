import { graphql, type ResultOf, type VariablesOf } from '../graphql.ts';

export const DeploymentLine = graphql(`
  fragment DeploymentLine on Deployment {
    id
    stack
    kind
    revision
    status
    taskCounts {
      total
      completed
      failed
    }
    cause {
      code
      message
      agent
      containerName
    }
    createdBy
    createdAt
    finishedAt
  }
`);

export const DeploymentsPage = graphql(
  `
    query DeploymentsPage($stack: String, $status: DeploymentStatus, $first: Int!, $after: String) {
      deployments(stack: $stack, status: $status, first: $first, after: $after) {
        nodes {
          ...DeploymentLine
        }
        pageInfo {
          endCursor
          hasNextPage
        }
      }
    }
  `,
  [DeploymentLine],
);

export type DeploymentLine = ResultOf<typeof DeploymentLine>;

/** Which deployments are listed; null: all. */
export type DeploymentFilter = Pick<VariablesOf<typeof DeploymentsPage>, 'stack' | 'status'>;
