import type { PlanInput } from './plan-input.ts';

/** Pure: a plan's input as JSON, to look at it later and to plan from it again. */
export type SavedInput = Omit<PlanInput, 'orphans' | 'only' | 'known'> & {
  orphans: string[] | null;
  known: Omit<PlanInput['known'], 'online'> & { online: string[] };
};

/** The values of variables are left out: some may be those of secrets. */
export function toSaved({ orphans, only: _only, known, spec, ...asked }: PlanInput): SavedInput {
  const { variables: _variables, ...shown } = spec;
  return { ...asked, spec: shown, orphans: orphans && [...orphans], known: { ...known, online: [...known.online] } };
}

/** @param saved what `toSaved` returned, or an answer of the API that holds it somewhere. @throws Error if there is none */
export function fromSaved(saved: unknown): PlanInput {
  const found = find(saved);
  if (!found) throw new Error('expected the `input` of a plan: an object with "kind", "spec", "placed" and "known"');
  const { orphans, known, ...asked } = found;
  return { ...asked, orphans: orphans && new Set(orphans), known: { ...known, online: new Set(known.online) } };
}

function find(value: unknown): SavedInput | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (isSaved(value)) return value;
  return Object.values(value)
    .map(find)
    .find((one) => one !== undefined);
}

const isSaved = (value: object): value is SavedInput =>
  ['kind', 'spec', 'revision', 'placed', 'known'].every((key) => key in value);
