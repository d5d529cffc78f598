import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { adminTokenOf } from '../../lab/admin-token.ts';
import { until } from '../support/agents.ts';
import { ROOT } from '../support/root.ts';
import { ask, freePort } from '../support/server.ts';

/** The server as `npm start` runs it, on its embedded Postgres. */
const READY = 'Graphium is ready';
let folder: string;
let port: number;
const running: Started[] = [];

type Started = {
  output(): string;
  exitCode(): number | null;
  readyMs: number;
  end(signal: NodeJS.Signals): Promise<void>;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'graphium-start-'));
  // When started by root, Postgres runs under an account of its own, which must be able to enter the folder.
  chmodSync(folder, 0o755);
  port = await freePort();
});
afterEach(async () => {
  for (const server of running.splice(0)) await server.end('SIGTERM');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Resolves when it is ready or has ended. */
async function start(): Promise<Started> {
  const startedAt = performance.now();
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    GRAPHIUM_DATA: join(folder, 'data'),
    GRAPHIUM_PORT: String(port),
  };
  const child = spawn(process.execPath, ['server/main.ts'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const server: Started = {
    output: () => output,
    exitCode: () => child.exitCode,
    readyMs: 0,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await exited;
    },
  };
  running.push(server);
  await until(
    async () => output,
    (text) => text.includes(READY) || child.exitCode !== null,
    { intervalMs: 10 },
  );
  await (child.exitCode === null ? undefined : exited);
  return Object.assign(server, { readyMs: performance.now() - startedAt });
}

const postmaster = () =>
  Number(readFileSync(join(folder, 'data', 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);

test('the first start shows a token and how to add a host, once; what was written is there after any end', async () => {
  const first = await start();
  const token = adminTokenOf(first.output());
  expect(first.output()).not.toMatch(/gph_user_/);
  const file = /in (\S+\.token)/.exec(first.output())?.[1] ?? '';
  expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
  expect(first.output()).toMatch(/npm run agent -- --server \S+ --join gph_join_\S+/);
  expect(first.output()).toContain(join(folder, 'data'));
  const server = { url: `http://127.0.0.1:${port}` };
  await ask(server, token, 'mutation { createToken(name: "kept", role: VIEWER) { secret } }');
  const names = async () =>
    (await ask<{ tokens: { name: string }[] }>(server, token, '{ tokens { name } }')).tokens.map(({ name }) => name);
  expect(await names()).toContain('kept');
  await first.end('SIGTERM');
  expect(first.exitCode()).toBe(0);
  expect(() => process.kill(postmaster(), 0)).toThrow();

  const second = await start();
  console.log(`ready on a warm data folder after ${Math.round(second.readyMs)} ms`);
  expect(second.readyMs).toBeLessThan(10_000);
  expect(second.output()).not.toMatch(/gph_/);
  expect(await names()).toContain('kept');

  const [admin] = (
    await ask<{ tokens: { expiresAt: string; role: string | null; createdAt: string }[] }>(
      server,
      token,
      '{ tokens { expiresAt createdAt role } }',
    )
  ).tokens.filter(({ role }) => role === 'ADMIN');
  expect(Date.parse(admin?.expiresAt ?? '') - Date.parse(admin?.createdAt ?? '')).toBe(30 * 86_400_000);

  // After SIGKILL its Postgres lives on, and the next server takes it over.
  const pid = postmaster();
  await second.end('SIGKILL');
  expect(process.kill(pid, 0)).toBe(true);
  const third = await start();
  expect(postmaster()).toBe(pid);
  expect(third.output()).not.toMatch(/gph_/);
  expect(await names()).toContain('kept');

  // A second server on the same folder refuses to start and does no harm.
  const intruder = await start();
  expect(intruder.exitCode()).toBe(1);
  expect(intruder.output()).toContain('another Graphium server uses the data folder');
  expect(await names()).toContain('kept');

  // Only its Postgres is killed, and the server starts it again.
  process.kill(pid, 'SIGKILL');
  await until(
    () => names().catch((): string[] => []),
    (all) => all.includes('kept'),
    { what: 'a new Postgres' },
  );
  expect(postmaster()).not.toBe(pid);

  // The server is killed together with its Postgres, as in a power failure.
  process.kill(postmaster(), 'SIGKILL');
  await third.end('SIGKILL');
  const fourth = await start();
  expect(fourth.output()).toContain(READY);
  expect(await names()).toContain('kept');
});

test('the server and the replay of plans say how they are used, and start nothing by mistake', () => {
  const start = (path: string, ...args: string[]) =>
    spawnSync(process.execPath, [path, ...args], { cwd: ROOT, encoding: 'utf8', timeout: 20_000 });
  expect(start('server/main.ts', '--help')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('DATABASE_URL'),
  });
  const mistake = start('server/main.ts', '--port', '4000');
  expect(mistake).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('argument --port') });
  expect(start('server/deployments/replay.ts', '--help')).toMatchObject({ status: 0, stderr: '' });
  expect(start('server/deployments/replay.ts')).toMatchObject({ status: 1, stderr: expect.stringContaining('Usage') });
});

test('what is wrong with the environment is said at once and in full', () => {
  const env = {
    PATH: process.env.PATH,
    GRAPHIUM_PORT: 'high',
    DATABASE_URL: 'mysql://x/y',
    GRAPHIUM_TLS_CERT: '/nowhere',
  };
  const run = () => execFileSync(process.execPath, ['server/main.ts'], { cwd: ROOT, env, stdio: 'pipe' });
  expect(run).toThrow(/DATABASE_URL: .*GRAPHIUM_PORT: .*GRAPHIUM_TLS_CERT: /s);
});
