import { useSyncExternalStore } from 'react';

/**
 * The API's times come from the database, and a browser's clock may be minutes off, so the `Date` header of the
 * server's answers corrects it. The header counts whole seconds, hence the tolerance.
 */
const TOLERANCE_MS = 2_000;
const TICK_MS = 1_000;

let offsetMs = 0;
let tick = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

export function noteServerDate(header: string | null): void {
  const serverMs = header ? Date.parse(header) : Number.NaN;
  if (Number.isNaN(serverMs)) return;
  const difference = serverMs + 500 - Date.now();
  offsetMs = Math.abs(difference) > TOLERANCE_MS ? difference : 0;
}

/** Returns the server's time in milliseconds, and makes the component render again every second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => tick) + offsetMs;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  tick = Date.now();
  timer ??= setInterval(beat, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function beat(): void {
  tick = Date.now();
  for (const listener of [...listeners]) listener();
}
