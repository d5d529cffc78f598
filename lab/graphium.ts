import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { adminTokenOf } from './admin-token.ts';
import { AGENT_ARGS } from './agent-args.ts';
import { createClient, type GraphiumClient } from './client.ts';
import { spawnOwned } from './command.ts';
import type { Lab } from './lab.ts';

/** A server with its embedded Postgres and an agent on every host of a lab, as separate processes. */
export type Graphium = {
  /** For this machine's browser. */
  url: string;
  adminToken: string;
  client: GraphiumClient;
  close(): Promise<void>;
};

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const USUAL_PORT = 4000;
const START_WITHIN_MS = 60_000;

export async function startGraphium(lab: Lab, log: (line: string) => void): Promise<Graphium> {
  const folder = mkdtempSync(join(tmpdir(), 'graphium-demo-'));
  // A second folder: when started by root, Postgres runs under an account of its own and could not enter the first.
  const data = mkdtempSync(join(tmpdir(), 'graphium-demo-data-'));
  const processes: ChildProcess[] = [];
  const close = async () => {
    // Agents stop first, so that they can sign off from the server.
    await Promise.all(processes.slice(1).map(end));
    await Promise.all(processes.slice(0, 1).map(end));
    for (const path of [folder, data]) rmSync(path, { recursive: true, force: true });
  };
  try {
    const hosts = [...new Set(['127.0.0.1', lab.serverAddress])];
    const port = await findPort(hosts);
    const url = `http://127.0.0.1:${port}`;
    const serverLog = join(folder, 'server.log');
    const env = {
      GRAPHIUM_DATA: data,
      GRAPHIUM_HOST: hosts.join(','),
      GRAPHIUM_PORT: String(port),
      GRAPHIUM_PUBLIC_URL: url,
    };
    log('starting the server on its embedded Postgres');
    const server = spawnOwned(process.execPath, [join(ROOT, 'server/main.ts')], serverLog, env);
    processes.push(server);
    const output = await outputOf(server, serverLog, 'Graphium is ready');
    const adminToken = adminTokenOf(output);
    const client = createClient(url, adminToken);
    log(`starting an agent on each of ${lab.hosts.map((host) => host.name).join(', ')}`);
    for (const host of lab.hosts) {
      const joinToken = await client.createJoinToken(host.name);
      const args = [...AGENT_ARGS, '--server', `http://${lab.serverAddress}:${port}`];
      args.push('--join', joinToken, '--name', host.name, '--docker', host.socketPath);
      args.push('--credential', join(folder, `agent-${host.name}.json`));
      const [command = process.execPath, ...rest] = [...host.spawnPrefix, process.execPath, ...args];
      processes.push(spawnOwned(command, rest, join(folder, `agent-${host.name}.log`)));
    }
    await agentsOnline(client, lab.hosts.length, folder);
    return { url, adminToken, client, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function agentsOnline(client: GraphiumClient, count: number, folder: string): Promise<void> {
  const deadline = Date.now() + START_WITHIN_MS;
  while ((await client.onlineAgents()).length < count) {
    if (Date.now() > deadline) throw new Error(`the agents do not come online; see the logs in ${folder}`);
    await delay(50);
  }
}

async function outputOf(child: ChildProcess, logFile: string, sign: string): Promise<string> {
  const deadline = Date.now() + START_WITHIN_MS;
  for (;;) {
    const output = readFileSync(logFile, 'utf8');
    if (output.includes(sign)) return output;
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`the server does not start:\n${output}`);
    await delay(20);
  }
}

/** Returns the usual port, or any other if that one is taken. */
async function findPort(hosts: string[]): Promise<number> {
  const usual = await Promise.all(hosts.map((host) => listenOnce(host, USUAL_PORT)));
  return usual.every((port) => port !== undefined) ? USUAL_PORT : ((await listenOnce('127.0.0.1', 0)) ?? 0);
}

function listenOnce(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const killed = delay(15_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'));
  await Promise.race([exited, killed]);
  await exited;
}
