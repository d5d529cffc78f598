import { graphql } from '../graphql.ts';

/** The mutations on a stack. Those that are planned first do the plan that was agreed to, or nothing. */

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

export const DeleteStack = graphql(`
  mutation DeleteStack($name: String!, $removeVolumes: Boolean!, $idempotencyKey: String) {
    deployment: deleteStack(name: $name, removeVolumes: $removeVolumes, idempotencyKey: $idempotencyKey) {
      id
    }
  }
`);

export const RestartStack = graphql(`
  mutation RestartStack(
    $name: String!
    $services: [String!]
    $planHash: String
    $idempotencyKey: String
    $priority: Int = 0
    $maxRetries: Int = 2
    $timeoutSeconds: Int
    $taskTimeoutSeconds: Int
  ) {
    deployment: restartStack(
      name: $name
      services: $services
      planHash: $planHash
      idempotencyKey: $idempotencyKey
      priority: $priority
      maxRetries: $maxRetries
      timeoutSeconds: $timeoutSeconds
      taskTimeoutSeconds: $taskTimeoutSeconds
    ) {
      id
    }
  }
`);

export const ScaleStack = graphql(`
  mutation ScaleStack(
    $name: String!
    $service: String!
    $replicas: Int!
    $planHash: String
    $idempotencyKey: String
    $onFailure: OnFailure
    $priority: Int!
    $maxRetries: Int!
    $timeoutSeconds: Int
    $taskTimeoutSeconds: Int
  ) {
    deployment: scaleStack(
      name: $name
      service: $service
      replicas: $replicas
      planHash: $planHash
      idempotencyKey: $idempotencyKey
      onFailure: $onFailure
      priority: $priority
      maxRetries: $maxRetries
      timeoutSeconds: $timeoutSeconds
      taskTimeoutSeconds: $taskTimeoutSeconds
    ) {
      id
    }
  }
`);

export const RollBackStack = graphql(`
  mutation RollBackStack(
    $name: String!
    $toRevision: Int
    $planHash: String
    $idempotencyKey: String
    $onFailure: OnFailure
    $priority: Int!
    $maxRetries: Int!
    $timeoutSeconds: Int
    $taskTimeoutSeconds: Int
  ) {
    deployment: rollbackStack(
      name: $name
      toRevision: $toRevision
      planHash: $planHash
      idempotencyKey: $idempotencyKey
      onFailure: $onFailure
      priority: $priority
      maxRetries: $maxRetries
      timeoutSeconds: $timeoutSeconds
      taskTimeoutSeconds: $taskTimeoutSeconds
    ) {
      id
    }
  }
`);

export const RepairStack = graphql(`
  mutation RepairStack(
    $name: String!
    $planHash: String
    $idempotencyKey: String
    $priority: Int!
    $maxRetries: Int!
    $timeoutSeconds: Int
    $taskTimeoutSeconds: Int
  ) {
    deployment: repairStack(
      name: $name
      planHash: $planHash
      idempotencyKey: $idempotencyKey
      priority: $priority
      maxRetries: $maxRetries
      timeoutSeconds: $timeoutSeconds
      taskTimeoutSeconds: $taskTimeoutSeconds
    ) {
      id
    }
  }
`);

export const SetAutoRepair = graphql(`
  mutation SetAutoRepair($name: String!, $enabled: Boolean!) {
    setAutoRepair(name: $name, enabled: $enabled) {
      id
      autoRepair
    }
  }
`);
