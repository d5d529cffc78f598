import type { LayerProgress, TaskProgress } from '../db/values.ts';
import { builder, describedEnum } from '../schema/builder.ts';

/** What a running task is doing, and how far it has come. */

export const TaskPhase = describedEnum('TaskPhase', 'What an agent is doing while it works on a task.', {
  PULLING: 'Pulling the image.',
  PREPARING: 'Creating networks and volumes.',
  CREATING: 'Creating the container.',
  STARTING: 'Starting the container.',
  VERIFYING: 'Waiting until the container is healthy and has stayed up for a while.',
  STOPPING: 'Stopping the container.',
  REMOVING: 'Removing the container.',
  RESTORING: 'Restoring the previous container, because the new one is not good.',
  CLEANING: 'Removing networks and volumes.',
});

const LayerProgressType = builder.objectRef<LayerProgress>('LayerProgress').implement({
  description: 'The progress of one layer of an image that is being pulled.',
  authScopes: { viewer: true },
  fields: (t) => ({
    id: t.exposeString('id', { description: "The layer's short ID." }),
    status: t.exposeString('status', { description: 'What Docker is doing with the layer, such as `Downloading`.' }),
    currentBytes: t.float({
      nullable: true,
      description: 'The number of bytes processed so far.',
      resolve: (row) => row.currentBytes,
    }),
    totalBytes: t.float({
      nullable: true,
      description: 'The total number of bytes; null if unknown.',
      resolve: (row) => row.totalBytes,
    }),
  }),
});

export const TaskProgressType = builder.objectRef<TaskProgress>('TaskProgress').implement({
  description: 'How far a task has come.',
  authScopes: { viewer: true },
  fields: (t) => ({
    message: t.string({ nullable: true, description: 'The progress in words.', resolve: (row) => row.message }),
    currentBytes: t.float({
      nullable: true,
      description: 'The number of bytes processed so far, in all layers.',
      resolve: (row) => row.currentBytes,
    }),
    totalBytes: t.float({
      nullable: true,
      description: 'The total number of bytes in all layers, as far as known.',
      resolve: (row) => row.totalBytes,
    }),
    layers: t.field({
      type: [LayerProgressType],
      description: 'The layers of the image that is being pulled.',
      resolve: (row) => row.layers ?? [],
    }),
  }),
});
