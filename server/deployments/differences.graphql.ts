import type { FieldDifference, SubjectDifference } from '../planning/differences.ts';
import { builder, describedEnum } from '../schema/builder.ts';

/** How two specs, and two revisions, differ. */

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
