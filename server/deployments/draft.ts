import { listAgents, listContainersOfAgents, listContainersOfStacks } from '../agents/store.ts';
import type { Actor } from '../base/audit.ts';
import { GraphiumError } from '../base/errors.ts';
import type { Tx } from '../db/connect.ts';
import type { Warning } from '../db/values.ts';
import { findClashes, type Neighbour } from '../planning/conflicts.ts';
import { findRedefined } from '../planning/immutable.ts';
import { type Candidate, type Placed, place } from '../planning/placement.ts';
import { findUnreached } from '../planning/unreachable.ts';
import { sealFiles, type Vault } from '../secrets/seal.ts';
import { hashOf } from '../spec/hash.ts';
import type { StackSpec } from '../spec/spec.ts';
import { parseCompose } from '../stackfile/compose/parse.ts';
import { redactSecrets } from '../stackfile/compose/redact.ts';
import { parseJsonld } from '../stackfile/jsonld/parse.ts';
import { locateService } from '../stackfile/locate.ts';
import type { Problem } from '../stackfile/problems.ts';
import {
  findRevision,
  insertRevision,
  insertStack,
  listNeighbours,
  listPlacements,
  nextRevisionNumber,
  type RevisionRow,
  type StackRow,
  updateStack,
} from '../stacks/store.ts';
import { placedOf } from './plan-input.ts';
import { findLockedStack } from './store.ts';

/** A stack file as the user sent it. */
export type StackFile = {
  format: 'JSONLD' | 'COMPOSE';
  source: string;
  /** For a Compose file that has none. */
  name: string | null;
  variables: Record<string, string>;
  profiles: readonly string[];
};

/** A revision that may become the stack's next one, with a place for each of its containers. Nothing is written yet. */
export type Draft = {
  stack: StackRow | undefined;
  spec: StackSpec;
  placed: Placed[];
  number: number;
  /** The stack's current revision is the same in every respect. */
  isCurrent: boolean;
  text: Pick<RevisionRow, 'format' | 'source' | 'variableNames' | 'note'>;
  warnings: Warning[];
};

/**
 * The caller holds the planning lock.
 * @throws GraphiumError STACK_INVALID, STACK_FORMAT_CONFLICT, UNKNOWN_HOST, NO_AGENT_FITS, NO_AGENT_AVAILABLE,
 *   NAME_IN_USE, PORT_IN_USE, CONFLICT
 */
export async function draftFromFile(tx: Tx, file: StackFile, vault: Vault): Promise<Draft> {
  const { spec: plain, warnings, variableNames } = parse(file);
  const stack = await findLockedStack(tx, plain.name);
  const current = stack && (await findRevision(tx, stack.id, stack.revision));
  if (current && stack.desired !== 'DELETED' && current.format !== file.format) {
    throw new GraphiumError(
      'STACK_FORMAT_CONFLICT',
      `The stack "${plain.name}" came from a ${current.format} file. Delete it first, or give this one another name.`,
    );
  }
  const source = file.format === 'COMPOSE' ? redactSecrets(file.source) : file.source;
  const text = { format: file.format, source, variableNames, note: null };
  const spec = sealFiles(plain, vault, plain.name);
  return draft(tx, stack, current, { spec, text, warnings, file });
}

/** The stack as another of its revisions has it, or with something changed that no file says. */
export async function draftFromRevision(
  tx: Tx,
  stack: StackRow,
  number: number,
  change: { note: string; spec?: (spec: StackSpec) => StackSpec },
): Promise<Draft> {
  const revision = await findRevision(tx, stack.id, number);
  if (!revision) {
    throw new GraphiumError('NOT_FOUND', `The stack "${stack.name}" has no revision ${number}.`);
  }
  const current = await findRevision(tx, stack.id, stack.revision);
  const { format, source, variableNames } = revision;
  const spec = change.spec ? change.spec(revision.spec) : revision.spec;
  return draft(tx, stack, current, {
    spec,
    text: { format, source, variableNames, note: change.note },
    warnings: [],
    file: { format, source },
  });
}

