import { listContainersOfStacks } from '../agents/store.ts';
import type { Actor } from '../base/audit.ts';
import { GraphiumError } from '../base/errors.ts';
import type { Tx } from '../db/types.ts';
import type { Warning } from '../db/values.ts';
import { containerKey } from '../planning/changes.ts';
import { findImmutableChanges } from '../planning/immutable.ts';
import type { Placed } from '../planning/placed.ts';
import { placedOf } from '../planning/placed.ts';
import { checkOpen, withoutSealed } from '../secrets/at-rest.ts';
import { sealFiles } from '../secrets/seal.ts';
import { hashOf } from '../spec/hash.ts';
import type { StackSpec } from '../spec/spec.ts';
import { parseCompose } from '../stackfile/compose/parse.ts';
import { redactSecrets } from '../stackfile/compose/redact.ts';
import { parseJsonld } from '../stackfile/jsonld/parse.ts';
import {
  findRevision,
  insertRevision,
  insertStack,
  listPlacementsBefore,
  nextRevisionNumber,
  type Placement,
  type PlacementBefore,
  type RevisionRow,
  type StackRow,
  updateStack,
} from '../stacks/store.ts';
import { placeOnAgents, readSurroundings, stackError } from './draft-placement.ts';
import type { Seen } from './plan-input.ts';
import { findLockedStack } from './store.ts';

/** A stack file as the user sent it. */
export type StackFile = {
  format: 'JSONLD' | 'COMPOSE';
  source: string;
  /** The stack's name, for a Compose file without one. */
  name: string | null;
  variables: Record<string, string>;
  profiles: readonly string[];
};

/** A revision that may become the stack's next one, with a place for each of its containers. Nothing has been written yet. */
export type Draft = {
  stack: StackRow | undefined;
  spec: StackSpec;
  placed: Placed[];
  number: number;
  seen: Seen;
  /** Whether the stack's current revision is the same in every respect. */
  isCurrent: boolean;
  text: Pick<RevisionRow, 'format' | 'source' | 'variableNames' | 'note' | 'copyOf'>;
  warnings: Warning[];
};

/**
 * Drafts a revision from a stack file. The caller holds the planning lock.
 * @throws GraphiumError STACK_INVALID, STACK_FORMAT_CONFLICT, UNKNOWN_HOST, NO_AGENT_FITS, NO_AGENT_AVAILABLE,
 *   NAME_IN_USE, PORT_IN_USE, CONFLICT
 */
export async function draftFromFile(tx: Tx, file: StackFile): Promise<Draft> {
  const { spec: plain, warnings, variableNames } = parse(file);
  const { stack, current } = (await findLockedStack(tx, plain.name)) ?? {};
  if (current && stack?.desired !== 'DELETED' && current.format !== file.format) {
    throw new GraphiumError(
      'STACK_FORMAT_CONFLICT',
      `The stack "${plain.name}" came from a ${current.format} file. Delete it first, or give this one another name.`,
    );
  }
  const source = file.format === 'COMPOSE' ? redactSecrets(file.source) : file.source;
  const text = { format: file.format, source, variableNames, note: null, copyOf: null };
  const values = variableNames.flatMap((name) => {
    const value = file.variables[name];
    return value ? [[name, value] as const] : [];
  });
  const spec = sealFiles(
    values.length > 0 ? { ...plain, variables: Object.fromEntries(values) } : plain,
    tx.$vault,
    plain.name,
  );
  return draft(tx, stack, current, { spec, text, warnings, file });
}

