import type { TestProject } from 'vitest/node';

/** What several vitest projects of one run use together. Each loads its own copy of our modules, so it hangs on the process. */
type Shared = { users: number; value: Promise<unknown> };

const shelf: { [key: symbol]: Shared | undefined } = globalThis;

/** @returns what the first user made, and the function that its users call at their end: the last one closes it */
export async function share<T>(
  name: string,
  create: () => Promise<T>,
  close: (value: T) => Promise<void>,
): Promise<[value: T, release: () => Promise<void>]> {
  const key = Symbol.for(`graphium.tests.${name}`);
  const shared = shelf[key] ?? { users: 0, value: create() };
  shelf[key] = shared;
  shared.users += 1;
  const release = async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    if (shelf[key] === shared) shelf[key] = undefined;
    await close((await shared.value) as T);
  };
  return [(await shared.value) as T, release];
}

/** How many test files of this run use a global setup. */
export async function countFiles({ vitest }: TestProject, setupPath: string): Promise<number> {
  const users = vitest.projects.filter(({ config }) => [config.globalSetup].flat().includes(setupPath));
  // What was asked for on the command line is in no public type.
  const { filenamePattern } = vitest as { filenamePattern?: string[] };
  const found = await Promise.all(users.map((user) => user.globTestFiles(filenamePattern)));
  return found.flatMap(({ testFiles }) => testFiles).length;
}
