import { graphql, type ResultOf } from '../graphql.ts';

/** What the editor of an existing stack begins with. The values of its variables are nowhere kept. */
export const StackFile = graphql(`
  query StackFile($name: String!, $revision: Int!, $current: Boolean!) {
    stack(name: $name) {
      id
      revision
      format @include(if: $current)
      source @include(if: $current)
      revisions(first: 1) @include(if: $current) {
        variableNames
      }
      revisionNumbered(number: $revision) @skip(if: $current) {
        number
        format
        source
        variableNames
      }
    }
  }
`);

export const DeployStack = graphql(`
  mutation DeployStack(
    $source: StackSource!
    $name: String
    $variables: JSON
    $profiles: [String!]
    $planHash: String
    $onFailure: OnFailure
    $priority: Int!
    $maxRetries: Int!
    $timeoutSeconds: Int
    $taskTimeoutSeconds: Int
    $idempotencyKey: String
  ) {
    deployment: deployStack(
      source: $source
      name: $name
      variables: $variables
      profiles: $profiles
      planHash: $planHash
      onFailure: $onFailure
      priority: $priority
      maxRetries: $maxRetries
      timeoutSeconds: $timeoutSeconds
      taskTimeoutSeconds: $taskTimeoutSeconds
      idempotencyKey: $idempotencyKey
    ) {
      id
    }
  }
`);

export const AdoptOrphans = graphql(`
  mutation AdoptOrphans(
    $source: StackSource!
    $name: String
    $variables: JSON
    $profiles: [String!]
    $idempotencyKey: String
  ) {
    deployment: adoptOrphans(
      source: $source
      name: $name
      variables: $variables
      profiles: $profiles
      idempotencyKey: $idempotencyKey
    ) {
      id
    }
  }
`);

export type StackFile = NonNullable<ResultOf<typeof StackFile>['stack']>;