/** Drafts the stack as another of its revisions has it, or with a change that no file contains. */
export async function draftFromRevision(
  tx: Tx,
  stack: StackRow,
  number: number,
  change: { note: string; spec?: (spec: StackSpec) => StackSpec; onlyGlobals?: boolean },
): Promise<Draft> {
  const revision = await findRevision(tx, stack.id, number);
  if (!revision) {
    throw new GraphiumError('NOT_FOUND', `The stack "${stack.name}" has no revision ${number}.`);
  }
  // What cannot be opened would be deployed without its environment.
  checkOpen(revision.spec);
  const current = await findRevision(tx, stack.id, stack.revision);
  const { format, source, variableNames } = revision;
  const spec = change.spec ? change.spec(revision.spec) : revision.spec;
  return draft(tx, stack, current, {
    spec,
    text: {
      format,
      source,
      variableNames,
      note: change.note,
      copyOf: change.spec ? null : (revision.copyOf ?? number),
    },
    warnings: [],
    file: { format, source },
    onlyGlobals: change.onlyGlobals ?? false,
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
    onlyGlobals = false,
  }: Pick<Draft, 'spec' | 'text' | 'warnings'> & {
    file: Pick<StackFile, 'format' | 'source'>;
    /** The others get no place. */
    onlyGlobals?: boolean;
  },
): Promise<Draft> {
  const [kept, surroundings, containers, next] = await Promise.all([
    stack ? listPlacementsBefore(tx, stack) : [],
    readSurroundings(tx, spec.name),
    listContainersOfStacks(tx, [spec.name]),
    nextRevisionNumber(tx, spec.name),
  ]);
  const before = kept.filter(({ revision }) => revision === stack?.revision);
  const good = kept.filter(({ revision }) => revision === stack?.goodRevision);
  const placedBefore = toPlacedBefore(spec, before, good);
  const services = onlyGlobals ? spec.services.filter((service) => service.global) : spec.services;
  const { placed, warnings: about } = placeOnAgents(surroundings, file, { ...spec, services }, placedBefore);
  if (current && stack?.desired !== 'DELETED') {
    // What was never made is in nobody's way, such as a first try with a wrong subnet.
    const there = new Set(containers.map(({ agentId, name }) => containerKey(agentId, name)));
    const made = before
      .map(({ agentId, liveAgentId, containerName }) => ({ agentId: liveAgentId ?? agentId, containerName }))
      .filter(({ agentId, containerName }) => there.has(containerKey(agentId, containerName)));
    checkParts({ spec: withoutSealed(current.spec), placed: placedOf(current.spec, made) }, { spec, placed });
  }
  const isSame =
    current !== undefined &&
    next === current.number + 1 &&
    stack?.desired !== 'DELETED' &&
    hashOf(withoutSeals(current.spec)) === hashOf(withoutSeals(spec)) &&
    isSamePlacement(before, placed) &&
    (text.note !== null || current.source === text.source);
  const number = isSame ? current.number : next;
  const seen = { agents: surroundings.agents, containers };
  return { stack, spec, placed, number, seen, isCurrent: isSame, text, warnings: [...warnings, ...about] };
}

/**
 * Where the last good revision has its containers their data is, too, whatever a later one wanted. A container of a global
 * service has no other place than its agent, so that only its number may change.
 */
function toPlacedBefore(
  { services }: StackSpec,
  current: readonly PlacementBefore[],
  good: readonly PlacementBefore[],
): Map<string, string> {
  const ofGlobal = services.flatMap((service) => (service.global && service.nameBase ? [`${service.nameBase}-`] : []));
  const isGlobal = (name: string) =>
    ofGlobal.some((base) => name.startsWith(base) && /^\d+$/.test(name.slice(base.length)));
  const taken = new Set(current.map(({ containerName }) => containerName));
  const rows = [...current, ...good.filter(({ containerName: name }) => !(isGlobal(name) && taken.has(name)))];
  return new Map(
    rows.flatMap(({ containerName, liveAgentId }) =>
      liveAgentId === null ? [] : [[containerName, liveAgentId] as const],
    ),
  );
}

function checkParts(...sides: Parameters<typeof findImmutableChanges>): void {
  const [first] = findImmutableChanges(...sides);
  if (!first) return;
  const { part, name, fields } = first;
  const message = `The ${part} "${name}" is in use and would change (${fields.join(', ')}), which Docker cannot do.`;
  const out = `Give it another name in the file, or delete the stack first and deploy it again.`;
  throw new GraphiumError('CONFLICT', `${message} ${out}`, { [part]: name });
}

/** Makes the draft the stack's current revision. */
export async function storeDraft(tx: Tx, actor: Actor, draft: Draft): Promise<StackRow> {
  if (draft.isCurrent && draft.stack) return draft.stack;
  const stack = draft.stack ?? (await insertStack(tx, draft.spec.name));
  const { number, spec, text, placed } = draft;
  await Promise.all([
    insertRevision(
      tx,
      { ...text, stackId: stack.id, number, spec, createdBy: actor.name },
      placed.map(({ agentId, container }) => ({ agentId, containerName: container.name })),
    ),
    updateStack(tx, stack.id, { revision: number }),
  ]);
  return { ...stack, revision: number };
}

function parse(file: StackFile): { spec: StackSpec; warnings: Warning[]; variableNames: string[] } {
  if (file.format === 'JSONLD') {
    const parsed = parseJsonld(file.source);
    if (parsed.ok) return { spec: parsed.spec, warnings: [], variableNames: [] };
    throw stackError('STACK_INVALID', parsed.problems);
  }
  const { name, variables, profiles } = file;
  const parsed = parseCompose(file.source, { ...(name !== null && { name }), variables, profiles });
  if (parsed.ok) return parsed;
  throw stackError('STACK_INVALID', parsed.problems);
}

function isSamePlacement(before: readonly Placement[], placed: readonly Placed[]): boolean {
  const old = new Set(before.map(({ agentId, containerName }) => containerKey(agentId, containerName)));
  return (
    old.size === placed.length &&
    placed.every(({ agentId, container }) => old.has(containerKey(agentId, container.name)))
  );
}

/**
 * Leaves out the contents of files: a secret that is sealed twice looks different, and its digest does not. What the
 * variables changed is in the services.
 */
function withoutSeals({ variables: _variables, ...spec }: StackSpec): StackSpec {
  const services = spec.services.map((service) => {
    const files = service.container.files?.map((file) => ({ ...file, content: '' }));
    return files ? { ...service, container: { ...service.container, files } } : service;
  });
  return { ...spec, services };
}
