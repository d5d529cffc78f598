import { isLeftover } from '../leftover.ts';
import type { Revision, Stack } from './documents.ts';

/** `finished`: ended, as they were meant to; `unknown`: on hosts that are offline. */
export type Service = { name: string; wanted: number; running: number; finished: number; unknown: number };

const byName = new Intl.Collator('en', { numeric: true });

/** @param revisions newest first. Their notes name the services that were scaled to none, which no list contains. */
export function toServices(
  stack: Pick<Stack, 'wanted' | 'containers' | 'state'>,
  revisions: readonly Pick<Revision, 'note'>[],
): Service[] {
  // A stack as a whole runs only if what has ended in it was meant to end.
  const isWhole = stack.state === 'RUNNING';
  const names = new Set([...stack.wanted.map((each) => each.service), ...toSleeping(revisions)]);
  return [...names].sort(byName.compare).map((name) => {
    const containers = stack.containers.filter((each) => each.service === name);
    const known = containers.filter((each) => each.unknownSince === null);
    return {
      name,
      wanted: stack.wanted.filter((each) => each.service === name).length,
      running: known.filter((each) => each.state === 'RUNNING').length,
      finished: isWhole ? known.filter((each) => each.state === 'EXITED' && !isLeftover(stack, each)).length : 0,
      unknown: containers.length - known.length,
    };
  });
}

/** Returns the services that were scaled to none since the last file was deployed, as the notes say. */
function toSleeping(revisions: readonly Pick<Revision, 'note'>[]): string[] {
  const names: string[] = [];
  for (const { note } of revisions) {
    if (note === null) break;
    const name = /^(\S+) scaled to 0$/.exec(note)?.[1];
    if (name) names.push(name);
  }
  return names;
}
