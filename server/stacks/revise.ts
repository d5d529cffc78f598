import { listAgents, listContainersOfAgents } from '../agents/store.ts';
import type { Actor } from '../audit.ts';
import type { Tx } from '../db/connect.ts';
import { place } from '../deployments/placement.ts';
import { findLockedStack } from '../deployments/store.ts';
import { GraphiumError } from '../errors.ts';
import { findClashes, type Neighbour } from './clash.ts';
import { hashOf } from './hash.ts';
import { parseJsonld } from './jsonld.ts';
import { locateHost } from './locate.ts';
import type { Problem } from './source.ts';
import type { StackSpec } from './spec.ts';
import {
  findRevision,
  insertRevision,
  insertStack,
  listNeighbours,
  listPlacements,
  type StackRow,
  updateStack,
} from './store.ts';

/** A stack file as the user sent it. */
export type StackFile = { format: 'JSONLD'; source: string };

/**
 * Makes the file the stack's current revision, with a place for each of its containers. The same file again is the same
 * revision. The caller holds the planning lock.
 * @throws GraphiumError STACK_INVALID, STACK_FORMAT_CONFLICT, UNKNOWN_HOST, NO_AGENT_AVAILABLE, NAME_IN_USE, PORT_IN_USE
 */
export async function saveRevision(tx: Tx, actor: Actor, file: StackFile): Promise<StackRow> {
  const spec = parse(file);
  const existing = await findLockedStack(tx, spec.name);
  const current = existing && (await findRevision(tx, existing.id, existing.revision));
  if (current && existing.desired !== 'DELETED' && current.format !== file.format) {
    throw new GraphiumError(
      'STACK_FORMAT_CONFLICT',
      `The stack "${spec.name}" came from a ${current.format} file. Delete it first, or give this one another name.`,
    );
  }
  const placed = await placeOnAgents(tx, file, spec, existing);
  const placement = placed.map(({ service, agentId }) => ({ agentId, containerName: service.container.name }));
  if (existing && current?.source === file.source && hashOf(current.spec) === hashOf(spec)) {
    const before = (await listPlacements(tx, existing.id)).filter(({ revision }) => revision === existing.revision);
    const same = before.map(({ agentId, name }) => ({ agentId, containerName: name }));
    if (isSamePlacement(same, placement)) return existing;
  }
  const stack = existing ?? (await insertStack(tx, spec.name));
  const number = stack.revision + 1;
  const { format, source } = file;
  await insertRevision(tx, { stackId: stack.id, number, format, source, spec, createdBy: actor.name }, placement);
  await updateStack(tx, stack.id, { desired: 'RUNNING', revision: number });
  return { ...stack, revision: number };
}

function parse(file: StackFile): StackSpec {
  const parsed = parseJsonld(file.source);
  if (parsed.ok) return parsed.spec;
  throw invalid('STACK_INVALID', parsed.problems);
}

/** One message for people who read one line; all of them, with their places, for programs. */
function invalid(
  code: 'STACK_INVALID' | 'UNKNOWN_HOST' | 'NO_AGENT_AVAILABLE' | 'NAME_IN_USE' | 'PORT_IN_USE',
  problems: Problem[],
) {
  const [first] = problems;
  const place = first ? `${first.path} (line ${first.line}, column ${first.column}): ${first.message}` : '';
  const more = problems.length > 1 ? `; and ${problems.length - 1} more` : '';
  return new GraphiumError(code, `${place}${more}`, { problems });
}

async function placeOnAgents(tx: Tx, file: StackFile, spec: StackSpec, stack: StackRow | undefined) {
  const agents = await listAgents(tx);
  const containers = await listContainersOfAgents(
    tx,
    agents.map((agent) => agent.id),
  );
  const load = Map.groupBy(containers, (container) => container.agentId);
  const before = stack ? await listPlacements(tx, stack.id) : [];
  const previous = new Map(
    before.filter(({ revision }) => revision === stack?.revision).map(({ name, agentId }) => [name, agentId]),
  );
  const candidates = agents.map(({ id, name, online }) => ({ id, name, online, load: load.get(id)?.length ?? 0 }));
  const { placed, problems } = place(spec, candidates, previous);
  const at = (service: string) => locateHost(file.source, service);
  const [problem] = problems;
  if (problem) {
    throw invalid(
      problem.code,
      problems.map(({ code, message, service }) => ({ code, message, ...at(service) })),
    );
  }
  const neighbours: Neighbour[] = await listNeighbours(tx, spec.name);
  const [clash, ...others] = findClashes(placed, neighbours);
  if (clash) {
    throw invalid(
      clash.code,
      [clash, ...others].map(({ code, message, service }) => ({ code, message, ...at(service) })),
    );
  }
  return placed;
}

function isSamePlacement(
  a: readonly { agentId: string; containerName: string }[],
  b: readonly { agentId: string; containerName: string }[],
): boolean {
  const keys = (list: typeof a) =>
    list
      .map(({ agentId, containerName }) => `${agentId}:${containerName}`)
      .toSorted()
      .join();
  return keys(a) === keys(b);
}
