/** Where mounts, configs and secrets of a Compose service are put in its container. */
import { posix } from 'node:path';
import { quote } from '../problems.ts';
import type { Place } from '../reader.ts';

/** A path in the container, and the place in the file that puts something there. */
export type Target = { place: Place; path: string };

/** Normalises as Docker does: /data/ and /data are one target. Undefined stands for no absolute path below the root. */
export function toTarget(text: string): string | undefined {
  const path = posix.normalize(text).replace(/(?<=.)\/$/, '');
  return path.startsWith('/') && path !== '/' ? path : undefined;
}

/** Two things at one path would hide one another. */
export function checkTargets(targets: readonly Target[]): void {
  const taken = new Set<string>();
  for (const { place, path } of targets) {
    if (taken.has(path)) place.report('DUPLICATE_MOUNT', `expected only one thing at ${quote(path)} of the container`);
    taken.add(path);
  }
}
