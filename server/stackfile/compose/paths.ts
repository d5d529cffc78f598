/** Paths in a container and permission bits, as mounts, configs and secrets of a Compose service give them. */
import { posix } from 'node:path';
import { quote, type Report, type Spot, type Value } from '../text.ts';
import { misread } from './scalars.ts';

/** Where something is put in a container, and what puts it there: two at one place would hide one another. */
export type Target = { spot: Spot; path: string };

/** As Docker does: /data/ and /data are one place. Undefined: no absolute path below the root. */
export function toTarget(text: string): string | undefined {
  const path = posix.normalize(text).replace(/(?<=.)\/$/, '');
  return path.startsWith('/') && path !== '/' ? path : undefined;
}

export function checkTargets(report: Report, targets: readonly Target[]): void {
  const taken = new Set<string>();
  for (const { spot, path } of targets) {
    if (taken.has(path)) report('DUPLICATE_MOUNT', spot, `expected only one thing at ${quote(path)} of the container`);
    taken.add(path);
  }
}

const MODE_FORM = 'octal permission bits such as 0444 or "0444"';

/**
 * Compose says that a mode is octal. YAML 1.2 reads 0444 as four hundred and forty-four, and YAML 1.1 as an octal
 * number, so it is read as written; a bare 444 is refused, since Compose takes it for a decimal number, which nobody means.
 */
export function readMode(report: Report, value: Value | undefined): number | undefined {
  if (value === undefined) return undefined;
  const mode = value.kind === 'string' || value.kind === 'number' ? toMode(value.text) : undefined;
  if (mode === undefined) return misread(report, value, MODE_FORM);
  if (value.kind === 'number' && !value.text.startsWith('0')) {
    return misread(report, value, `${MODE_FORM} (with a leading 0, or as a string)`);
  }
  return mode;
}

export function toMode(text: string): number | undefined {
  const digits = /^(?:0o)?([0-7]{1,6})$/.exec(text)?.[1];
  const mode = digits === undefined ? undefined : Number.parseInt(digits, 8);
  return mode !== undefined && mode <= 0o7777 ? mode : undefined;
}
