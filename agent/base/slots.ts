/** Limits how many heavy calls (create, start, stop, remove, pull) an engine gets at once. The first to ask is the first to go. */
export type Slots = { use<T>(work: () => Promise<T>): Promise<T> };

export function createSlots(count: number): Slots {
  const waiting: (() => void)[] = [];
  let free = count;
  return {
    use: async (work) => {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else free += 1;
      }
    },
  };
}
