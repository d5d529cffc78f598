import DataLoader from 'dataloader';
import {
  type AgentRow,
  type ContainerRow,
  countUnfinishedTasks,
  listAgentsById,
  listContainersOfAgents,
  listContainersOfStacks,
} from '../agents/store.ts';
import type { Db } from '../db/connect.ts';
import { type DeploymentRow, listLatestDeployments } from '../deployments/store.ts';
import {
  type CurrentPlacement,
  listCurrentPlacements,
  listCurrentRevisions,
  listStacksById,
  type RevisionRow,
  type StackRow,
} from '../stacks/store.ts';
import {
  listEvents,
  listMissingImages,
  listOpenBlockers,
  listTasksOfDeployments,
  type MissingImage,
  type OpenBlocker,
  type TaskEventRow,
} from '../tasks/queries.ts';
import type { TaskRow } from '../tasks/store.ts';

/**
 * One query for many parents. They gather but do not remember: a subscription lives long in one context, and each of its
 * events must read again.
 */
export type Loaders = {
  agent: DataLoader<string, AgentRow>;
  unfinishedTasks: DataLoader<string, number>;
  containersOfAgent: DataLoader<string, ContainerRow[]>;
  /** By the stack's name. */
  containersOfStack: DataLoader<string, ContainerRow[]>;
  stack: DataLoader<string, StackRow>;
  revision: DataLoader<string, RevisionRow>;
  placements: DataLoader<string, CurrentPlacement[]>;
  latestDeployment: DataLoader<string, DeploymentRow | undefined>;
  tasksOfDeployment: DataLoader<string, TaskRow[]>;
  openBlockers: DataLoader<string, OpenBlocker[]>;
  /** By deployment: PULLs that the containers of all its hosts wait for. */
  missingImages: DataLoader<string, MissingImage[]>;
  events: DataLoader<string, TaskEventRow[]>;
};

export function createLoaders(db: Db): Loaders {
  const one = <T>(list: (ids: readonly string[]) => Promise<T[]>, idOf: (row: T) => string) =>
    new DataLoader<string, T>(
      async (ids) => {
        const rows = new Map((await list(ids)).map((row) => [idOf(row), row]));
        return ids.map((id) => rows.get(id) ?? new Error(`there is no row ${id}`));
      },
      { cache: false },
    );
  const many = <T>(list: (ids: readonly string[]) => Promise<T[]>, idOf: (row: T) => string) =>
    new DataLoader<string, T[]>(
      async (ids) => {
        const rows = Map.groupBy(await list(ids), idOf);
        return ids.map((id) => rows.get(id) ?? []);
      },
      { cache: false },
    );
  return {
    agent: one(
      (ids) => listAgentsById(db, ids),
      (row) => row.id,
    ),
    unfinishedTasks: new DataLoader(
      async (ids) => {
        const counts = await countUnfinishedTasks(db, ids);
        return ids.map((id) => counts.get(id) ?? 0);
      },
      { cache: false },
    ),
    containersOfAgent: many(
      (ids) => listContainersOfAgents(db, ids),
      (row) => row.agentId,
    ),
    containersOfStack: many(
      (names) => listContainersOfStacks(db, names),
      (row) => row.stack,
    ),
    stack: one(
      (ids) => listStacksById(db, ids),
      (row) => row.id,
    ),
    revision: one(
      (ids) => listCurrentRevisions(db, ids),
      (row) => row.stackId,
    ),
    placements: many(
      (ids) => listCurrentPlacements(db, ids),
      (row) => row.stackId,
    ),
    latestDeployment: new DataLoader(
      async (ids) => {
        const rows = new Map((await listLatestDeployments(db, ids)).map((row) => [row.stackId, row]));
        return ids.map((id) => rows.get(id));
      },
      { cache: false },
    ),
    tasksOfDeployment: many(
      (ids) => listTasksOfDeployments(db, ids),
      (row) => row.deploymentId,
    ),
    openBlockers: many(
      (ids) => listOpenBlockers(db, ids),
      (row) => row.taskId,
    ),
    missingImages: many(
      (ids) => listMissingImages(db, ids),
      (row) => row.deploymentId,
    ),
    events: many(
      (ids) => listEvents(db, ids),
      (row) => row.taskId,
    ),
  };
}
