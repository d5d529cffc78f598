import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { ClosingLine } from './tests/support/reporter.ts';

const project = (name: string, options: { globalSetup?: string[]; timeoutMs?: number; serial?: boolean } = {}) => ({
  // As Node does it. Vite would give our files another copy of graphql (its "module") than the one of our libraries.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }] },
  test: {
    name,
    include: [`tests/${name}/**/*.test.ts`],
    globalSetup: options.globalSetup ?? [],
    testTimeout: options.timeoutMs ?? 10_000,
    hookTimeout: 120_000,
    fileParallelism: !options.serial,
  },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: ['default', new ClosingLine()],
    projects: [
      project('unit'),
      project('server', { globalSetup: ['tests/support/postgres.ts'], timeoutMs: 30_000 }),
      project('agent', { globalSetup: ['tests/support/lab.ts'], timeoutMs: 60_000, serial: true }),
      project('e2e', {
        globalSetup: ['tests/support/postgres.ts', 'tests/support/lab.ts'],
        timeoutMs: 120_000,
        serial: true,
      }),
      project('web', {
        globalSetup: ['tests/support/postgres.ts', 'tests/support/lab.ts'],
        timeoutMs: 120_000,
        serial: true,
      }),
    ],
  },
});
