import type { TaskFailure, TaskResult } from '../db/values.ts';
import { builder, describedEnum } from '../schema/builder.ts';

/** How a task ended. */

export const ContainerLeft = describedEnum(
  'ContainerLeft',
  "What is under a container's name after its task has ended.",
  {
    PREVIOUS: 'The container from before the task.',
    NEW: 'The container that the task was meant to make.',
    NONE: 'No container.',
  },
);

export const TaskErrorType = builder.objectRef<TaskFailure>('TaskError').implement({
  description: 'Why a task or a deployment failed.',
  authScopes: { viewer: true },
  fields: (t) => ({
    code: t.exposeString('code', {
      description: 'A stable code; `TaskErrorCode` has those that this version knows. A newer agent may report others.',
    }),
    message: t.exposeString('message', { description: 'What failed and what to do about it, in words.' }),
    taskId: t.id({
      nullable: true,
      description: 'The ID of the task that failed, in the `cause` of a deployment; otherwise null.',
      resolve: (row) => row.taskId,
    }),
    agent: t.string({
      nullable: true,
      description: 'The name of the agent on whose host it happened, in the `cause` of a deployment; otherwise null.',
      resolve: (row) => row.agent,
    }),
    containerName: t.string({
      nullable: true,
      description: 'The name of the container, in the `cause` of a deployment; otherwise null.',
      resolve: (row) => row.containerName,
    }),
    exitCode: t.int({
      nullable: true,
      description: "The exit code of the container's main process; null if it did not end.",
      resolve: (row) => row.exitCode,
    }),
    oomKilled: t.boolean({
      nullable: true,
      description: 'Whether the container was killed because it ran out of memory; null if this is not known.',
      resolve: (row) => row.oomKilled,
    }),
    healthLog: t.stringList({
      description: 'The output of the last health checks, oldest first.',
      resolve: (row) => [...(row.healthLog ?? [])],
    }),
    left: t.field({
      type: ContainerLeft,
      nullable: true,
      description: "What is now under the container's name; null if this is not known.",
      resolve: (row) => row.left,
    }),
    logs: t.stringList({
      description: 'The last log lines of the container, oldest first, at most 100.',
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
      description: "The container's ID on the Docker engine; null if there is none.",
      resolve: (row) => row.containerId,
    }),
    action: t.exposeString('action', {
      description: 'What was done, in one word, such as `created`, `replaced` or `unchanged`.',
    }),
    message: t.string({
      nullable: true,
      description: 'More about what was done, in words.',
      resolve: (row) => row.message,
    }),
    left: t.field({
      type: ContainerLeft,
      nullable: true,
      description: "What is now under the container's name; null if this is not known.",
      resolve: (row) => row.left,
    }),
  }),
});
