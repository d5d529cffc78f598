import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { countLabs } from './tests/support/lab.ts';
import { ClosingLine } from './tests/support/reporter.ts';

const CORES = 2;

type Options = { globalSetup?: string[]; timeoutMs?: number; isolate?: boolean; order?: number; maxWorkers?: number };

const project = (name: string, options: Options = {}) => ({
  // As Node does it. Vite would give our files another copy of graphql (its "module") than the one of our libraries.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }] },
  test: {
    name,
    include: [`tests/${name}/**/*.test.ts`],
    globalSetup: options.globalSetup ?? [],
    testTimeout: options.timeoutMs ?? 10_000,
    hookTimeout: 120_000,
    isolate: options.isolate ?? true,
    maxWorkers: options.maxWorkers ?? CORES,
    sequence: { groupOrder: options.order ?? 0 },
  },
});

/** Where there is one lab only, the files that need it come last and one at a time. */
const labs = await countLabs(CORES);
const onHosts = { order: labs < CORES ? 1 : 0, maxWorkers: labs, timeoutMs: 120_000 };
const POSTGRES = 'tests/support/postgres.ts';
const LAB = 'tests/support/lab.ts';
const PAGE = 'tests/support/web/page.ts';

export default defineConfig({
  test: {
    maxWorkers: CORES,
    reporters: ['default', new ClosingLine()],
    projects: [
      project('checks', { timeoutMs: 300_000 }),
      project('unit', { isolate: false }),
      project('server', { isolate: false, globalSetup: [POSTGRES], timeoutMs: 30_000 }),
      project('agent', { ...onHosts, globalSetup: [LAB], timeoutMs: 60_000 }),
      project('hostile', { ...onHosts, globalSetup: [POSTGRES, LAB], timeoutMs: 60_000 }),
      project('e2e', { ...onHosts, globalSetup: [POSTGRES, LAB] }),
      project('web', { ...onHosts, globalSetup: [POSTGRES, LAB, PAGE] }),
    ],
  },
});
