import { graphql } from '../graphql.ts';

export const DeployStack = graphql(`
  mutation DeployStack($source: StackSource!, $idempotencyKey: String) {
    deployStack(source: $source, idempotencyKey: $idempotencyKey) {
      id
      stack
    }
  }
`);
