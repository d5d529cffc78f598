import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adminTokenOf } from '../../lab/admin-token.ts';
import { ROOT } from './root.ts';

/** A real server in a process of its own, as `npm start` runs it. */
export type TestServer = {
  url: string;
  adminToken: string;
  databaseUrl: string;
  pid(): number;
  /** Sends SIGKILL, so the server cannot say goodbye. */
  kill(): Promise<void>;
  /** Starts it again on the same port and database. */
  start(): Promise<void>;
  stop(): Promise<void>;
  output(): string;
};

/** One for all servers of a test, as for all of one database, and not the machine's own. */
let keyFolder: string | undefined;
function keyFile(): string {
  if (keyFolder === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'graphium-key-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    keyFolder = folder;
  }
  return join(keyFolder, 'secret.key');
}

/** @param options.hosts addresses to listen on; the first is the one in `url` */
export async function startServer(options: {
  databaseUrl: string;
  hosts?: string[];
  env?: Record<string, string>;
  port?: number;
}): Promise<TestServer> {
  const hosts = options.hosts ?? ['127.0.0.1'];
  const port = options.port ?? (await freePort());
  const scheme = options.env?.GRAPHIUM_TLS_CERT === undefined ? 'http' : 'https';
  const url = `${scheme}://${hosts[0]}:${port}`;
  let output = '';
  let child: ChildProcess | undefined;

  async function start() {
    const started = spawn(process.execPath, ['server/main.ts'], {
      cwd: ROOT,
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: options.databaseUrl,
        GRAPHIUM_SECRET_KEY_FILE: keyFile(),
        GRAPHIUM_HOST: hosts.join(','),
        GRAPHIUM_PORT: String(port),
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    // A test file that fails before its cleanup must not leave it running.
    const killWithUs = () => void started.kill('SIGKILL');
    process.once('exit', killWithUs);
    started.once('exit', () => process.off('exit', killWithUs));
    const ready = Promise.withResolvers<void>();
    const from = output.length;
    const collect = (chunk: Buffer) => {
      output += chunk;
      if (output.slice(from).includes('Graphium is ready')) ready.resolve();
    };
    started.stdout.on('data', collect);
    started.stderr.on('data', collect);
    started.on('exit', (code) => ready.reject(new Error(`the server ended with ${code}:\n${output}`)));
    await ready.promise;
  }

  async function end(signal: 'SIGTERM' | 'SIGKILL') {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child?.once('exit', resolve));
    child.kill(signal);
    await exited;
  }

  await start();
  const adminToken = adminTokenOf(output);
  return {
    url,
    adminToken,
    databaseUrl: options.databaseUrl,
    pid: () => child?.pid ?? 0,
    kill: () => end('SIGKILL'),
    start,
    stop: () => end('SIGTERM'),
    output: () => output,
  };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

export type GraphqlResult<T> = {
  data: T | null;
  errors?: { message: string; extensions: { code: string } & Record<string, unknown> }[];
};

/** Sends one GraphQL operation over HTTP, as a script would. */
export async function graphql<T = Record<string, never>>(
  server: { url: string },
  token: string | undefined,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<GraphqlResult<T>> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as GraphqlResult<T>;
}

/** Does the same for an operation that must succeed. */
export async function ask<T>(
  server: { url: string },
  token: string,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<T> {
  const result = await graphql<T>(server, token, query, variables);
  if (result.errors || result.data === null) throw new Error(JSON.stringify(result.errors));
  return result.data;
}
