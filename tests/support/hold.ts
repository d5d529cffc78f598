import { afterAll, beforeAll } from 'vitest';

/**
 * What a whole test file uses: made before its first test and closed after its last. What is returned stands for it, so
 * that a file can name it, and take functions of it, before it is made.
 */
export function hold<T extends { close(): Promise<unknown> }>(create: () => Promise<T>): T {
  let held: T | undefined;
  beforeAll(async () => {
    held = await create();
  });
  afterAll(() => held?.close());
  return standFor(() => held);
}

/** An object that is always the one that `find` gives. */
export function standFor<T extends object>(find: () => T | undefined): T {
  return new Proxy({} as T, {
    get(_target, key) {
      const found = find();
      if (!found) throw new Error(`${String(key)} is asked for before the first test or after the last`);
      return Reflect.get(found, key);
    },
  });
}
