import type { LayerProgress, TaskProgress } from '../db/values.ts';
import { builder, describedEnum } from '../schema/builder.ts';

/** What a running task is doing, and how far it has come. */

export const TaskPhase = describedEnum('TaskPhase', 'What a running task is doing.', {
  PULLING: 'Fetching the image.',
  PREPARING: 'Making networks and volumes.',
  CREATING: 'Creating the container.',
  STARTING: 'Starting it.',
  VERIFYING: 'Waiting until it is healthy and stays up.',
  STOPPING: 'Stopping it.',
  REMOVING: 'Removing it.',
  RESTORING: 'Bringing the old container back, for the new one is not good.',
  CLEANING: 'Removing networks and volumes.',
});

const LayerProgressType = builder.objectRef<LayerProgress>('LayerProgress').implement({
  description: 'One layer of an image that is being pulled.',
  authScopes: { viewer: true },
  fields: (t) => ({
    id: t.exposeString('id', { description: "The layer's short id." }),
    status: t.exposeString('status', { description: 'What Docker does with it, such as `Downloading`.' }),
    currentBytes: t.float({ nullable: true, description: 'Bytes so far.', resolve: (row) => row.currentBytes }),
    totalBytes: t.float({ nullable: true, description: 'Bytes in all, if known.', resolve: (row) => row.totalBytes }),
  }),
});

export const TaskProgressType = builder.objectRef<TaskProgress>('TaskProgress').implement({
  description: 'How far a task is.',
  authScopes: { viewer: true },
  fields: (t) => ({
    message: t.string({ nullable: true, description: 'In words.', resolve: (row) => row.message }),
    currentBytes: t.float({
      nullable: true,
      description: 'Bytes so far, of all layers.',
      resolve: (row) => row.currentBytes,
    }),
    totalBytes: t.float({
      nullable: true,
      description: 'Bytes in all, as far as known.',
      resolve: (row) => row.totalBytes,
    }),
    layers: t.field({
      type: [LayerProgressType],
      description: 'The layers of a pull.',
      resolve: (row) => row.layers ?? [],
    }),
  }),
});
