import '../agents/containers.graphql.ts';
import '../agents/graphql.ts';
import '../deployments/graphql.ts';
import '../deployments/plan.graphql.ts';
import '../deployments/stack.graphql.ts';
import '../protocol/session.graphql.ts';
import '../upkeep/graphql.ts';
import '../stacks/graphql.ts';
import '../deployments/operations.graphql.ts';
import '../deployments/planning.graphql.ts';
import '../stacks/revisions.graphql.ts';
import '../protocol/work.graphql.ts';
import '../tasks/graphql.ts';
import '../tokens/graphql.ts';
import { builder } from '../schema/builder.ts';

/** The whole API; each feature adds its types to the builder when it is imported. */
export const schema = builder.toSchema();
