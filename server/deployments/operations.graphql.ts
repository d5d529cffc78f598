import { builder, checkId } from '../schema/builder.ts';
import type { Context } from '../schema/context.ts';
import { cancelDeployment } from './cancel.ts';
import { Deployment } from './graphql.ts';
import {
  deleteFields,
  fileArgs,
  nameField,
  restartFields,
  rollbackFields,
  scaleFields,
  toFile,
  toOperation,
} from './inputs.graphql.ts';
import { type OperateOptions, operate, retryDeployment } from './operate.ts';
import type { Operation } from './operation.ts';
import { checkKey, type OptionsInput, optionsField, toOptions } from './options.graphql.ts';

/** The mutations on stacks and on their deployments. */

const operator = { operator: true } as const;

const run = (
  { db, actor }: Context,
  operation: Operation,
  options: OptionsInput,
  more: Pick<OperateOptions, 'autoRepair'> = {},
) => operate(db, actor, operation, { ...toOptions(operation.kind, options), ...more });

builder.mutationFields((t) => ({
  deployStack: t.field({
    type: Deployment,
    authScopes: operator,
    description:
      'Deploys a stack file: creates the stack, or gives the existing stack of that name a new revision. Returns as soon as the tasks are planned; the agents carry them out.',
    args: {
      ...fileArgs(t.arg),
      autoRepair: t.arg.boolean({
        description:
          "Whether the stack's drift is repaired automatically; see `setAutoRepair`. If omitted, the current setting is kept; a new stack starts with false.",
      }),
      options: t.arg(optionsField),
    },
    resolve: (_root, { options, autoRepair = null, ...file }, context) =>
      run(context, { kind: 'DEPLOY', file: toFile(file) }, options, { autoRepair }),
  }),
  rollbackStack: t.field({
    type: Deployment,
    authScopes: operator,
    description:
      'Rolls a stack back to an earlier revision, which is copied as a new revision. NOT_FOUND if there is no such revision.',
    args: {
      name: t.arg.string(nameField),
      toRevision: t.arg.int(rollbackFields.toRevision),
      options: t.arg(optionsField),
    },
    resolve: (_root, { options, ...rollback }, context) => run(context, toOperation({ rollback }), options),
  }),
  scaleStack: t.field({
    type: Deployment,
    authScopes: operator,
    description:
      'Changes the number of containers of a service, as a new revision. The number holds until a stack file is deployed again. BAD_INPUT for a global service and for more than one container with a fixed name. CONFLICT if the current revision did not come up and something of an earlier one is there.',
    args: {
      name: t.arg.string(nameField),
      service: t.arg.string(scaleFields.service),
      replicas: t.arg.int(scaleFields.replicas),
      options: t.arg(optionsField),
    },
    resolve: (_root, { options, ...scale }, context) => run(context, toOperation({ scale }), options),
  }),
  stopStack: t.field({
    type: Deployment,
    authScopes: operator,
    description: 'Stops all containers of a stack. Nothing is removed.',
    args: { name: t.arg.string(nameField), options: t.arg(optionsField) },
    resolve: (_root, { name, options }, context) => run(context, { kind: 'STOP', stack: name }, options),
  }),
  startStack: t.field({
    type: Deployment,
    authScopes: operator,
    description:
      'Starts all containers of a stack. Containers that no longer exist are created again. CONFLICT if the current revision did not come up and something of an earlier one is there.',
    args: { name: t.arg.string(nameField), options: t.arg(optionsField) },
    resolve: (_root, { name, options }, context) => run(context, { kind: 'START', stack: name }, options),
  }),
  restartStack: t.field({
    type: Deployment,
    authScopes: operator,
    description:
      'Restarts the containers of a stack, or of some of its services, in dependency order. CONFLICT if the current revision did not come up and something of an earlier one is there.',
    args: {
      name: t.arg.string(nameField),
      services: t.arg.stringList(restartFields.services),
      options: t.arg(optionsField),
    },
    resolve: (_root, { options, ...restart }, context) => run(context, toOperation({ restart }), options),
  }),
  repairStack: t.field({
    type: Deployment,
    authScopes: operator,
    description:
      'Repairs the drift of a stack: changes whatever differs from its current revision, and nothing else. See `Stack.drift`. CONFLICT if the current revision did not come up and something of an earlier one is there.',
    args: { name: t.arg.string(nameField), options: t.arg(optionsField) },
    resolve: (_root, { name, options }, context) => run(context, { kind: 'REPAIR', stack: name }, options),
  }),
  deleteStack: t.field({
    type: Deployment,
    authScopes: operator,
    description:
      'Deletes a stack: removes its containers and networks from every host. The stack disappears from `stacks` once every host has confirmed; a host that is offline does so when it returns.',
    args: {
      name: t.arg.string(nameField),
      removeVolumes: t.arg.boolean(deleteFields.removeVolumes),
      options: t.arg(optionsField),
    },
    resolve: (_root, { options, ...args }, context) => run(context, toOperation({ delete: args }), options),
  }),
  cancelDeployment: t.field({
    type: Deployment,
    authScopes: operator,
    description:
      'Cancels a running deployment: pending tasks at once, running ones at a safe point. What has been done is not undone. CONFLICT if the deployment has finished.',
    args: { id: t.arg.id({ required: true, description: "The deployment's ID." }) },
    resolve: (_root, { id }, { db, actor }) => cancelDeployment(db, actor, checkId('deployment', id)),
  }),
  retryDeployment: t.field({
    type: Deployment,
    authScopes: operator,
    description:
      'Repeats a deployment that is FAILED or CANCELLED as a new deployment with the same options. CONFLICT if the stack has a newer one, if a host that it needs was removed, and where the operation itself would say it.',
    args: {
      id: t.arg.id({ required: true, description: 'The ID of the deployment to repeat.' }),
      idempotencyKey: t.arg.string({
        description: 'Makes the request safe to repeat; see `OperationOptions.idempotencyKey`.',
      }),
    },
    resolve: (_root, { id, idempotencyKey }, { db, actor }) =>
      retryDeployment(db, actor, checkId('deployment', id), checkKey(idempotencyKey)),
  }),
}));
