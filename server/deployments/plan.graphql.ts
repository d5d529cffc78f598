import type { Downtime } from '../planning/downtime.ts';
import { toSaved } from '../planning/saved-input.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import { FieldDifferenceType } from './differences.graphql.ts';
import { DeploymentKind, OnFailure, StackWarning } from './graphql.ts';
import { OperationInput, toOperation } from './inputs.graphql.ts';
import { planOperation } from './operate.ts';
import { optionsField, toPlanOptions } from './options.graphql.ts';
import type { Preview, PreviewItem } from './preview.ts';

const PlanAction = describedEnum('PlanAction', 'What a plan does with a container.', {
  NOOP: 'Leaves the container as it is; the agent may still check on it.',
  CREATE: 'Creates and starts the container.',
  REPLACE:
    'Replaces the container with one made from its new spec. The previous container is kept until the new one is good.',
  START: 'Starts the container.',
  STOP: 'Stops the container.',
  RESTART: 'Stops the container and starts it again.',
  REMOVE: 'Stops and removes the container.',
});

const PlanItem = builder.objectRef<PreviewItem>('PlanItem').implement({
  description: 'What a plan does with one container.',
  authScopes: { viewer: true },
  fields: (t) => ({
    agent: t.exposeString('agent', { description: 'The name of the agent on whose host the container is or will be.' }),
    containerName: t.exposeString('containerName', { description: "The container's name." }),
    service: t.exposeString('service', {
      nullable: true,
      description: "The name of the container's service; null if the revision has no such container.",
    }),
    replica: t.exposeInt('replica', {
      nullable: true,
      description:
        "The container's number within its service, starting from 1; null if the revision has no such container.",
    }),
    action: t.field({
      type: PlanAction,
      description: 'What is done with the container.',
      resolve: (row) => row.action,
    }),
    reason: t.exposeString('reason', { description: 'Why it is done, in words.' }),
    differences: t.field({
      type: [FieldDifferenceType],
      description: 'For REPLACE, the differences between the existing container and the new one; otherwise empty.',
      resolve: (row) => row.differences,
    }),
  }),
});

const PlanImage = builder.objectRef<Preview['images'][number]>('PlanImage').implement({
  description: 'An image that must be on a host before the deployment touches any container.',
  authScopes: { viewer: true },
  fields: (t) => ({
    agent: t.exposeString('agent', { description: 'The name of the agent on whose host the image must be.' }),
    image: t.exposeString('image', { description: 'The image, as the stack file names it.' }),
  }),
});

const PlanDowntime = builder.objectRef<Downtime>('PlanDowntime').implement({
  description: 'Whether a service is expected to be down during a deployment.',
  authScopes: { viewer: true },
  fields: (t) => ({
    service: t.exposeString('service', { description: "The service's name." }),
    expected: t.exposeBoolean('expected', {
      description: 'Whether the service is expected to have no running container for a while.',
    }),
    reason: t.exposeString('reason', { description: 'Why downtime is expected or not, in words.' }),
  }),
});

const PlanType = builder.objectRef<Preview>('Plan').implement({
  description: 'What an operation on a stack would do.',
  authScopes: { viewer: true },
  fields: (t) => ({
    stack: t.exposeString('stack', { description: "The stack's name." }),
    kind: t.field({
      type: DeploymentKind,
      description: 'The kind of deployment that the operation would be.',
      resolve: (row) => row.kind,
    }),
    revision: t.exposeInt('revision', {
      description: 'The number of the revision that the stack would have afterwards.',
    }),
    isNewRevision: t.exposeBoolean('isNewRevision', {
      description: 'Whether the operation would make a new revision.',
    }),
    items: t.field({
      type: [PlanItem],
      description: 'What is done with each container of the stack, including those that are left as they are.',
      resolve: (row) => row.items,
    }),
    images: t.field({
      type: [PlanImage],
      description: 'The images that are pulled where they are missing, before any container is touched.',
      resolve: (row) => row.images,
    }),
    downtime: t.field({
      type: [PlanDowntime],
      description: 'The downtime to expect for each service that changes.',
      resolve: (row) => row.downtime,
    }),
    downtimeExpected: t.boolean({
      description: 'Whether any service is expected to have no running container for a while.',
      resolve: (row) => row.downtime.some(({ expected }) => expected),
    }),
    changes: t.int({
      description: 'The number of containers that change.',
      resolve: (row) => row.items.filter(({ action }) => action !== 'NOOP').length,
    }),
    taskCount: t.exposeInt('taskCount', { description: 'The number of tasks that the deployment would have.' }),
    onFailure: t.field({
      type: OnFailure,
      description: 'What would happen to the stack if the deployment failed, given the options.',
      resolve: (row) => row.onFailure,
    }),
    warnings: t.field({
      type: [StackWarning],
      description: 'Warnings about the stack file and the hosts.',
      resolve: (row) => row.warnings,
    }),
    input: t.field({
      type: 'JSON',
      description:
        'Everything that the plan was made from. Saved in a file, `npm run replay -- FILE` makes the same plan again without a server. It holds environment variables; secrets in it are sealed.',
      resolve: ({ input }) => toSaved(input),
    }),
    planHash: t.exposeString('planHash', {
      description:
        'A hash of the plan. Given in the `options` of the mutation, it makes sure that exactly this plan is carried out, or nothing.',
    }),
  }),
});

builder.queryFields((t) => ({
  planStack: t.field({
    type: PlanType,
    authScopes: { operator: true },
    description:
      'Plans an operation: what it would do on each host and to each container. Nothing is changed. Fails with the same errors as the mutation.',
    args: {
      operation: t.arg({ type: OperationInput, required: true, description: 'The operation to plan.' }),
      options: t.arg({
        ...optionsField,
        description:
          'The options that the mutation would be given; they are checked in the same way. BAD_INPUT for `planHash` and `idempotencyKey`, which are for the mutation only.',
      }),
    },
    resolve: (_root, { operation: input, options }, { db }) => {
      const operation = toOperation(input);
      return planOperation(db, operation, toPlanOptions(operation.kind, options));
    },
  }),
}));
