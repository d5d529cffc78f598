import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import {
  createLab,
  findLab,
  findsOwnHosts,
  hasLab,
  type Lab,
  type LabHostData,
  type LabImages,
} from '../../lab/lab.ts';
import { countFiles, share } from './shared.ts';

/** A lab as plain data, as tests get it; hosts are cut with cutHost and restoreHost of lab/lab.ts. */
export type TestLab = Pick<Lab, 'mode' | 'serverAddress'> & { images: LabImages; hosts: LabHostData[] };

declare module 'vitest' {
  interface ProvidedContext {
    labs: TestLab[];
  }
}

const isRootOnLinux = process.platform === 'linux' && process.getuid?.() === 0;

/** Real hosts wherever they can be had without surprising a developer with packages: always in CI as root. */
const isCertain = () => hasLab() || (isRootOnLinux && process.env.CI !== undefined);

/** How many files may use hosts at the same time: each has a lab to itself, but an engine of the machine is there once. */
export async function countLabs(wanted: number): Promise<number> {
  return isCertain() || (await findsOwnHosts()) ? wanted : 1;
}

/** The lab of the running test file alone. */
export function getLab(): TestLab {
  const labs = inject('labs');
  const lab = labs[(Number(process.env.VITEST_POOL_ID) - 1) % labs.length];
  if (!lab) throw new Error('the run has no lab');
  return lab;
}

/** vitest's global setup: the labs for all projects of the run; the returned function is the teardown. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [labs, release] = await share('labs', () => startLabs(project), closeLabs);
  project.provide('labs', labs.map(toTestLab));
  return release;
}

/** One for each worker, and no more than files. */
async function startLabs(project: TestProject): Promise<Lab[]> {
  const count = Math.max(1, Math.min(project.config.maxWorkers, await countFiles(project, import.meta.filename)));
  const starts = Array.from({ length: count }, () => (isCertain() ? createLab() : findLab()));
  const results = await Promise.allSettled(starts);
  const labs = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failure = results.find((result) => result.status === 'rejected');
  if (!failure) return labs;
  await closeLabs(labs);
  throw failure.reason;
}

const closeLabs = async (labs: Lab[]) => void (await Promise.all(labs.map((lab) => lab.close())));

function toTestLab({ mode, serverAddress, images, hosts }: Lab): TestLab {
  return { mode, serverAddress, images, hosts: hosts.map(({ cut, restore, ...data }) => data) };
}
