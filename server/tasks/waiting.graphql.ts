import { agentById } from '../agents/loaders.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import type { Context } from '../schema/context.ts';
import { missingImages as missingImagesOf, openBlockers as openBlockersOf } from './loaders.ts';
import type { TaskRow } from './store.ts';
import { type WaitingOn, waitingOn } from './waiting.ts';

/** Why something has not finished. */

const WaitingReason = describedEnum('WaitingReason', 'Why something has not finished.', {
  AGENT_OFFLINE: 'The agent is offline; the task continues when it returns.',
  ENGINE_DOWN: "The Docker engine of the agent's host does not answer; the task continues when it does.",
  BLOCKED: 'Another task must be done first.',
  RETRY: 'The task failed and is retried later.',
  DELAY: 'A rollout pauses between two groups of containers.',
  IMAGE_GATE: 'Images must first be on every host that takes part in the deployment.',
  SLOT: 'The task is ready, and its agent starts it when it has a free slot.',
  CANCEL_REQUESTED: 'The task is being cancelled and stops at a safe point.',
});

export const WaitingOnType = builder.objectRef<WaitingOn>('WaitingOn').implement({
  description: 'A reason why something has not finished.',
  authScopes: { viewer: true },
  fields: (t) => ({
    reason: t.field({ type: WaitingReason, description: 'The kind of reason.', resolve: (row) => row.reason }),
    message: t.exposeString('message', { description: 'The reason in words.' }),
    agent: t.string({
      nullable: true,
      description: 'The name of the agent concerned, if any.',
      resolve: (row) => row.agent,
    }),
    taskId: t.id({
      nullable: true,
      description: 'The ID of the task that must be done first, if any.',
      resolve: (row) => row.taskId,
    }),
    since: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Since when the reason has applied, if known.',
      resolve: (row) => row.since,
    }),
    until: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Until when the reason applies, if known.',
      resolve: (row) => row.until,
    }),
  }),
});

export async function waitingOnOf(task: TaskRow, { load }: Pick<Context, 'load'>): Promise<WaitingOn[]> {
  if (task.finishedAt) return [];
  const [agent, openBlockers, pulls] = await Promise.all([
    load(agentById, task.agentId),
    task.openBlockers > 0 ? load(openBlockersOf, task.id) : [],
    task.behindImageGate ? load(missingImagesOf, task.deploymentId) : [],
  ]);
  const named = new Set(openBlockers.map(({ id }) => id));
  const missingImages = pulls.filter(
    (one) => (one.holdsImageGate || one.agentId === task.agentId) && !named.has(one.id),
  );
  return waitingOn({ ...task, agent, openBlockers, missingImages });
}
