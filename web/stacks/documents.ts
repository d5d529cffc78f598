import { graphql, type ResultOf } from '../graphql.ts';

export const WatchStacks = graphql(`
  subscription WatchStacks {
    stacks {
      id
      name
      state
      revision
      wanted {
        name
        agent
      }
      containers {
        id
        name
        agent
        state
        health
      }
      waitingOn {
        reason
        message
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
      updatedAt
    }
  }
`);

export const AgentNames = graphql(`
  query AgentNames {
    agents {
      name
    }
  }
`);

export const Orphans = graphql(`
  query Orphans {
    orphans {
      stack
      agent
      reason
      isBeingRemoved
      container {
        id
        name
        image
        state
      }
    }
  }
`);

export const RemoveOrphans = graphql(`
  mutation RemoveOrphans($stack: String!) {
    removeOrphans(stack: $stack) {
      id
    }
  }
`);

export type Orphan = ResultOf<typeof Orphans>['orphans'][number];
export type StackSummary = ResultOf<typeof WatchStacks>['stacks'][number];
export type CurrentDeployment = NonNullable<StackSummary['currentDeployment']>;
