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
      engineDownSince
      engineProblem
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
        stack
      }
      unfinishedTasks
      createdAt
    }
  }
`);

export const CreateJoinToken = graphql(`
  mutation CreateJoinToken($name: String, $labels: [LabelInput!], $server: String) {
    createJoinToken(name: $name, labels: $labels, server: $server) {
      command
      warning
      token {
        id
        expiresAt
      }
    }
  }
`);

export const SetAgentLabels = graphql(`
  mutation SetAgentLabels($name: String!, $labels: [LabelInput!]!) {
    setAgentLabels(name: $name, labels: $labels) {
      id
      labels {
        key
        value
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
