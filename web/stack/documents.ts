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
        goodRevision
        autoRepair
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
          unknownSince
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

export const WatchDrift = graphql(`
  subscription WatchDrift($stack: String!) {
    drift(stack: $stack) {
      kind
      agent
      containerName
      service
      message
      since
    }
  }
`);

export const StackRevisions = graphql(`
  query StackRevisions($name: String!, $first: Int!) {
    stack(name: $name) {
      id
      revisions(first: $first) {
        number
        format
        note
        createdBy
        createdAt
        deployment {
          id
          status
        }
      }
    }
  }
`);

/** The file can be half a megabyte, so it is fetched only when somebody opens it. */
export const RevisionSource = graphql(`
  query RevisionSource($name: String!, $number: Int!) {
    stack(name: $name) {
      id
      revisionNumbered(number: $number) {
        number
        source
        variableNames
      }
    }
  }
`);

export const RevisionDifferences = graphql(`
  query RevisionDifferences($name: String!, $from: Int!, $to: Int!) {
    stack(name: $name) {
      id
      differences(from: $from, to: $to) {
        subject
        name
        change
        fields {
          field
          old
          new
        }
      }
    }
  }
`);

export type Stack = NonNullable<ResultOf<typeof WatchStack>['stack']>;
export type Container = Stack['containers'][number];
export type WantedContainer = Stack['wanted'][number];
export type Revision = NonNullable<ResultOf<typeof StackRevisions>['stack']>['revisions'][number];
