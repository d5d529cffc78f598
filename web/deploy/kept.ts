import { session } from '../session.ts';
import type { Source } from './source.ts';

/** What the editor began with. */
type Beginning = { stack: string | null; text: string };

/** Files that were written and not deployed: they outlive a click elsewhere, but neither the tab nor the session. */
const kept = new Map<string, Source>();
session.subscribe(() => kept.clear());

const keyOf = ({ stack, text }: Beginning) => JSON.stringify([stack, text]);

export const findKept = (beginning: Beginning): Source | undefined => kept.get(keyOf(beginning));

export function keep(beginning: Beginning, source: Source): void {
  if (source.text === beginning.text) forget(beginning);
  else kept.set(keyOf(beginning), source);
}

export function forget(beginning: Beginning): void {
  kept.delete(keyOf(beginning));
}
