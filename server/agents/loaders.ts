import type { Loader } from '../schema/loader.ts';
import { loadMany, loadOne } from '../schema/loader.ts';
import { countUnfinishedTasks, listAgentsById, listContainersOfAgents, listContainersOfStacks } from './store.ts';

export const agentById = loadOne(listAgentsById, (row) => row.id);

export const containersOfAgent = loadMany(listContainersOfAgents, (row) => row.agentId);

/** By the stack's name. */
export const containersOfStack = loadMany(listContainersOfStacks, (row) => row.stack);

/** By the agent's id. */
export const unfinishedTaskCount: Loader<number> = async (db, agentIds) => {
  const counts = await countUnfinishedTasks(db, agentIds);
  return agentIds.map((id) => counts.get(id) ?? 0);
};
