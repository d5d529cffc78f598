import { DeploymentLine } from '../deployments/documents.ts';
import { graphql, type ResultOf } from '../graphql.ts';

export const WatchStack = graphql(
  `
    subscription WatchStack($name: String!) {
      stack(name: $name) {
        id
        name
        state
        desired
        revision
        wanted {
          name
          service
          agent
          image
          ports {
            hostPort
            containerPort
            protocol
          }
        }
        containers {
          id
          name
          agent
          service
          revision
          image
          state
          health
          exitCode
          ports {
            hostIp
            hostPort
            containerPort
            protocol
          }
          startedAt
          observedAt
        }
        waitingOn {
          reason
          message
          agent
        }
        currentDeployment {
          id
          kind
          status
          taskCounts {
            total
            completed
            failed
            cancelled
          }
        }
        deployments(first: 10) {
          nodes {
            ...DeploymentLine
          }
          pageInfo {
            hasNextPage
          }
        }
        createdAt
        updatedAt
      }
    }
  `,
  [DeploymentLine],
);

/** The file can be a megabyte, so it is asked for only when it is to be seen. */
export const StackSource = graphql(`
  query StackSource($name: String!) {
    stack(name: $name) {
      id
      source
    }
  }
`);

export const StopStack = graphql(`
  mutation StopStack($name: String!, $idempotencyKey: String) {
    deployment: stopStack(name: $name, idempotencyKey: $idempotencyKey) {
      id
    }
  }
`);

export const StartStack = graphql(`
  mutation StartStack($name: String!, $idempotencyKey: String) {
    deployment: startStack(name: $name, idempotencyKey: $idempotencyKey) {
      id
    }
  }
`);

export const RestartStack = graphql(`
  mutation RestartStack($name: String!, $idempotencyKey: String) {
    deployment: restartStack(name: $name, idempotencyKey: $idempotencyKey) {
      id
    }
  }
`);

export const DeleteStack = graphql(`
  mutation DeleteStack($name: String!, $removeVolumes: Boolean!, $idempotencyKey: String) {
    deployment: deleteStack(name: $name, removeVolumes: $removeVolumes, idempotencyKey: $idempotencyKey) {
      id
    }
  }
`);

export type Stack = NonNullable<ResultOf<typeof WatchStack>['stack']>;
export type Container = Stack['containers'][number];
export type WantedContainer = Stack['wanted'][number];
