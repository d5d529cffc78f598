/**
 * Pure: folds the JSON lines of a pull into its progress. The bytes of a layer are those of its download. Layers that are
 * present already do not count, and extracting keeps the download's total, although Docker counts it anew from zero.
 */
import type { LayerProgress, TaskProgress } from '../../base/outcome.ts';

export type PullLine = {
  id?: string;
  status?: string;
  progressDetail?: { current?: number; total?: number };
  error?: string;
  errorDetail?: { message?: string };
};

export type PullState = { message: string; layers: ReadonlyMap<string, LayerProgress> };

export const NOTHING_PULLED: PullState = { message: '', layers: new Map() };

/** An engine says nothing while it checks or unpacks a large layer on its own disk. */
export const isAtWork = ({ layers }: PullState): boolean =>
  [...layers.values()].some(({ status }) => status === 'Verifying Checksum' || status === 'Extracting');

/** Returns the error of a pull that failed inside a stream that began with 200. */
export const pullErrorOf = (line: PullLine): string | undefined => line.errorDetail?.message ?? line.error;

const LAYER_ID = /^[0-9a-f]{12,64}$/;

export function foldPull(state: PullState, line: PullLine): PullState {
  const status = line.status ?? '';
  if (!line.id || !LAYER_ID.test(line.id)) return { ...state, message: status || state.message };
  const before = state.layers.get(line.id);
  return {
    ...state,
    layers: new Map(state.layers).set(line.id, foldLayer(before, line.id, status, line.progressDetail)),
  };
}

function foldLayer(
  before: LayerProgress | undefined,
  id: string,
  status: string,
  detail: PullLine['progressDetail'],
): LayerProgress {
  const totalBytes = before?.totalBytes;
  if (status === 'Downloading' && detail?.current !== undefined) {
    return { id, status, currentBytes: detail.current, totalBytes: detail.total ?? totalBytes };
  }
  const downloaded = ['Verifying Checksum', 'Download complete', 'Extracting', 'Pull complete'].includes(status);
  if (!downloaded) return { ...before, id, status };
  return totalBytes === undefined ? { id, status } : { id, status, currentBytes: totalBytes, totalBytes };
}

export function toPullProgress({ message, layers }: PullState): TaskProgress {
  const list = [...layers.values()];
  const sized = list.filter(({ totalBytes }) => totalBytes !== undefined);
  const sum = (pick: (layer: LayerProgress) => number | undefined) =>
    sized.reduce((total, layer) => total + (pick(layer) ?? 0), 0);
  const bytes =
    sized.length === 0 ? {} : { currentBytes: sum((l) => l.currentBytes), totalBytes: sum((l) => l.totalBytes) };
  return { message, ...bytes, layers: list };
}
