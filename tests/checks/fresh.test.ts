import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { AGENT_ARGS } from '../../lab/agent-args.ts';
import { printed } from '../../server/http/print.ts';
import { ROOT } from '../support/root.ts';
import { runTool } from '../support/tool.ts';

/** What is made from code and committed is what the code makes now. The repository is not touched. */
const folder = mkdtempSync(join(tmpdir(), 'graphium-fresh-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(tool: string, args: string[]): Promise<void> {
  const { code, output } = await runTool(tool, args);
  expect(code, output).toBe(0);
}
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

test('schema.graphql (npm run schema)', () => {
  expect(read('schema.graphql')).toBe(printed);
});

test('graphql-env.d.ts (npm run schema)', async () => {
  const output = join(folder, 'graphql-env.d.ts');
  await run('gql.tada', ['generate-output', '--output', output]);
  expect(read('graphql-env.d.ts')).toBe(readFileSync(output, 'utf8'));
});

test('drizzle/ (npm run migration)', async () => {
  const copy = join(folder, 'drizzle');
  cpSync(join(ROOT, 'drizzle'), copy, { recursive: true });
  const migrations = () => readdirSync(copy, { recursive: true }).map(String).toSorted();
  const before = migrations();
  // drizzle-kit takes `--out` relative to where it runs, and only so.
  const out = relative(ROOT, copy);
  await run('drizzle-kit', ['generate', '--dialect', 'postgresql', '--schema', 'server/db/tables.ts', '--out', out]);
  expect(migrations()).toEqual(before);
});

test('npm run agent starts Node as the lab does', () => {
  const { agent } = JSON.parse(read('package.json')).scripts;
  const entry = AGENT_ARGS.at(-1) ?? '';
  expect(agent).toBe(['exec node', ...AGENT_ARGS.slice(0, -1), relative(ROOT, entry)].join(' '));
});
