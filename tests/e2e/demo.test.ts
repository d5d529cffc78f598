import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isEngine } from '../../lab/engine.ts';
import { childrenOf, findProcess, isAlive, type ProcessIdentity } from '../../lab/process.ts';
import { until } from '../support/agents.ts';
import { getLab } from '../support/lab.ts';
import { ROOT } from '../support/root.ts';

/** The demo as a person runs it, beside the lab of the tests. */
const lab = getLab();
const demos: ChildProcess[] = [];
/** The demo's TMPDIR: other demos may run on this machine. */
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'demo-'));
  // When started by root, Postgres runs under an account of its own, which must be able to enter the folder.
  chmodSync(folder, 0o755);
});
afterAll(() => {
  for (const demo of demos) if (demo.exitCode === null) demo.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

function startDemo(...args: string[]) {
  const env = { ...process.env, TMPDIR: folder };
  const child = spawn(process.execPath, ['lab/demo.ts', ...args], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  demos.push(child);
  const output = { text: '' };
  child.stdout.on('data', (chunk) => (output.text += chunk));
  child.stderr.on('data', (chunk) => (output.text += chunk));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, output, exited };
}

/** Returns a process and all that it started, including the children of its threads. */
function treeOf(pid: number): ProcessIdentity[] {
  const self = findProcess(pid);
  return self ? [self, ...childrenOf(pid).flatMap(treeOf)] : [];
}

async function expectNoTrace() {
  expect(readdirSync(folder).filter((name) => name.startsWith('graphium-demo'))).toEqual([]);
  for (const { socketPath } of lab.hosts) expect(await isEngine(socketPath)).toBe(true);
}

test('--once deploys, shows what answers, deletes, finds nothing left and ends with 0', async () => {
  const { output, exited } = startDemo('--once');
  expect(await exited, output.text).toBe(0);
  for (const port of [8081, 8082, 8083]) expect(output.text).toMatch(new RegExp(`http://\\S+:${port} .*<?`));
  expect(output.text).toMatch(/nginx-2 +COMPLETED created/);
  expect(output.text).toMatch(/#token=gph_user_/);
  expect(output.text).toContain('Nothing of the stack is left on any host.');
  await expectNoTrace();
});

test('stays up until Ctrl-C, which ends all that it started', async () => {
  const { child, output, exited } = startDemo();
  await until(
    async () => output.text,
    (text) => text.includes('Ctrl-C stops everything') || child.exitCode !== null,
    { timeoutMs: 90_000, what: 'the demo' },
  );
  const [, address = ''] = /(http:\/\/\S+:8082)/.exec(output.text) ?? [];
  expect(await (await fetch(address)).text()).toContain('<title>');
  const [, page = ''] = /page +(http:\/\/[^#\s]+)/.exec(output.text) ?? [];
  expect((await fetch(page)).status).toBe(200);
  const tree = treeOf(child.pid ?? 0);
  // The demo, its server, an agent on every host at least.
  expect(tree.length).toBeGreaterThanOrEqual(5);
  child.kill('SIGINT');
  expect(await exited).toBe(0);
  // Postgres' own processes end a moment after the one that was waited for.
  await expect.poll(() => tree.filter(isAlive), { timeout: 5_000 }).toEqual([]);
  const after = await fetch(address, { signal: AbortSignal.timeout(2_000) }).then((answer) => answer.text(), String);
  expect(after).not.toContain('<title>Graphium lab');
  await expectNoTrace();
});

test('Ctrl-C while it starts leaves nothing either', async () => {
  const { child, output, exited } = startDemo();
  await until(
    async () => output.text,
    (text) => text.includes('starting an agent'),
    { timeoutMs: 60_000 },
  );
  const tree = treeOf(child.pid ?? 0);
  child.kill('SIGINT');
  expect(await exited).not.toBe(0);
  // Postgres' own processes end a moment after the one that was waited for.
  await expect.poll(() => tree.filter(isAlive), { timeout: 5_000 }).toEqual([]);
  await expectNoTrace();
});
