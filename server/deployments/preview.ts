import { listAgentsById, listForeignContainers } from '../agents/store.ts';
import type { Tx } from '../db/types.ts';
import type { Warning } from '../db/values.ts';
import type { Action, Change } from '../planning/changes.ts';
import { containerDifferences, type FieldDifference } from '../planning/differences.ts';
import type { Downtime } from '../planning/downtime.ts';
import { placedOf } from '../planning/placed.ts';
import type { Plan } from '../planning/plan.ts';
import type { PlanInput } from '../planning/plan-input.ts';
import { hashOf, specHashOf } from '../spec/hash.ts';
import type { ContainerSpec } from '../spec/spec.ts';
import { findRevision } from '../stacks/store.ts';
import { defaultOnFailure, type OperationOptions } from './launch.ts';
import type { Resolved } from './operation.ts';

/** A plan as a person reads it before agreeing to it. */
export type PreviewItem = {
  agent: string;
  containerName: string;
  service: string | null;
  replica: number | null;
  action: Action;
  reason: string;
  differences: FieldDifference[];
};

export type Preview = {
  stack: string;
  kind: Resolved['kind'];
  revision: number;
  isNewRevision: boolean;
  items: PreviewItem[];
  images: { agent: string; image: string }[];
  downtime: Downtime[];
  warnings: Warning[];
  taskCount: number;
  onFailure: 'ROLLBACK' | 'KEEP';
  planHash: string;
  /** What the plan was made from. */
  input: PlanInput;
};

export async function toPreview(
  tx: Tx,
  { target, draft, kind, stack }: Resolved,
  input: PlanInput,
  { changes, tasks, downtime, hash }: Plan,
  warnings: readonly Warning[],
  onFailure: OperationOptions['onFailure'],
): Promise<Preview> {
  const agentIds = [...new Set(changes.map(({ agentId }) => agentId))];
  const agents = new Map((await listAgentsById(tx, agentIds)).map((row) => [row.id, row]));
  const foreign = await listForeignContainers(tx, agentIds);
  const nameOf = (agentId: string) => agents.get(agentId)?.name ?? agentId;
  const before = await readSpecs(tx, stack?.id, changes);
  const offline = [...agents.values()].filter((agent) => !agent.online);
  return {
    stack: target.name,
    kind,
    revision: target.revision,
    isNewRevision: draft !== null && !draft.isCurrent,
    items: changes.map((change) => ({
      agent: nameOf(change.agentId),
      containerName: change.containerName,
      service: change.placed?.service.name ?? null,
      replica: change.placed?.container.replica ?? null,
      action: change.action,
      reason: change.reason,
      differences: change.action === 'REPLACE' ? differencesOf(change, before) : [],
    })),
    images: tasks.flatMap(({ kind: what, agentId, image }) =>
      what === 'PULL' && image !== null ? [{ agent: nameOf(agentId), image }] : [],
    ),
    downtime,
    warnings: [
      ...warnings,
      ...offline.map(({ name, connected }) =>
        connected
          ? toWarning(
              'ENGINE_DOWN',
              `the Docker engine of ${name} does not answer: what is to be done there waits for it`,
            )
          : toWarning('AGENT_OFFLINE', `agent ${name} is offline: what is to be done there waits for it`),
      ),
      ...historyLost(stack, changes, nameOf),
      ...namesTaken(foreign, changes, nameOf),
    ],
    taskCount: tasks.length,
    onFailure: onFailure ?? defaultOnFailure(kind, target),
    // The hash covers the revision, so that somebody else's deployment in between shows even if it changed nothing yet.
    planHash: hashOf([hash, target.revision]),
    input,
  };
}

/** Hosts know of later revisions than the database does, as after it was restored from a backup. */
function historyLost(
  stack: Resolved['stack'],
  changes: readonly Change[],
  nameOf: (agentId: string) => string,
): Warning[] {
  if (!stack) return [];
  return changes.flatMap(({ agentId, containerName, observed }) => {
    if (observed === null || observed.revision <= stack.revision) return [];
    const message = `${containerName} on ${nameOf(agentId)} is at revision ${observed.revision}, and this server knows of none above ${stack.revision}, as after its database was restored from a backup: what was deployed since then is not known here`;
    return [toWarning('HISTORY_LOST', message)];
  });
}

/** What Graphium did not make it does not remove, so the deployment would fail there. */
function namesTaken(
  foreign: ReadonlyMap<string, ReadonlySet<string>>,
  changes: readonly Change[],
  nameOf: (agentId: string) => string,
): Warning[] {
  return changes.flatMap(({ action, agentId, containerName }) => {
    if (action !== 'CREATE' || !foreign.get(agentId)?.has(containerName)) return [];
    const message = `${nameOf(agentId)} has a container ${containerName} that Graphium did not make: the deployment fails there (NAME_CONFLICT) until it is removed or renamed, or this one gets another container_name`;
    return [toWarning('NAME_CONFLICT', message)];
  });
}

const toWarning = (code: string, message: string): Warning => ({ code, message, path: '', line: 1, column: 1 });

type Specs = ReadonlyMap<number, ReadonlyMap<string, ContainerSpec>>;

/** Reads, for the containers to replace, what the revisions wanted that made them. */
async function readSpecs(tx: Tx, stackId: string | undefined, changes: readonly Change[]): Promise<Specs> {
  const specs = new Map<number, ReadonlyMap<string, ContainerSpec>>();
  const numbers = changes.flatMap(({ action, observed }) =>
    action === 'REPLACE' && observed ? [observed.revision] : [],
  );
  for (const number of stackId === undefined ? [] : new Set(numbers)) {
    const spec = (await findRevision(tx, stackId ?? '', number))?.spec;
    if (!spec) continue;
    const names = changes.map(({ agentId, containerName }) => ({ agentId, containerName }));
    specs.set(number, new Map(placedOf(spec, names).map(({ container }) => [container.name, container])));
  }
  return specs;
}

function differencesOf({ observed, containerName, placed, specHash }: Change, specs: Specs): FieldDifference[] {
  const before = observed && specs.get(observed.revision)?.get(containerName);
  if (before && placed && specHashOf(before) === observed.specHash)
    return containerDifferences(before, placed.container);
  const revision = observed ? ` of revision ${observed.revision}` : '';
  return [
    {
      field: 'spec',
      old: `${observed?.specHash.slice(0, 12)}${revision}, which is not known here`,
      new: specHash?.slice(0, 12) ?? null,
    },
  ];
}
