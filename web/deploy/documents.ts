import { graphql, type ResultOf } from '../graphql.ts';

/** The file that the editor of an existing stack starts with. The values of its variables are stored sealed, and never sent back. */
export const CurrentFile = graphql(`
  query CurrentFile($stack: String!) {
    stack(name: $stack) {
      id
      file: revisions(first: 1) {
        number
        format
        source
        variableNames
      }
    }
  }
`);

export const RevisionFile = graphql(`
  query RevisionFile($stack: String!, $revision: Int!) {
    stack(name: $stack) {
      id
      file: revisionNumbered(number: $revision) {
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
    $options: OperationOptions
  ) {
    deployment: deployStack(
      source: $source
      name: $name
      variables: $variables
      profiles: $profiles
      options: $options
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

type Found = NonNullable<ResultOf<typeof RevisionFile>['stack']>;
export type StackFile = NonNullable<Found['file']>;
