import { builder } from '../schema/builder.ts';
import { planOperation } from './operate.ts';
import type { Operation } from './operation.ts';
import { nameArg, StackSource, toDelete, toFile, toRestart, toRollback } from './operations.graphql.ts';
import { PlanType } from './plan.graphql.ts';

/** What the mutations on stacks would do. */

const DeployPlan = builder.inputType('DeployPlan', {
  description: 'As the arguments of `deployStack`.',
  fields: (t) => ({
    source: t.field({ type: StackSource, required: true, description: 'The stack file.' }),
    name: t.string({ description: 'For a Compose file without `name:`.' }),
    variables: t.field({ type: 'JSON', description: 'For a Compose file: an object of texts by name.' }),
    profiles: t.stringList({ description: 'For a Compose file: the profiles whose services are wanted too.' }),
  }),
});

const ScalePlan = builder.inputType('ScalePlan', {
  description: 'As the arguments of `scaleStack`.',
  fields: (t) => ({
    name: t.string(nameArg),
    service: t.string({ required: true, description: 'The service.' }),
    replicas: t.int({ required: true, description: 'How many containers it is to have.' }),
  }),
});

const RollbackPlan = builder.inputType('RollbackPlan', {
  description: 'As the arguments of `rollbackStack`.',
  fields: (t) => ({
    name: t.string(nameArg),
    toRevision: t.int({ description: 'Its number; nothing means the last good one before the current.' }),
  }),
});

const RestartPlan = builder.inputType('RestartPlan', {
  description: 'As the arguments of `restartStack`.',
  fields: (t) => ({ name: t.string(nameArg), services: t.stringList({ description: 'Only these.' }) }),
});

const DeletePlan = builder.inputType('DeletePlan', {
  description: 'As the arguments of `deleteStack`.',
  fields: (t) => ({
    name: t.string(nameArg),
    removeVolumes: t.boolean({ required: true, defaultValue: false, description: 'Also its named volumes.' }),
  }),
});

const PlanInput = builder.inputType('PlanInput', {
  description: 'The operation to plan: exactly one.',
  isOneOf: true,
  fields: (t) => ({
    deploy: t.field({ type: DeployPlan, description: 'Deploy a file.' }),
    rollback: t.field({ type: RollbackPlan, description: 'Go back to a revision.' }),
    scale: t.field({ type: ScalePlan, description: 'Scale a service.' }),
    restart: t.field({ type: RestartPlan, description: 'Restart.' }),
    delete: t.field({ type: DeletePlan, description: 'Delete.' }),
    stop: t.string({ description: 'Stop the stack of this name.' }),
    start: t.string({ description: 'Start the stack of this name.' }),
    repair: t.string({ description: 'Repair the stack of this name.' }),
  }),
});

function toOperation(input: typeof PlanInput.$inferInput): Operation {
  if (input.deploy) return { kind: 'DEPLOY', file: toFile(input.deploy) };
  if (input.rollback) return toRollback(input.rollback);
  if (input.restart) return toRestart(input.restart);
  if (input.delete) return toDelete(input.delete);
  if (input.scale) {
    const { name: stack, service, replicas } = input.scale;
    return { kind: 'SCALE', stack, service, replicas };
  }
  if (input.stop != null) return { kind: 'STOP', stack: input.stop };
  if (input.start != null) return { kind: 'START', stack: input.start };
  return { kind: 'REPAIR', stack: input.repair ?? '' };
}

builder.queryFields((t) => ({
  planStack: t.field({
    type: PlanType,
    authScopes: { operator: true },
    description: 'What an operation would do, on each host and to each container. Changes nothing.',
    args: { input: t.arg({ type: PlanInput, required: true, description: 'The operation.' }) },
    resolve: (_root, { input }, { db, vault }) => planOperation({ db, vault }, toOperation(input)),
  }),
}));
