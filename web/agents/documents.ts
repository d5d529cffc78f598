import { graphql, type ResultOf } from '../graphql.ts';

export const WatchAgents = graphql(`
  subscription WatchAgents {
    agents {
      id
      name
      labels {
        key
        value
      }
      state
      transport
      connectedAt
      offlineSince
      quarantineReason
      version
      engine {
        version
        apiVersion
        os
        arch
        cpus
        memoryBytes
      }
      containers {
        id
        state
      }
      unfinishedTasks
      createdAt
    }
  }
`);

export const CreateJoinToken = graphql(`
  mutation CreateJoinToken($name: String, $labels: [LabelInput!]) {
    createJoinToken(name: $name, labels: $labels) {
      command
      token {
        id
        expiresAt
      }
    }
  }
`);

export const RemoveAgent = graphql(`
  mutation RemoveAgent($name: String!, $force: Boolean!) {
    removeAgent(name: $name, force: $force) {
      id
    }
  }
`);

export type Agent = ResultOf<typeof WatchAgents>['agents'][number];
export type JoinToken = ResultOf<typeof CreateJoinToken>['createJoinToken'];
