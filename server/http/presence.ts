/** Counts what is there at a time, by a key such as an address. */
export type Presence = {
  of(key: string): number;
  /** @returns how it leaves; a second time changes nothing */
  enter(key: string): () => void;
};

export function createPresence(): Presence {
  const counts = new Map<string, number>();
  const of = (key: string) => counts.get(key) ?? 0;
  return {
    of,
    enter(key) {
      counts.set(key, of(key) + 1);
      let isThere = true;
      return () => {
        if (!isThere) return;
        isThere = false;
        if (of(key) > 1) counts.set(key, of(key) - 1);
        else counts.delete(key);
      };
    },
  };
}
