import '../agents/containers.graphql.ts';
import '../agents/graphql.ts';
import '../deployments/graphql.ts';
import '../deployments/plan.graphql.ts';
import '../stacks/drift.graphql.ts';
import '../stacks/graphql.ts';
import '../stacks/operations.graphql.ts';
import '../stacks/planning.graphql.ts';
import '../stacks/revisions.graphql.ts';
import '../tasks/agent.graphql.ts';
import '../tasks/graphql.ts';
import '../tokens/graphql.ts';
import { builder } from './builder.ts';

/** The whole API; each feature adds its types to the builder when it is imported. */
export const schema = builder.toSchema();
