import { graphql, type ResultOf } from '../graphql.ts';

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
    query DeploymentsPage($stack: String, $first: Int!, $after: String) {
      deployments(stack: $stack, first: $first, after: $after) {
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
