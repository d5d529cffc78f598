import type { TestProject } from 'vitest/node';
import { createLab, findLab, hasLab, type Lab, type LabHostData, type LabImages } from '../../lab/lab.ts';

/** What tests get by `inject('lab')`: the lab as plain data; hosts are cut with cutHost and restoreHost of lab/lab.ts. */
export type TestLab = Pick<Lab, 'mode' | 'serverAddress'> & { images: LabImages; hosts: LabHostData[] };

declare module 'vitest' {
  interface ProvidedContext {
    lab: TestLab;
  }
}

type SharedLab = { users: number; lab: Promise<Lab> };

/** Every vitest project loads its own copy of this module, so the one lab of all of them hangs on the process. */
const shelf: { [key: symbol]: SharedLab | undefined } = globalThis;
const key = Symbol.for('graphium.tests.lab');

/** vitest's global setup: one lab for all projects of the run; the returned function is the teardown. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const shared = shelf[key] ?? { users: 0, lab: startLab() };
  shelf[key] = shared;
  shared.users += 1;
  project.provide('lab', toTestLab(await shared.lab));
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    if (shelf[key] === shared) shelf[key] = undefined;
    await (await shared.lab).close();
  };
}

/** Real hosts wherever they can be had without surprising a developer with packages: always in CI as root. */
function startLab(): Promise<Lab> {
  const isRootOnLinux = process.platform === 'linux' && process.getuid?.() === 0;
  return hasLab() || (isRootOnLinux && process.env.CI) ? createLab() : findLab();
}

function toTestLab({ mode, serverAddress, images, hosts }: Lab): TestLab {
  return { mode, serverAddress, images, hosts: hosts.map(({ cut, restore, ...data }) => data) };
}
