import { GraphiumError } from '../base/errors.ts';
import { revisionDifferences } from '../planning/differences.ts';
import { builder, describedEnum } from '../schema/builder.ts';
import { observedOf, Stack, wantedOf } from '../stacks/graphql.ts';
import { stateOf } from '../stacks/state.ts';
import { findRevision } from '../stacks/store.ts';
import { WaitingOnType, waitingOnOf } from '../tasks/graphql.ts';
import { tasksOfDeployment } from '../tasks/loaders.ts';
import { Deployment, DeploymentConnection, readDeployments } from './graphql.ts';
import { latestDeployment } from './loaders.ts';
import { RevisionDifference } from './plan.graphql.ts';

/** The fields of a stack that speak of its deployments. */

const StackStateType = describedEnum('StackState', 'What a stack is doing.', {
  DEPLOYING: 'A deployment of it is at work.',
  STARTING: 'It is being started.',
  STOPPING: 'It is being stopped.',
  RESTARTING: 'It is being restarted.',
  DELETING: 'It is being deleted; hosts that are offline confirm when they return.',
  DELETED: 'Every host confirmed that nothing is left.',
  RUNNING: 'All its containers run and none is unhealthy.',
  STOPPED: 'None of its containers runs, as wanted.',
  ROLLING_BACK: 'It is being made again what an earlier revision said.',
  REPAIRING: 'It is being made again what its current revision says.',
  DEGRADED: 'It is not what is wanted of it, and nothing is at work on it.',
});

builder.objectFields(Stack, (t) => ({
  state: t.field({
    type: StackStateType,
    description: 'What it is doing.',
    resolve: async (stack, _args, context) => {
      const latest = context.load(latestDeployment, stack.id);
      return stateOf(stack, await latest, await wantedOf(stack, context), await observedOf(stack, context));
    },
  }),
  waitingOn: t.field({
    type: [WaitingOnType],
    description: 'Which hosts that are offline its unfinished deployment waits for.',
    resolve: async (stack, _args, context) => {
      const latest = await context.load(latestDeployment, stack.id);
      if (!latest || latest.finishedAt) return [];
      const tasks = await context.load(tasksOfDeployment, latest.id);
      const reasons = (await Promise.all(tasks.map((task) => waitingOnOf(task, context)))).flat();
      const offline = reasons.filter(({ reason }) => reason === 'AGENT_OFFLINE');
      return [...new Map(offline.map((reason) => [reason.agent, reason])).values()];
    },
  }),
  currentDeployment: t.field({
    type: Deployment,
    nullable: true,
    description: 'Its newest deployment, finished or not.',
    resolve: async (stack, _args, { load }) => (await load(latestDeployment, stack.id)) ?? null,
  }),
  deployments: t.field({
    type: DeploymentConnection,
    description: 'Its deployments, newest first.',
    args: {
      first: t.arg.int({ required: true, defaultValue: 20, description: 'At most so many, 1 to 500.' }),
      after: t.arg.string({ description: 'The `endCursor` of the page before.' }),
    },
    resolve: (stack, page, context) => readDeployments(context, { stackId: stack.id }, page),
  }),
  differences: t.field({
    type: [RevisionDifference],
    description: 'What is another in one revision than in another one. Values that look secret are not shown.',
    args: {
      from: t.arg.int({ required: true, description: 'The number of the one.' }),
      to: t.arg.int({ required: true, description: 'The number of the other.' }),
    },
    resolve: async (stack, { from, to }, { db }) => {
      const [before, after] = await Promise.all([from, to].map((number) => findRevision(db, stack.id, number)));
      if (before && after) return revisionDifferences(before.spec, after.spec);
      throw new GraphiumError('NOT_FOUND', `The stack "${stack.name}" has no revision ${before ? to : from}.`);
    },
  }),
}));
