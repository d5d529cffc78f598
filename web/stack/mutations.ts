import { graphql } from '../graphql.ts';

/** The mutations on a stack. Those that are planned first do the plan that was agreed to, or nothing. */

export const StopStack = graphql(`
  mutation StopStack($name: String!, $options: OperationOptions) {
    deployment: stopStack(name: $name, options: $options) {
      id
    }
  }
`);

export const StartStack = graphql(`
  mutation StartStack($name: String!, $options: OperationOptions) {
    deployment: startStack(name: $name, options: $options) {
      id
    }
  }
`);

export const DeleteStack = graphql(`
  mutation DeleteStack($name: String!, $removeVolumes: Boolean!, $options: OperationOptions) {
    deployment: deleteStack(name: $name, removeVolumes: $removeVolumes, options: $options) {
      id
    }
  }
`);

export const RestartStack = graphql(`
  mutation RestartStack($name: String!, $services: [String!], $options: OperationOptions) {
    deployment: restartStack(name: $name, services: $services, options: $options) {
      id
    }
  }
`);

export const ScaleStack = graphql(`
  mutation ScaleStack($name: String!, $service: String!, $replicas: Int!, $options: OperationOptions) {
    deployment: scaleStack(name: $name, service: $service, replicas: $replicas, options: $options) {
      id
    }
  }
`);

export const RollBackStack = graphql(`
  mutation RollBackStack($name: String!, $toRevision: Int, $options: OperationOptions) {
    deployment: rollbackStack(name: $name, toRevision: $toRevision, options: $options) {
      id
    }
  }
`);

export const RepairStack = graphql(`
  mutation RepairStack($name: String!, $options: OperationOptions) {
    deployment: repairStack(name: $name, options: $options) {
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
