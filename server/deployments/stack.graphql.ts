import { agentById } from '../agents/loaders.ts';
import { GraphiumError } from '../base/errors.ts';
import { hasEndedWell } from '../planning/changes.ts';
import { revisionDifferences } from '../planning/differences.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import { type Context, isViewer } from '../schema/context.ts';
import { observedOf, Stack, wantedOf } from '../stacks/graphql.ts';
import { Revision } from '../stacks/revisions.graphql.ts';
import { stateOf } from '../stacks/state.ts';
import { findRevision, type StackRow } from '../stacks/store.ts';
import { tasksOfDeployment } from '../tasks/loaders.ts';
import { WaitingOnType, waitingOnOf } from '../tasks/waiting.graphql.ts';
import type { WaitingOn } from '../tasks/waiting.ts';
import { RevisionDifference } from './differences.graphql.ts';
import { Deployment, DeploymentConnection, readDeployments } from './graphql.ts';
import { deploymentOfRevision, latestDeployment, stoppedOfStack } from './loaders.ts';
import { revisionKey } from './store.ts';

/** The fields of a stack and its revisions that need deployments. */

const StackStateType = describedEnum('StackState', 'What a stack is currently doing.', {
  DEPLOYING: 'A revision is being deployed.',
  STARTING: 'The stack is being started.',
  STOPPING: 'The stack is being stopped.',
  RESTARTING: 'Containers of the stack are being restarted.',
  DELETING: 'The stack is being deleted; hosts that are offline confirm when they return.',
  DELETED: 'Every host has confirmed that nothing of the stack is left.',
  RUNNING: 'Agents that are online see all containers running, and none unhealthy.',
  STOPPED: 'No container is running, as intended.',
  ROLLING_BACK: 'The stack is being returned to an earlier revision.',
  REPAIRING: "The stack's drift is being repaired.",
  DEGRADED: 'The stack is not as it should be, and no deployment is working on it.',
  UNKNOWN:
    'A host with containers of the stack is offline, or its Docker engine does not answer, so that what became of them is not known; elsewhere it is as it should be.',
});

/** One reason for each host that is away and has tasks of the stack's unfinished deployment. */
async function offlineHostsOf(stack: StackRow, _args: object, context: Context): Promise<WaitingOn[]> {
  const latest = await context.load(latestDeployment, stack.id);
  if (!latest || latest.finishedAt) return [];
  const tasks = await context.load(tasksOfDeployment, latest.id);
  const reasons = (await Promise.all(tasks.map((task) => waitingOnOf(task, context)))).flat();
  const offline = reasons.filter(({ reason }) => reason === 'AGENT_OFFLINE' || reason === 'ENGINE_DOWN');
  return [...new Map(offline.map((reason) => [reason.agent, reason])).values()];
}

builder.objectFields(Stack, (t) => ({
  state: t.field({
    type: StackStateType,
    description: 'What the stack is currently doing.',
    resolve: async (stack, _args, context) => {
      const [latest, wanted, observed] = await Promise.all([
        context.load(latestDeployment, stack.id),
        wantedOf(stack, context),
        observedOf(stack, context),
      ]);
      const agentIds = [...new Set([...wanted, ...observed].map(({ agentId }) => agentId))];
      const agents = await Promise.all(agentIds.map((id) => context.load(agentById, id)));
      return stateOf(stack, latest, wanted, observed, {
        stopped: observed.some(hasEndedWell) ? await context.load(stoppedOfStack, stack.id) : [],
        online: new Set(agents.filter((agent) => agent.online).map(({ id }) => id)),
        removed: new Set(agents.filter(({ removedAt }) => removedAt !== null).map(({ id }) => id)),
      });
    },
  }),
  waitingOn: t.field({
    type: [WaitingOnType],
    description: "The offline hosts that the stack's running deployment waits for.",
    resolve: offlineHostsOf,
  }),
  currentDeployment: t.field({
    type: Deployment,
    nullable: true,
    description: "The stack's newest deployment, finished or not; null if it never had one.",
    resolve: async (stack, _args, { load }) => (await load(latestDeployment, stack.id)) ?? null,
  }),
  deployments: t.field({
    type: DeploymentConnection,
    description: "The stack's deployments, newest first.",
    args: {
      first: t.arg.int({
        required: true,
        defaultValue: 20,
        description: 'The maximum number of deployments to return, from 1 to 500.',
      }),
      after: t.arg.string({
        description: 'The `endCursor` of the previous page. If omitted, the first page is returned.',
      }),
    },
    resolve: (stack, page, context) => readDeployments(context, { stackId: stack.id }, page),
  }),
  differences: t.field({
    type: [RevisionDifference],
    description:
      'What differs between two revisions. Values that look secret are not shown. NOT_FOUND if there is no such revision.',
    args: {
      from: t.arg.int({ required: true, description: 'The number of the revision to compare from.' }),
      to: t.arg.int({ required: true, description: 'The number of the revision to compare to.' }),
    },
    resolve: async (stack, { from, to }, context) => {
      const { db } = context;
      const [before, after] = await Promise.all([from, to].map((number) => findRevision(db, stack.id, number)));
      if (before && after) return revisionDifferences(before.spec, after.spec, isViewer(context));
      throw new GraphiumError('NOT_FOUND', `The stack "${stack.name}" has no revision ${before ? to : from}.`);
    },
  }),
}));

builder.objectFields(Revision, (t) => ({
  deployment: t.field({
    type: Deployment,
    nullable: true,
    description:
      'The newest deployment that was to bring the revision; its status says what became of it. Null for a revision that a deployment made when it rolled itself back.',
    resolve: async ({ stackId, number }, _args, { load }) =>
      (await load(deploymentOfRevision, revisionKey({ stackId, revision: number }))) ?? null,
  }),
}));
