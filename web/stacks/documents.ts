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

export type StackSummary = ResultOf<typeof WatchStacks>['stacks'][number];
export type CurrentDeployment = NonNullable<StackSummary['currentDeployment']>;
