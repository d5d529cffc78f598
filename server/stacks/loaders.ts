import { loadMany, loadOne } from '../schema/loader.ts';
import { listCurrentPlacements, listCurrentRevisions, listStacksById } from './store.ts';

export const stackById = loadOne(listStacksById, (row) => row.id);

/** By the stack's id. */
export const currentRevision = loadOne(listCurrentRevisions, (row) => row.stackId);

/** By the stack's id. */
export const currentPlacements = loadMany(listCurrentPlacements, (row) => row.stackId);
