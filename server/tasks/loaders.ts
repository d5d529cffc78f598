import { loadMany } from '../schema/loader.ts';
import { listEvents, listMissingImages, listOpenBlockers, listTasksOfDeployments } from './queries.ts';

export const tasksOfDeployment = loadMany(listTasksOfDeployments, (row) => row.deploymentId);

/** By the id of the task that waits. */
export const openBlockers = loadMany(listOpenBlockers, (row) => row.taskId);

/** By deployment: the PULLs that its containers wait for. */
export const missingImages = loadMany(listMissingImages, (row) => row.deploymentId);

/** By the task's id. */
export const taskEvents = loadMany(listEvents, (row) => row.taskId);
