/** Aborts when the n-th step begins; that step is still done, the next one is not. */
export function abortAtStep(count: number, reason: 'abandoned' | 'cancelled') {
  const abort = new AbortController();
  let steps = 0;
  const update = ({ progress }: { progress?: object }) => {
    if (!progress) steps += 1;
    if (steps === count) abort.abort(reason);
  };
  return { cancel: abort.signal, update };
}
