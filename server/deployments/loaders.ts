import { loadOptional } from '../schema/loader.ts';
import { listLatestDeployments } from './store.ts';

/** By the stack's id; undefined if it was never deployed. */
export const latestDeployment = loadOptional(listLatestDeployments, (row) => row.stackId);
