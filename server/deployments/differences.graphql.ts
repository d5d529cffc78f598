import type { FieldDifference, SubjectDifference } from '../planning/differences.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import { type Context, isViewer } from '../schema/context.ts';
import { isConfidential, NOT_SHOWN } from '../spec/confidential.ts';

/** How two specs differ, and two revisions. */

const shown = (field: string, value: string | null, context: Context): string | null =>
  value !== null && isViewer(context) && (isConfidential(field) || HAS_OPTIONS.test(value)) ? NOT_SHOWN : value;

/** Within a list, such as that of a container's networks. */
const HAS_OPTIONS = /"(?:driverOptions|options|labels|content)":/;

export const FieldDifferenceType = builder.objectRef<FieldDifference>('FieldDifference').implement({
  description:
    'A field that differs between two specs. Values that look secret are not shown, nor, to viewers, those of environments, commands and labels.',
  authScopes: { viewer: true },
  fields: (t) => ({
    field: t.exposeString('field', {
      description: 'The path of the field, such as `image` or `environment.LOG_LEVEL`.',
    }),
    old: t.string({
      nullable: true,
      description: 'The old value; null if the field was not set.',
      resolve: (row, _args, context) => shown(row.field, row.old, context),
    }),
    new: t.string({
      nullable: true,
      description: 'The new value; null if the field is no longer set.',
      resolve: (row, _args, context) => shown(row.field, row.new, context),
    }),
  }),
});

const Subject = describedEnum('DifferenceSubject', 'The kind of object that differs.', {
  SERVICE: 'A service.',
  NETWORK: 'A network.',
  VOLUME: 'A volume.',
});

const DifferenceChange = describedEnum('DifferenceChange', 'How an object differs between two revisions.', {
  ADDED: 'It exists only in the revision `to`.',
  REMOVED: 'It exists only in the revision `from`.',
  CHANGED: 'It exists in both, with different settings.',
});

export const RevisionDifference = builder.objectRef<SubjectDifference>('RevisionDifference').implement({
  description: 'A service, network or volume that differs between two revisions of a stack.',
  authScopes: { viewer: true },
  fields: (t) => ({
    subject: t.field({ type: Subject, description: 'The kind of object that differs.', resolve: (row) => row.subject }),
    name: t.exposeString('name', { description: 'The name of the object that differs.' }),
    change: t.field({ type: DifferenceChange, description: 'How the object differs.', resolve: (row) => row.change }),
    fields: t.field({
      type: [FieldDifferenceType],
      description: 'The fields that differ.',
      resolve: (row) => row.fields,
    }),
  }),
});
