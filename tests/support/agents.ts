import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AGENT_ARGS } from '../../lab/agent-args.ts';
import { ROOT } from './root.ts';
import { ask, type TestServer } from './server.ts';

/** A real agent in a process of its own, inside its host's network namespace where there is one. */
export type TestAgent = {
  name: string;
  pid(): number;
  /** A file with mode 0600 that the agent writes when it enrolls. */
  credentialPath: string;
  kill(): Promise<void>;
  start(options?: { withoutJoin?: boolean }): void;
  /** Null while it runs. */
  exitCode(): number | null;
  stop(): Promise<void>;
  output(): string;
  /** Ends the agent and removes its credential. */
  remove(): Promise<void>;
};

export type AgentHost = { name: string; socketPath: string; spawnPrefix: string[] };

export async function startAgent(
  server: TestServer,
  host: AgentHost,
  options: { url?: string; args?: string[]; env?: Record<string, string> } = {},
): Promise<TestAgent> {
  const { createJoinToken } = await ask<{ createJoinToken: { secret: string } }>(
    server,
    server.adminToken,
    'mutation($name: String!) { createJoinToken(name: $name) { secret } }',
    { name: host.name },
  );
  const folder = mkdtempSync(join(tmpdir(), 'graphium-agent-'));
  const url = options.url ?? server.url;
  const credentialPath = join(folder, 'agent.json');
  const tokenPath = join(folder, 'join');
  writeFileSync(tokenPath, `${createJoinToken.secret}\n`, { mode: 0o600 });
  const args = ['--server', url, '--name', host.name, '--docker', host.socketPath, '--credential', credentialPath];
  const [command = process.execPath, ...prefix] = [...host.spawnPrefix, process.execPath, ...AGENT_ARGS];
  let output = '';
  let child: ChildProcess | undefined;

  function start({ withoutJoin = false } = {}) {
    const join = withoutJoin ? [] : ['--join-file', tokenPath];
    const env = { PATH: process.env.PATH, HOME: folder, ...options.env };
    const started = spawn(command, [...prefix, ...args, ...join, ...(options.args ?? [])], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    // A test file that fails before its cleanup must not leave it running.
    const killWithUs = () => void started.kill('SIGKILL');
    process.once('exit', killWithUs);
    started.once('exit', () => process.off('exit', killWithUs));
    started.stdout.on('data', (chunk) => (output += chunk));
    started.stderr.on('data', (chunk) => (output += chunk));
  }
  async function end(signal: 'SIGTERM' | 'SIGKILL') {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child?.once('exit', resolve));
    child.kill(signal);
    await exited;
  }

  start();
  return {
    name: host.name,
    credentialPath,
    exitCode: () => child?.exitCode ?? null,
    pid: () => child?.pid ?? 0,
    start,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    output: () => output,
    async remove() {
      await end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Asks until the answer is as wanted, and otherwise fails with the last answer. */
export async function until<T>(
  read: () => Promise<T>,
  isGood: (value: T) => boolean,
  options: { timeoutMs?: number; intervalMs?: number; what?: string } = {},
): Promise<T> {
  const deadline = performance.now() + (options.timeoutMs ?? 30_000);
  for (;;) {
    const value = await read();
    if (isGood(value)) return value;
    if (performance.now() > deadline) {
      throw new Error(`${options.what ?? 'it'} did not happen in time; last seen: ${JSON.stringify(value, null, 1)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, options.intervalMs ?? 100));
  }
}

export async function agentsOnline(server: TestServer, names: readonly string[]): Promise<void> {
  type Agents = { agents: { name: string; state: string }[] };
  await until(
    () => ask<Agents>(server, server.adminToken, '{ agents { name state } }'),
    ({ agents }) => names.every((name) => agents.some((agent) => agent.name === name && agent.state === 'ONLINE')),
    { what: `agents ${names.join(', ')} online` },
  );
}
