import { agentById } from '../agents/loaders.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import type { Context } from '../schema/context.ts';
import { missingImages as missingImagesOf, openBlockers as openBlockersOf } from './loaders.ts';
import type { TaskRow } from './store.ts';
import { type WaitingOn, waitingOn } from './waiting.ts';

/** Why something has not finished. */

const WaitingReason = describedEnum('WaitingReason', 'Why something has not finished.', {
  AGENT_OFFLINE: 'Its agent is offline; it goes on when the agent returns.',
  BLOCKED: 'Another task comes first.',
  RETRY: 'It failed and is tried again later.',
  DELAY: 'The pause between two groups of a rollout.',
  IMAGES: 'Images come first, on every host that takes part.',
  SLOT: 'It is ready and its agent takes it next.',
  CANCEL_REQUESTED: 'It is to be cancelled and stops at a safe point.',
});

export const WaitingOnType = builder.objectRef<WaitingOn>('WaitingOn').implement({
  description: 'One reason why something has not finished.',
  authScopes: { viewer: true },
  fields: (t) => ({
    reason: t.field({ type: WaitingReason, description: 'The kind of reason.', resolve: (row) => row.reason }),
    message: t.exposeString('message', { description: 'The reason in words.' }),
    agent: t.string({ nullable: true, description: 'The agent concerned.', resolve: (row) => row.agent }),
    taskId: t.id({ nullable: true, description: 'The task that comes first.', resolve: (row) => row.taskId }),
    since: t.field({ type: 'DateTime', nullable: true, description: 'Since when.', resolve: (row) => row.since }),
    until: t.field({ type: 'DateTime', nullable: true, description: 'Until when.', resolve: (row) => row.until }),
  }),
});

export async function waitingOnOf(task: TaskRow, { load }: Pick<Context, 'load'>): Promise<WaitingOn[]> {
  if (task.finishedAt) return [];
  const [agent, openBlockers, pulls] = await Promise.all([
    load(agentById, task.agentId),
    task.openBlockers > 0 ? load(openBlockersOf, task.id) : [],
    task.barred ? load(missingImagesOf, task.deploymentId) : [],
  ]);
  const { name, online, sessionExpiresAt } = agent;
  const named = new Set(openBlockers.map(({ id }) => id));
  const missingImages = pulls.filter((one) => (one.gates || one.agentId === task.agentId) && !named.has(one.id));
  return waitingOn({ ...task, agent: { name, online, offlineSince: sessionExpiresAt }, openBlockers, missingImages });
}
