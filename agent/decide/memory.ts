/**
 * Pure: what one run remembers. A crash loses it, so a decision may only depend on it where Docker's state and our labels
 * say the same, or where the safe answer is known.
 */
import type { TaskFailure } from '../base/outcome.ts';

/**
 * Why the run takes back what it began. `notes` lists what went wrong while doing so: after the first note, the run only
 * tries to give the previous container its name back; after the second, it tries nothing.
 */
export type Undo = ({ cause: 'cancelled' } | { cause: 'failed'; failure: TaskFailure; retryable: boolean }) & {
  notes: readonly string[];
};

/** What the run had done to a container before it started or discarded it. */
type Origin = 'untouched' | 'stopped' | 'created';

/** What the run has done to the container that bears the job's name. */
export type Work =
  | { is: 'untouched' }
  /** RESTART has stopped it in order to start it again. */
  | { is: 'stopped' }
  | { is: 'created'; id: string }
  | { is: 'started'; id: string; was: Origin }
  /** It cannot be started as it is, so it must be made again. */
  | { is: 'discarded'; id: string; was: Origin; started: boolean };

export type Undoing = {
  is: 'undoing';
  undo: Undo;
  /** How far the run had come. */
  work: Work;
  /** The container that the undo has started again. */
  startedId: string | null;
  /** The previous container, once it has its name back. */
  restoredId: string | null;
};

/** From `good` on nothing is taken back; from `undoing` on nothing is taken further. */
export type Phase = Work | { is: 'pulled' } | { is: 'good'; id: string; was: Origin } | Undoing;

export type Memory = {
  /** What the result says was done. */
  action: string;
  phase: Phase;
  /** Image, networks and volumes. They may be lost once; a second time is a failure. */
  parts: 'unknown' | 'ready' | 'lost' | 'readyAgain';
  /** A container was discarded because it lacked its ports; a second time is a failure. */
  recreated: boolean;
  /** Whether the previous container ran before. After a crash nobody knows, and the safe answer is yes. */
  previousRan: boolean;
  /** CLEAN: ids of networks and names of volumes that others still use. */
  spared: readonly string[];
  /** What the engine said that it will not do of what was asked of it. */
  warnings: readonly string[];
};

export const FRESH_MEMORY: Memory = {
  action: 'unchanged',
  phase: { is: 'untouched' },
  parts: 'unknown',
  recreated: false,
  previousRan: true,
  spared: [],
  warnings: [],
};

export const isPrepared = ({ parts }: Memory): boolean => parts === 'ready' || parts === 'readyAgain';
export const hasLostParts = ({ parts }: Memory): boolean => parts === 'lost' || parts === 'readyAgain';

/** Tells whether this run made the container. */
export function isMadeHere(phase: Phase, id: string): boolean {
  if (phase.is === 'undoing') return isMadeHere(phase.work, id);
  if (phase.is === 'created') return phase.id === id;
  return 'was' in phase && phase.id === id && phase.was === 'created';
}

export function isStartedHere(phase: Phase, id: string): boolean {
  if (phase.is === 'undoing') return phase.startedId === id || isStartedHere(phase.work, id);
  if (phase.is === 'discarded') return phase.id === id && phase.started;
  return phase.is === 'started' && phase.id === id;
}

export const isStoppedHere = (phase: Phase): boolean =>
  phase.is === 'stopped' || ('was' in phase && phase.was === 'stopped');

function originOf(phase: Phase, id: string): Origin {
  if (isMadeHere(phase, id)) return 'created';
  return isStoppedHere(phase) ? 'stopped' : 'untouched';
}

export const started = (phase: Phase, id: string): Phase =>
  phase.is === 'undoing' ? { ...phase, startedId: id } : { is: 'started', id, was: originOf(phase, id) };

export const discarded = (phase: Phase, id: string): Phase => ({
  is: 'discarded',
  id,
  was: originOf(phase, id),
  started: isStartedHere(phase, id),
});

export const good = (phase: Phase, id: string): Phase => ({ is: 'good', id, was: originOf(phase, id) });

/** Begins to take back what the run did. */
export function undoing(undo: Undo, phase: Phase = FRESH_MEMORY.phase): Undoing {
  const work: Work = isWork(phase) ? phase : { is: 'untouched' };
  return { is: 'undoing', undo, work, startedId: null, restoredId: null };
}

const isWork = (phase: Phase): phase is Work => phase.is !== 'undoing' && phase.is !== 'good' && phase.is !== 'pulled';

/** A cancellation takes back what was begun, unless the new container is good already. */
export function cancel(memory: Memory): Memory {
  const { phase } = memory;
  if (phase.is === 'good' || phase.is === 'undoing') return memory;
  return { ...memory, phase: undoing({ cause: 'cancelled', notes: [] }, phase) };
}

/** A failure takes back what was begun; a failure of the undo itself is noted. `good` must be ruled out before. */
export function fail(memory: Memory, failure: TaskFailure, retryable: boolean): Memory {
  const { phase } = memory;
  if (phase.is !== 'undoing') {
    return { ...memory, phase: undoing({ cause: 'failed', failure, retryable, notes: [] }, phase) };
  }
  const notes = [...phase.undo.notes, `Taking it back failed as well: ${failure.message}.`];
  return { ...memory, phase: { ...phase, undo: { ...phase.undo, notes } } };
}
