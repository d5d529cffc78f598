/**
 * Remembers for some seconds that a check succeeded, so that ten containers of a host ask only once for their image and
 * network. Callers that come during the check share its result. A failure is not remembered.
 */
export type Once = {
  run(key: string, work: () => Promise<void>): Promise<void>;
  forget(key: string): void;
  forgetAll(): void;
};

export function createOnce(rememberMs: number): Once {
  const entries = new Map<string, { done: Promise<void>; until: number }>();
  return {
    run: (key, work) => {
      const known = entries.get(key);
      if (known && performance.now() < known.until) return known.done;
      const entry = { done: work(), until: Number.POSITIVE_INFINITY };
      entries.set(key, entry);
      entry.done.then(
        () => {
          entry.until = performance.now() + rememberMs;
        },
        () => {
          if (entries.get(key) === entry) entries.delete(key);
        },
      );
      return entry.done;
    },
    forget: (key) => {
      entries.delete(key);
    },
    forgetAll: () => entries.clear(),
  };
}
