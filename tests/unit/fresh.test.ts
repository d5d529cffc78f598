import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { printed } from '../../server/http/print.ts';

/** What is made from code and committed is what the code makes now. The repository is not touched. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'graphium-fresh-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (tool: string, args: string[]) =>
  promisify(execFile)(join(ROOT, 'node_modules/.bin', tool), args, { cwd: ROOT }).catch((error) => {
    throw new Error(`${tool}: ${error.stdout}${error.stderr}`);
  });
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

test('schema.graphql (npm run schema)', () => {
  expect(read('schema.graphql')).toBe(printed);
});

test('graphql-env.d.ts (npm run schema)', async () => {
  const output = join(folder, 'graphql-env.d.ts');
  await run('gql.tada', ['generate-output', '--output', output]);
  expect(read('graphql-env.d.ts')).toBe(readFileSync(output, 'utf8'));
}, 60_000);

test('drizzle/ (npm run migration)', async () => {
  const copy = join(folder, 'drizzle');
  cpSync(join(ROOT, 'drizzle'), copy, { recursive: true });
  const migrations = () => readdirSync(copy, { recursive: true }).map(String).toSorted();
  const before = migrations();
  // drizzle-kit takes `--out` relative to where it runs, and only so.
  const out = relative(ROOT, copy);
  await run('drizzle-kit', ['generate', '--dialect', 'postgresql', '--schema', 'server/db/tables.ts', '--out', out]);
  expect(migrations()).toEqual(before);
}, 60_000);
