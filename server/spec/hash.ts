import { createHash } from 'node:crypto';
import type { ContainerSpec } from './spec.ts';

/** Gives the same hash for equal values, whatever the order of their keys. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(toStableJson(value)).digest('hex');
}

/** A file counts by its digest, because a secret that is sealed again is another text for the same file. */
export function specHashOf(container: ContainerSpec): string {
  if (!container.files) return hashOf(container);
  return hashOf({ ...container, files: container.files.map(({ content: _, ...file }) => file) });
}

/** Sorts keys, because the database gives back the keys of an object in an order of its own. */
export const toStableJson = (value: unknown): string => JSON.stringify(sorted(value));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
