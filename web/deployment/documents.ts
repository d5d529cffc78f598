import { graphql, type ResultOf } from '../graphql.ts';

const ErrorFields = graphql(`
  fragment ErrorFields on TaskError {
    code
    message
    taskId
    agent
    containerName
    exitCode
    oomKilled
    healthLog
    logs
    left
  }
`);

const TaskFields = graphql(
  `
    fragment TaskFields on AgentTask {
      id
      kind
      status
      agent
      containerName
      image
      attempt
      failures
      maxFailures
      rollback
      phase
      progress {
        message
        currentBytes
        totalBytes
        layers {
          id
          status
          currentBytes
          totalBytes
        }
      }
      waitingOn {
        reason
        message
        since
        until
      }
      error {
        ...ErrorFields
      }
      result {
        action
        message
        left
      }
      cancelRequestedAt
      createdAt
      startedAt
      finishedAt
    }
  `,
  [ErrorFields],
);

export const WatchDeployment = graphql(
  `
    subscription WatchDeployment($id: ID!) {
      deployment(id: $id) {
        id
        stack
        kind
        revision
        status
        tasks {
          ...TaskFields
        }
        cause {
          ...ErrorFields
        }
        onFailure
        rollbackRevision
        priority
        deadline
        warnings {
          code
          message
        }
        createdBy
        retryOf
        supersededBy
        cancelRequestedAt
        createdAt
        finishedAt
      }
    }
  `,
  [TaskFields, ErrorFields],
);

export const TaskHistory = graphql(`
  query TaskHistory($id: ID!) {
    task(id: $id) {
      id
      events {
        at
        status
        phase
        attempt
        message
      }
    }
  }
`);

export const CancelDeployment = graphql(`
  mutation CancelDeployment($id: ID!) {
    cancelDeployment(id: $id) {
      id
    }
  }
`);

export const RetryDeployment = graphql(`
  mutation RetryDeployment($id: ID!, $idempotencyKey: String) {
    retryDeployment(id: $id, idempotencyKey: $idempotencyKey) {
      id
    }
  }
`);

export type Deployment = ResultOf<typeof WatchDeployment>['deployment'];
export type Task = Deployment['tasks'][number];
export type Failure = NonNullable<Task['error']>;