async function draft(
  tx: Tx,
  stack: StackRow | undefined,
  current: RevisionRow | undefined,
  {
    spec,
    text,
    warnings,
    file,
  }: Pick<Draft, 'spec' | 'text' | 'warnings'> & { file: Pick<StackFile, 'format' | 'source'> },
): Promise<Draft> {
  const before = stack ? await listPlacements(tx, stack.id) : [];
  const now = before.filter(({ revision }) => revision === stack?.revision);
  const previous = new Map(now.map(({ name, agentId }) => [name, agentId]));
  const { placed, warnings: about } = await placeOnAgents(tx, file, spec, previous);
  if (current && stack?.desired !== 'DELETED') {
    // What was never made is in nobody's way: a first try with a wrong subnet, say.
    const there = new Set(
      (await listContainersOfStacks(tx, [spec.name])).map(({ agentId, name }) => `${agentId}:${name}`),
    );
    const made = now.filter(({ agentId, name }) => there.has(`${agentId}:${name}`));
    checkParts({ spec: current.spec, placed: placedOf(current.spec, toPlacements(made)) }, { spec, placed });
  }
  const next = await nextRevisionNumber(tx, stack ?? { name: spec.name, revision: 0 });
  const isSame =
    current !== undefined &&
    next === current.number + 1 &&
    stack?.desired !== 'DELETED' &&
    hashOf(withoutSeals(current.spec)) === hashOf(withoutSeals(spec)) &&
    isSamePlacement(now, placed) &&
    (text.note !== null || current.source === text.source);
  const number = isSame ? current.number : next;
  return { stack, spec, placed, number, isCurrent: isSame, text, warnings: [...warnings, ...about] };
}

const toPlacements = (rows: readonly { agentId: string; name: string }[]) =>
  rows.map(({ agentId, name }) => ({ agentId, containerName: name }));

function checkParts(...sides: Parameters<typeof findRedefined>): void {
  const [first] = findRedefined(...sides);
  if (!first) return;
  const { part, name, fields } = first;
  const message = `The ${part} "${name}" is in use and is to be another (${fields.join(', ')}), which Docker cannot do.`;
  const out = `Give it another name in the file, or delete the stack first and deploy it again.`;
  throw new GraphiumError('CONFLICT', `${message} ${out}`, { [part]: name });
}

/** Makes the draft the stack's current revision. */
export async function storeDraft(tx: Tx, actor: Actor, draft: Draft): Promise<StackRow> {
  if (draft.isCurrent && draft.stack) return draft.stack;
  const stack = draft.stack ?? (await insertStack(tx, draft.spec.name));
  const { number, spec, text, placed } = draft;
  await insertRevision(
    tx,
    { ...text, stackId: stack.id, number, spec, createdBy: actor.name },
    placed.map(({ agentId, container }) => ({ agentId, containerName: container.name })),
  );
  await updateStack(tx, stack.id, { desired: 'RUNNING', revision: number });
  return { ...stack, revision: number };
}

function parse(file: StackFile): { spec: StackSpec; warnings: Warning[]; variableNames: string[] } {
  if (file.format === 'JSONLD') {
    const parsed = parseJsonld(file.source);
    if (parsed.ok) return { spec: parsed.spec, warnings: [], variableNames: [] };
    throw invalid('STACK_INVALID', parsed.problems);
  }
  const { name, variables, profiles } = file;
  const parsed = parseCompose(file.source, { ...(name !== null && { name }), variables, profiles });
  if (parsed.ok) return parsed;
  throw invalid('STACK_INVALID', parsed.problems);
}

type PlaceCode = 'UNKNOWN_HOST' | 'NO_AGENT_FITS' | 'NO_AGENT_AVAILABLE' | 'NAME_IN_USE' | 'PORT_IN_USE';

