/** Aborts when the n-th step begins. That step is still carried out, the next one is not. */
export function abortAtStep(count: number, reason: 'abandoned' | 'cancelled') {
  const abort = new AbortController();
  let steps = 0;
  const update = ({ progress }: { progress?: object }) => {
    if (!progress) steps += 1;
    if (steps === count) abort.abort(reason);
  };
  return { cancel: abort.signal, update };
}
