import type { Downtime } from '../planning/downtime.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import { FieldDifferenceType } from './differences.graphql.ts';
import { DeploymentKind, OnFailure, StackWarning } from './graphql.ts';
import { OperationInput, toOperation } from './inputs.graphql.ts';
import { planOperation } from './operate.ts';
import { optionsField, toPlanOptions } from './options.graphql.ts';
import type { Preview, PreviewItem } from './preview.ts';

const PlanAction = describedEnum('PlanAction', 'What a plan does with a container.', {
  NOOP: 'Nothing; it is as it should be, or is only watched.',
  CREATE: 'Makes it.',
  REPLACE: 'Makes it anew, for it is to be another; the old one stays until the new one is good.',
  START: 'Starts it.',
  STOP: 'Stops it.',
  RESTART: 'Stops and starts it.',
  REMOVE: 'Stops and removes it.',
});

const PlanItem = builder.objectRef<PreviewItem>('PlanItem').implement({
  description: 'What a plan does with one container.',
  authScopes: { viewer: true },
  fields: (t) => ({
    agent: t.exposeString('agent', { description: 'On which host.' }),
    containerName: t.exposeString('containerName', { description: 'Which container.' }),
    service: t.exposeString('service', { nullable: true, description: 'Its service; null for one that goes.' }),
    replica: t.exposeInt('replica', { nullable: true, description: 'Its number within the service.' }),
    action: t.field({ type: PlanAction, description: 'What is done.', resolve: (row) => row.action }),
    reason: t.exposeString('reason', { description: 'Why, in words.' }),
    differences: t.field({
      type: [FieldDifferenceType],
      description: 'With REPLACE: what differs from the container that is there.',
      resolve: (row) => row.differences,
    }),
  }),
});

const PlanImage = builder.objectRef<Preview['images'][number]>('PlanImage').implement({
  description: 'An image that a host needs and may have to pull.',
  authScopes: { viewer: true },
  fields: (t) => ({
    agent: t.exposeString('agent', { description: 'The host.' }),
    image: t.exposeString('image', { description: 'The image, as the stack file names it.' }),
  }),
});

const PlanDowntime = builder.objectRef<Downtime>('PlanDowntime').implement({
  description: 'Whether a service is to be without a running container for a while.',
  authScopes: { viewer: true },
  fields: (t) => ({
    service: t.exposeString('service', { description: 'The service.' }),
    expected: t.exposeBoolean('expected', { description: 'Whether it is.' }),
    reason: t.exposeString('reason', { description: 'Why, or why not.' }),
  }),
});

const PlanType = builder.objectRef<Preview>('Plan').implement({
  description: 'What an operation on a stack would do.',
  authScopes: { viewer: true },
  fields: (t) => ({
    stack: t.exposeString('stack', { description: 'The stack.' }),
    kind: t.field({ type: DeploymentKind, description: 'The deployment it would be.', resolve: (row) => row.kind }),
    revision: t.exposeInt('revision', { description: 'The revision that the stack would have.' }),
    isNewRevision: t.exposeBoolean('isNewRevision', { description: 'Whether that would be a new one.' }),
    items: t.field({
      type: [PlanItem],
      description: 'Every container of the stack, those to which nothing happens included.',
      resolve: (row) => row.items,
    }),
    images: t.field({
      type: [PlanImage],
      description: 'Images that are made sure of before any container is touched.',
      resolve: (row) => row.images,
    }),
    downtime: t.field({
      type: [PlanDowntime],
      description: 'For each service of which something changes.',
      resolve: (row) => row.downtime,
    }),
    downtimeExpected: t.boolean({
      description: 'Whether any service is without a running container for a while.',
      resolve: (row) => row.downtime.some(({ expected }) => expected),
    }),
    changes: t.int({
      description: 'How many containers something happens to.',
      resolve: (row) => row.items.filter(({ action }) => action !== 'NOOP').length,
    }),
    taskCount: t.exposeInt('taskCount', { description: 'How many tasks it would be.' }),
    onFailure: t.field({
      type: OnFailure,
      description: 'What would happen to the stack if the deployment failed, with the given options.',
      resolve: (row) => row.onFailure,
    }),
    warnings: t.field({ type: [StackWarning], description: 'Worth a look.', resolve: (row) => row.warnings }),
    planHash: t.exposeString('planHash', {
      description: 'Give it to the mutation, and it does this or is refused with PLAN_CHANGED.',
    }),
  }),
});

builder.queryFields((t) => ({
  planStack: t.field({
    type: PlanType,
    authScopes: { operator: true },
    description:
      'Plans an operation: what it would do on each host and to each container. Changes nothing, and fails as the mutation would.',
    args: {
      operation: t.arg({ type: OperationInput, required: true, description: 'The operation to plan.' }),
      options: t.arg({
        ...optionsField,
        description:
          'The options that the mutation would get; they are checked in the same way. BAD_INPUT for `planHash` and `idempotencyKey`, which belong to the mutation alone.',
      }),
    },
    resolve: (_root, { operation: input, options }, { db, vault }) => {
      const operation = toOperation(input);
      return planOperation({ db, vault }, operation, toPlanOptions(operation.kind, options));
    },
  }),
}));
