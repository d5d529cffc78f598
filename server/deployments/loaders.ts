import { loadMany, loadOptional } from '../schema/loader.ts';
import { listDeploymentsOfRevisions, listLatestDeployments, listStopped, revisionKey } from './store.ts';

/** By the stack's id; undefined if it was never deployed. */
export const latestDeployment = loadOptional(listLatestDeployments, (row) => row.stackId);

/** By `revisionKey`; undefined for a revision that a rollback within a deployment made. */
export const deploymentOfRevision = loadOptional(listDeploymentsOfRevisions, revisionKey);

/** By the stack's id. It reads the tasks of all times, so ask only where a container has ended well. */
export const stoppedOfStack = loadMany(listStopped, (row) => row.stackId);
