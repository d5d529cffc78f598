import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../support/root.ts';

/** What the package.json files and their one lockfile promise. */
type Manifest = { version: string; workspaces?: string[]; private?: boolean } & Partial<
  Record<'dependencies' | 'devDependencies' | 'optionalDependencies', Record<string, string>>
>;
const read = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
const root: Manifest = read('package.json');
const workspaces = root.workspaces ?? [];
const manifests = [root, ...workspaces.map((name): Manifest => read(`${name}/package.json`))];
const lockfile: Record<string, { resolved?: string; link?: boolean; integrity?: string }> =
  read('package-lock.json').packages;

const allOf = ({ dependencies, devDependencies, optionalDependencies }: Manifest) =>
  Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });

test('a package has one exact version, in whichever parts it is listed', () => {
  const versions = new Map<string, Set<string>>();
  for (const [name, version] of manifests.flatMap(allOf))
    versions.set(name, (versions.get(name) ?? new Set()).add(version));
  expect([...versions].filter(([, all]) => all.size > 1)).toEqual([]);
  expect([...versions].filter(([, [version = '']]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
});

test('the parts are of one version', () => {
  expect(new Set(manifests.map(({ version }) => version)).size).toBe(1);
});

test('only the server and the agent have what is needed to run; the root and the page have tools', () => {
  const running = ['', ...workspaces].filter((_, n) => manifests[n]?.dependencies !== undefined);
  expect(running).toEqual(['server', 'agent']);
  const tools = ['server', 'agent'].filter((name) => manifests[workspaces.indexOf(name) + 1]?.devDependencies);
  expect(tools).toEqual([]);
});

test('what the lockfile installs, for whichever platform, is pinned by its hash', () => {
  const installed = Object.entries(lockfile).filter(([path, { link }]) => path.startsWith('node_modules/') && !link);
  expect(installed.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? '')).map(([path]) => path)).toEqual([]);
  expect(installed.length).toBeGreaterThan(100);
});

test("the lockfile names no other registry than npm's own, and everything lies in one node_modules", () => {
  const places = Object.values(lockfile).flatMap(({ resolved, link }) =>
    resolved === undefined || link ? [] : resolved,
  );
  expect(places.filter((place) => !place.startsWith('https://registry.npmjs.org/'))).toEqual([]);
  expect(Object.keys(lockfile).filter((place) => /^(server|agent|web)\/node_modules\//.test(place))).toEqual([]);
});
