import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../support/root.ts';

/** The rules of the code base that are checked by reading it. */
type Source = { path: string; lines: string[] };
const sources = ['server', 'agent', 'lab', 'web', 'tests'].flatMap((folder) => list(join(ROOT, folder)));

function list(folder: string): Source[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ['dist', 'node_modules', 'artifacts'].includes(entry.name) ? [] : list(path);
    if (!/\.(ts|tsx|js|mjs|cjs|css)$/.test(entry.name)) return [];
    return [{ path: relative(ROOT, path), lines: readFileSync(path, 'utf8').trimEnd().split('\n') }];
  });
}
/** `file:line` of every line that says it, outside the files that may. */
function found(pattern: RegExp, where: RegExp, allowed: RegExp): string[] {
  return sources
    .filter(({ path }) => where.test(path) && !allowed.test(path))
    .flatMap(({ path, lines }) =>
      lines.flatMap((line, n) => (pattern.test(line) ? [`${path}:${n + 1} ${line.trim()}`] : [])),
    );
}

const LONG: Record<string, [lines: number, why: string]> = {
  'server/db/tables.ts': [440, 'one list of tables'],
  'server/tasks/graphql.ts': [400, 'one list of types and fields'],
};

test('there are sources', () => {
  expect(sources.length).toBeGreaterThan(150);
});

test('no file is longer than 300 lines', () => {
  const long = sources.filter(({ path, lines }) => lines.length > (LONG[path]?.[0] ?? 300));
  expect(long.map(({ path, lines }) => `${path}: ${lines.length}`)).toEqual([]);
});

test('process.env is read where it is parsed, and nowhere else', () => {
  const mayRead = /^(server|agent)\/(env|main)\.ts$|^web\/vite\.config\.ts$/;
  expect(found(/\bprocess\.env\b/, /^(server|agent|web)\//, mayRead)).toEqual([]);
});

test('child_process is for the lab, the embedded Postgres and tests', () => {
  expect(found(/['"](node:)?child_process['"]/, /./, /^(lab|tests)\/|^server\/db\/embedded\.ts$/)).toEqual([]);
});

test('no shell anywhere', () => {
  expect(found(/\bshell: true\b|\bexec(Sync)?\(['"`]/, /^(server|agent|lab)\//, /^$/)).toEqual([]);
});

test('no default exports but where a tool demands one', () => {
  expect(found(/^export default\b|\bas default\b/, /./, /^web\/vite\.config\.ts$/)).toEqual([]);
});

test('nobody prints to the console', () => {
  expect(found(/\bconsole\.\w+\(/, /^(server|agent)\//, /^$/)).toEqual([]);
});

test('nothing is left for later and no test is skipped', () => {
  const later = new RegExp(['TO', 'DO\\b|FIX', 'ME\\b|@ts-', '(ignore|nocheck)'].join(''));
  expect(found(later, /./, /^$/)).toEqual([]);
  expect(found(/\b(test|describe|it)\.(skip|only|todo)\b/, /^tests\//, /^tests\/checks\/reading\.test\.ts$/)).toEqual(
    [],
  );
});
