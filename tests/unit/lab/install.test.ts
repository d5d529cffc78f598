import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

/** What lab/install.mjs asks of npm, in a checkout of a few packages and with a program in npm's place. */
const LAB = fileURLToPath(new URL('../../../lab', import.meta.url));
const EVERYTHING: string[] = [];
// Each test starts several processes.
vi.setConfig({ testTimeout: 60_000 });
/** `for` is this test's own: the parts that make npm install the package. */
const PACKAGES = {
  '': { workspaces: ['server', 'agent', 'web'], devDependencies: { vitest: '1.0.0' } },
  agent: { version: '0.1.0', dependencies: { ws: '1.0.0', '@x/docker': '1.0.0' }, for: ['agent'] },
  server: { version: '0.1.0', dependencies: { ws: '1.0.0' }, optionalDependencies: { pg: '1.0.0' }, for: ['server'] },
  web: { version: '0.1.0', devDependencies: { vite: '1.0.0' }, for: ['web'] },
  'node_modules/vitest': { version: '1.0.0', dev: true, dependencies: { vite: '1.0.0' }, for: [] },
  'node_modules/vite': { version: '1.0.0', dev: true, for: ['web'] },
  'node_modules/ws': { version: '1.0.0', for: ['agent', 'server'] },
  'node_modules/pg': { version: '1.0.0', optional: true, for: [] },
  'node_modules/@x/docker': { version: '1.0.0', dependencies: { tar: '1.0.0' }, for: ['agent'] },
  'node_modules/@x/docker/node_modules/tar': { version: '1.0.0', for: ['agent'] },
  'node_modules/tar': { version: '2.0.0', dev: true, for: ['web'] },
};

const NPM = `
const { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const args = process.argv.slice(2);
appendFileSync('calls.txt', args.join(' ') + '\\n');
rmSync('node_modules', { recursive: true, force: true });
if (existsSync('npm-fails')) process.exit(7);
const parts = args.filter((_, n) => args[n - 1] === '--workspace');
const { '': root, ...packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
const installed = Object.entries(packages).filter(
  ([, { optional, for: by }]) => !optional && (parts.length === 0 || by.some((part) => parts.includes(part))),
);
for (const part of ['bin', 'include', 'share'])
  mkdirSync('node_modules/node-' + process.platform + '-' + process.arch + '/' + part, { recursive: true });
writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages: Object.fromEntries(installed) }));
`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'graphium-install-'));
  cpSync(join(LAB, 'install.mjs'), join(folder, 'lab/install.mjs'));
  cpSync(join(LAB, 'install'), join(folder, 'lab/install'), { recursive: true });
  writeFileSync(join(folder, 'npm.cjs'), NPM);
  lock(PACKAGES);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function lock(packages: Record<string, object>) {
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages }));
}

/** @returns what npm was asked for: nothing, or the parts of one call, none of them meaning everything */
function install(parts: string[], expectedCode = 0): string[] | 'nothing' {
  rmSync(join(folder, 'calls.txt'), { force: true });
  const { status, stderr } = spawnSync(process.execPath, ['lab/install.mjs', ...parts], {
    cwd: folder,
    env: { PATH: process.env.PATH, npm_execpath: join(folder, 'npm.cjs'), npm_node_execpath: process.execPath },
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(expectedCode);
  if (!existsSync(join(folder, 'calls.txt'))) return 'nothing';
  const calls = readFileSync(join(folder, 'calls.txt'), 'utf8').trimEnd().split('\n');
  expect(calls).toEqual([expect.stringMatching(/^ci .*--include=dev --include=optional/)]);
  return [...(calls[0] ?? '').matchAll(/--workspace (\w+)/g)].map(([, part = '']) => part);
}

const forgetWhatIsKnown = () => rmSync(join(folder, 'node_modules/.graphium-lockfile'));

function change(place: keyof typeof PACKAGES) {
  lock({ ...PACKAGES, [place]: { ...PACKAGES[place], version: '1.0.1' } });
}

function loseFromRecord(place: keyof typeof PACKAGES) {
  const path = join(folder, 'node_modules/.package-lock.json');
  const { [place]: lost, ...packages } = JSON.parse(readFileSync(path, 'utf8')).packages;
  expect(lost).toBeDefined();
  writeFileSync(path, JSON.stringify({ packages }));
  forgetWhatIsKnown();
}

test('a host gets the agent alone, once', () => {
  expect(install(['agent'])).toEqual(['agent']);
  expect(install(['agent'])).toBe('nothing');
  forgetWhatIsKnown();
  expect(install(['agent'])).toBe('nothing');
});

test('other parts are added to what is there', () => {
  install(['agent']);
  expect(install(['server', 'web'])).toEqual(['agent', 'server', 'web']);
  for (const parts of [['agent'], ['server', 'web']]) expect(install(parts)).toBe('nothing');
  expect(install(EVERYTHING)).toEqual(EVERYTHING);
});

test('where everything is, nothing is taken away', () => {
  expect(install(EVERYTHING)).toEqual(EVERYTHING);
  for (const parts of [['agent'], ['server', 'web'], EVERYTHING]) {
    expect(install(parts)).toBe('nothing');
    forgetWhatIsKnown();
    expect(install(parts)).toBe('nothing');
  }
  change('node_modules/ws');
  expect(install(['agent'])).toEqual(EVERYTHING);
});

test('only a change of what a host has reaches it', () => {
  install(['agent']);
  change('node_modules/vitest');
  expect(install(['agent'])).toBe('nothing');
  change('node_modules/@x/docker/node_modules/tar');
  expect(install(['agent'])).toEqual(['agent']);
});

test.each(['node_modules/@x/docker/node_modules/tar', 'node_modules/ws'] as const)('%s is missed', (place) => {
  install(['agent']);
  loseFromRecord(place);
  expect(install(['agent'])).toEqual(['agent']);
});

test('the tools of development are missed, and brought back when they are asked for', () => {
  install(EVERYTHING);
  loseFromRecord('node_modules/vitest');
  expect(install(['agent'])).toBe('nothing');
  expect(install(EVERYTHING)).toEqual(EVERYTHING);
});

test('what is no longer in the lockfile has to go', () => {
  install(EVERYTHING);
  const { 'node_modules/tar': _gone, ...rest } = PACKAGES;
  lock(rest);
  expect(install(['agent'])).toEqual(EVERYTHING);
});

test('when npm fails, so does the script, and the next one tries again', () => {
  writeFileSync(join(folder, 'npm-fails'), '');
  expect(install(['agent'], 7)).toEqual(['agent']);
  rmSync(join(folder, 'npm-fails'));
  expect(install(['agent'])).toEqual(['agent']);
});

test("Node's headers and manuals are not kept", () => {
  install(['agent']);
  expect(readdirSync(join(folder, `node_modules/node-${process.platform}-${process.arch}`))).toEqual(['bin']);
});
