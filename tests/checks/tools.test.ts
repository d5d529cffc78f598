import { expect, test } from 'vitest';
import { runTool } from '../support/tool.ts';

/** Each tool that looks at the sources has nothing to say; if it has, the test fails with its words. */
test.concurrent.each([
  ['the types of server, agent, lab and tests', 'tsc', ['--noEmit', '-p', '.']],
  ['the types of the page', 'tsc', ['--noEmit', '-p', 'web']],
  ['the linter', 'biome', ['check', '--error-on-warnings', '.']],
  [
    'the dependency rules',
    'depcruise',
    ['--config', '.dependency-cruiser.cjs', 'server', 'agent', 'web', 'lab', 'tests'],
  ],
])('%s', async (_name, tool, args) => {
  const { code, output } = await runTool(tool, args);
  expect(code, output).toBe(0);
});