/** One message for people who read one line; all of them, with their places, for programs. */
function invalid(code: 'STACK_INVALID' | PlaceCode, problems: Problem[]) {
  const [first] = problems;
  const place = first ? `${first.path} (line ${first.line}, column ${first.column}): ${first.message}` : '';
  const more = problems.length > 1 ? `; and ${problems.length - 1} more` : '';
  return new GraphiumError(code, `${place}${more}`, { problems });
}

async function placeOnAgents(
  tx: Tx,
  file: Pick<StackFile, 'format' | 'source'>,
  spec: StackSpec,
  previous: ReadonlyMap<string, string>,
): Promise<{ placed: Placed[]; warnings: Warning[] }> {
  const neighbours = (await listNeighbours(tx, spec.name)).flatMap(({ stack, spec: theirs, placements }) =>
    placedOf(theirs, placements).map(({ agentId, container }): Neighbour => ({ stack, agentId, container })),
  );
  const candidates = await listCandidates(tx, spec, neighbours);
  const { placed, problems, skipped } = place(spec, candidates, previous);
  const all = problems.length > 0 ? problems : findClashes(placed, neighbours);
  const at = (service: string) => locateService(file, service);
  const [first] = all;
  if (first) {
    throw invalid(
      first.code,
      all.map(({ service, ...problem }) => ({ ...problem, ...at(service) })),
    );
  }
  const names = new Map(candidates.map(({ id, name }) => [id, name]));
  const unreached = findUnreached(spec, placed, (id) => names.get(id) ?? id);
  const warnings = [
    ...skipped.map(({ service, agent, reason }) => {
      const message = `"${service}" is global and has no container on ${agent}: ${reason}`;
      return { code: 'AGENT_SKIPPED', message, ...at(service) };
    }),
    ...unreached.map(({ service, message }) => ({ code: 'NETWORK_SPLIT', message, ...at(service) })),
  ];
  return { placed, warnings };
}

async function listCandidates(tx: Tx, spec: StackSpec, neighbours: readonly Neighbour[]): Promise<Candidate[]> {
  const agents = await listAgents(tx);
  const containers = await listContainersOfAgents(
    tx,
    agents.map((agent) => agent.id),
  );
  const others = Map.groupBy(
    containers.filter((container) => container.stack !== spec.name),
    (container) => container.agentId,
  );
  const wanted = Map.groupBy(neighbours, (neighbour) => neighbour.agentId);
  return agents.map(({ id, name, labels, engine, online }) => ({
    id,
    name,
    labels,
    os: engine?.os ?? null,
    arch: engine?.arch ?? null,
    online,
    load: others.get(id)?.length ?? 0,
    taken: (wanted.get(id) ?? []).flatMap(takenBy),
  }));
}

function takenBy({ container, stack }: Neighbour): Candidate['taken'] {
  return container.ports.flatMap(({ hostPort, hostIp, protocol }) =>
    hostPort === null
      ? []
      : [{ port: hostPort, ip: hostIp, protocol, by: `"${container.name}" of the stack "${stack}"` }],
  );
}

function isSamePlacement(before: readonly { agentId: string; name: string }[], placed: readonly Placed[]): boolean {
  const key = (agentId: string, name: string) => `${agentId}:${name}`;
  const old = new Set(before.map(({ agentId, name }) => key(agentId, name)));
  return old.size === placed.length && placed.every(({ agentId, container }) => old.has(key(agentId, container.name)));
}

/** Sealed twice, a secret looks different; its digest does not. */
function withoutSeals(spec: StackSpec): StackSpec {
  const services = spec.services.map((service) => {
    const files = service.container.files?.map((file) => ({ ...file, content: '' }));
    return files ? { ...service, container: { ...service.container, files } } : service;
  });
  return { ...spec, services };
}
