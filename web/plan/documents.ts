import { graphql, type ResultOf, type VariablesOf } from '../graphql.ts';

export const PlanStack = graphql(`
  query PlanStack($operation: OperationInput!) {
    planStack(operation: $operation) {
      stack
      kind
      revision
      isNewRevision
      changes
      taskCount
      items {
        agent
        containerName
        service
        action
        reason
        differences {
          field
          old
          new
        }
      }
      images {
        agent
        image
      }
      downtimeExpected
      downtime {
        service
        expected
        reason
      }
      warnings {
        code
        message
        path
        line
        column
      }
      planHash
    }
  }
`);

export type Plan = ResultOf<typeof PlanStack>['planStack'];
export type PlanItem = Plan['items'][number];
export type FieldDifference = PlanItem['differences'][number];
export type OperationInput = VariablesOf<typeof PlanStack>['operation'];
