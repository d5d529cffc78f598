import '../agents/containers.graphql.ts';
import '../agents/graphql.ts';
import '../deployments/graphql.ts';
import '../deployments/plan.graphql.ts';
import '../deployments/stack.graphql.ts';
import '../protocol/containers.graphql.ts';
import '../protocol/session.graphql.ts';
import '../schema/errors.graphql.ts';
import '../upkeep/graphql.ts';
import '../stacks/graphql.ts';
import '../deployments/operations.graphql.ts';
import '../stacks/revisions.graphql.ts';
import '../protocol/work.graphql.ts';
import '../tasks/queries.graphql.ts';
import '../tokens/audit.graphql.ts';
import '../tokens/graphql.ts';
import { builder } from '../schema/builder.ts';
import { withMutationLog } from './mutation-log.ts';

/** The whole API; each feature adds its types to the builder when it is imported. */
export const schema = withMutationLog(builder.toSchema());
