import type { TaskFailure, TaskResult } from '../db/values.ts';
import { builder, describedEnum } from '../schema/builder.ts';

/** How a task ended. */

export const ContainerLeft = describedEnum(
  'ContainerLeft',
  "What stands under a container's name when its task has ended.",
  {
    OLD: 'The container from before.',
    NEW: 'The wanted one.',
    NONE: 'Nothing.',
  },
);

export const TaskErrorType = builder.objectRef<TaskFailure>('TaskError').implement({
  description: 'Why a task or a deployment failed.',
  authScopes: { viewer: true },
  fields: (t) => ({
    code: t.exposeString('code', { description: 'A stable code, such as `IMAGE_NOT_FOUND` or `PORT_IN_USE`.' }),
    message: t.exposeString('message', { description: 'What failed, in words.' }),
    taskId: t.id({
      nullable: true,
      description: "The task, when this is a deployment's cause.",
      resolve: (row) => row.taskId,
    }),
    agent: t.string({ nullable: true, description: 'The agent it happened on.', resolve: (row) => row.agent }),
    containerName: t.string({ nullable: true, description: 'The container.', resolve: (row) => row.containerName }),
    exitCode: t.int({ nullable: true, description: 'With what the container ended.', resolve: (row) => row.exitCode }),
    oomKilled: t.boolean({
      nullable: true,
      description: 'Whether it ran out of memory.',
      resolve: (row) => row.oomKilled,
    }),
    healthLog: t.stringList({
      description: 'The last outputs of the health check.',
      resolve: (row) => [...(row.healthLog ?? [])],
    }),
    left: t.field({
      type: ContainerLeft,
      nullable: true,
      description: "What stands under the container's name now; null if that is not known.",
      resolve: (row) => row.left,
    }),
    logs: t.stringList({
      description: 'The last log lines of the container, at most 100.',
      resolve: (row) => [...(row.logs ?? [])],
    }),
  }),
});

export const TaskResultType = builder.objectRef<TaskResult>('TaskResult').implement({
  description: 'What a finished task did.',
  authScopes: { viewer: true },
  fields: (t) => ({
    containerId: t.id({
      nullable: true,
      description: "Docker's id of the container.",
      resolve: (row) => row.containerId,
    }),
    action: t.exposeString('action', { description: 'What was done, such as `created`, `replaced` or `unchanged`.' }),
    message: t.string({ nullable: true, description: 'More in words.', resolve: (row) => row.message }),
    left: t.field({
      type: ContainerLeft,
      nullable: true,
      description: "What stands under the container's name now; null if that is not known.",
      resolve: (row) => row.left,
    }),
  }),
});
