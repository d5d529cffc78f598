import type { FieldDifference, SubjectDifference } from '../planning/differences.ts';
import type { Downtime } from '../planning/downtime.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import { DeploymentKind, StackWarning } from './graphql.ts';
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

export const FieldDifferenceType = builder.objectRef<FieldDifference>('FieldDifference').implement({
  description: 'A field that differs between two specs. Values that look secret are not shown.',
  authScopes: { viewer: true },
  fields: (t) => ({
    field: t.exposeString('field', { description: 'Its name, such as `image` or `environment.LOG_LEVEL`.' }),
    old: t.exposeString('old', { nullable: true, description: 'What it was; null: it was not there.' }),
    new: t.exposeString('new', { nullable: true, description: 'What it becomes; null: it goes.' }),
  }),
});

const Subject = describedEnum('DifferenceSubject', 'What a difference is about.', {
  SERVICE: 'A service.',
  NETWORK: 'A network.',
  VOLUME: 'A volume.',
});

const DifferenceChange = describedEnum('DifferenceChange', 'How two revisions differ in something.', {
  ADDED: 'Only the newer has it.',
  REMOVED: 'Only the older has it.',
  CHANGED: 'Both have it, and it is not the same.',
});

export const RevisionDifference = builder.objectRef<SubjectDifference>('RevisionDifference').implement({
  description: 'Something in which two revisions of a stack differ.',
  authScopes: { viewer: true },
  fields: (t) => ({
    subject: t.field({ type: Subject, description: 'What it is about.', resolve: (row) => row.subject }),
    name: t.exposeString('name', { description: 'Its name.' }),
    change: t.field({ type: DifferenceChange, description: 'How they differ.', resolve: (row) => row.change }),
    fields: t.field({
      type: [FieldDifferenceType],
      description: 'The fields that differ.',
      resolve: (row) => row.fields,
    }),
  }),
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

export const PlanType = builder.objectRef<Preview>('Plan').implement({
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
    warnings: t.field({ type: [StackWarning], description: 'Worth a look.', resolve: (row) => row.warnings }),
    planHash: t.exposeString('planHash', {
      description: 'Give it to the mutation, and it does this or is refused with PLAN_CHANGED.',
    }),
  }),
});
