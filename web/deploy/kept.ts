import { session } from '../session.ts';
import type { Source } from './source.ts';

/** What the editor began with. */
type Beginning = { stack: string | null; text: string };

/**
 * Files that were written and not deployed: they outlive a click elsewhere and a reload, but neither the tab nor the session.
 * They are under one key, so that one line forgets them all.
 */
type Kept = Record<string, Source>;
const KEY = 'graphium.kept';

let { token } = session.get();
session.subscribe(() => {
  const before = token;
  token = session.get().token;
  if (before !== null && before !== token) write({});
});

const keyOf = ({ stack, text }: Beginning) => JSON.stringify([stack, text]);

export const findKept = (beginning: Beginning): Source | undefined => read()[keyOf(beginning)];

export function keep(beginning: Beginning, source: Source): void {
  if (source.text === beginning.text) forget(beginning);
  else write({ ...read(), [keyOf(beginning)]: source });
}

export function forget(beginning: Beginning): void {
  const { [keyOf(beginning)]: forgotten, ...others } = read();
  if (forgotten) write(others);
}

/** A browser may have its storage switched off or full; then the files outlive no reload. */
let inMemory: Kept = {};

function read(): Kept {
  try {
    return JSON.parse(window.sessionStorage.getItem(KEY) ?? 'null') ?? inMemory;
  } catch {
    return inMemory;
  }
}

function write(kept: Kept): void {
  inMemory = kept;
  try {
    window.sessionStorage.removeItem(KEY);
    if (Object.keys(kept).length > 0) window.sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // They are in memory all the same.
  }
}
