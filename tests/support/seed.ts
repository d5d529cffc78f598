import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { inject } from 'vitest';
import { createBus } from '../../server/base/live.ts';
import { connect, getClusterId } from '../../server/db/connect.ts';
import { listen } from '../../server/db/listen.ts';
import { createApp } from '../../server/http/app.ts';
import { createAgentSockets } from '../../server/protocol/sockets.ts';
import { createVault } from '../../server/secrets/seal.ts';
import { issueToken } from '../../server/tokens/issue.ts';
import { startSweeper, sweepOnce } from '../../server/upkeep/sweep.ts';
import { createFakeAgent, type FakeAgent } from './fake-agent.ts';
import { createFakeHost, type FakeHost } from './fake-host.ts';
import { hold } from './hold.ts';
import { createDatabase, dropDatabase } from './postgres.ts';
import { ask, graphql } from './server.ts';
import { openWire, type Wire } from './wire.ts';

/** A server inside the test's process on a database of its own, and the start of every story. */
export type Seed = Awaited<ReturnType<typeof createSeed>>;
export type Role = 'VIEWER' | 'OPERATOR' | 'ADMIN';
export type DeploymentResult = { id: string; status: string; supersededBy: string | null };

const SERVER_ID = randomUUID();
const DEPLOYMENT = '{ id status supersededBy }';

/** The one of a whole test file. */
export const useSeed = (options?: SeedOptions): Seed => hold(() => createSeed(inject('postgresUrl'), options));

type SeedOptions = { sweeper?: boolean };

export async function createSeed(postgresUrl: string, options: SeedOptions = {}) {
  const databaseUrl = await createDatabase(postgresUrl);
  const { db, close: closeDb } = connect(databaseUrl, { vault: createVault(randomBytes(32)) });
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => logged.push(JSON.parse(line)) });
  const bus = createBus();
  const sockets = createAgentSockets(db, bus, log);
  const clusterId = await getClusterId(db);
  const services = {
    db,
    agentDb: db,
    bus,
    sockets,
    clusterId,
    publicUrl: { url: 'http://graphium.test', isGiven: true },
  };
  const listener = await listen(databaseUrl, bus, log);
  const sweeper = options.sweeper ? await startSweeper(services, SERVER_ID, log) : undefined;
  const app = createApp(services, { pageFolder: fileURLToPath(new URL('../../web/dist', import.meta.url)) }, log);
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  app.attach(http);
  // Counts pending answers and sockets: an idle connection that a client keeps is not a leak.
  const open = new Set<object>();
  const track = (stream: { once(event: 'close', listener: () => void): unknown }) => {
    open.add(stream);
    stream.once('close', () => open.delete(stream));
  };
  http.on('request', (_request, response) => track(response));
  http.on('upgrade', (_request, socket) => track(socket));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const agents: FakeAgent[] = [];
  const wires: Wire[] = [];

  const token = async (role: Role = 'ADMIN', values: { expiresAt?: Date; name?: string } = {}) => {
    const issued = await issueToken(db, 'USER', { name: role.toLowerCase(), role, createdBy: 'test', ...values });
    return { id: issued.token.id, secret: issued.secret };
  };
  const admin = await token('ADMIN');

  const seed = {
    url,
    databaseUrl,
    db,
    sql: db.$client,
    bus,
    services,
    sockets,
    logged,
    admin: admin.secret,
    adminId: admin.id,
    token,
    ask: <T>(query: string, variables: Record<string, unknown> = {}, secret = admin.secret) =>
      ask<T>({ url }, secret, query, variables),
    try: <T>(query: string, variables: Record<string, unknown> = {}, secret: string | undefined = admin.secret) =>
      graphql<T>({ url }, secret, query, variables),
    async wire(secret = admin.secret): Promise<Wire> {
      const wire = await openWire(url, { authorization: `Bearer ${secret}` });
      wires.push(wire);
      return wire;
    },
    async joinToken(name: string | null = null, labels: Record<string, string> = {}): Promise<string> {
      const { createJoinToken } = await seed.ask<{ createJoinToken: { secret: string } }>(
        'mutation($name: String, $labels: [LabelInput!]) { createJoinToken(name: $name, labels: $labels) { secret } }',
        { name, labels: Object.entries(labels).map(([key, value]) => ({ key, value })) },
      );
      return createJoinToken.secret;
    },
    /** An enrolled agent; `online` opens a session over HTTP. */
    async agent(name = `vm${agents.length + 1}`, { online = true } = {}): Promise<FakeAgent> {
      const agent = createFakeAgent({ url }, await seed.enroll(name, await seed.joinToken(name)));
      agents.push(agent);
      if (online) await agent.open();
      return agent;
    },
    /** The same agent with a Docker engine that carries out its tasks. */
    host: async (name?: string, options?: { online?: boolean }): Promise<FakeHost> =>
      createFakeHost(await seed.agent(name, options)),
    async enroll(name: string, join: string) {
      const { enrollAgent } = await seed.ask<{ enrollAgent: { agentId: string; secret: string } }>(
        'mutation($name: String!) { enrollAgent(name: $name) { agentId secret } }',
        { name },
        join,
      );
      return { id: enrollAgent.agentId, name, secret: enrollAgent.secret };
    },
    /** Lets its lease run out without a sweep. */
    expire: (agent: { id: string }) =>
      db.$client`update agents set session_expires_at = now() - interval '1 second' where id = ${agent.id}`,
    async sweep() {
      await sweepOnce(db, SERVER_ID, log);
      const failed = logged.filter(({ msg }) => msg === 'a step of the sweep failed');
      if (failed.length > 0) throw new Error(JSON.stringify(failed));
    },
    async deploy(file: object, idempotencyKey?: string): Promise<DeploymentResult> {
      const { deployStack } = await seed.ask<{ deployStack: DeploymentResult }>(
        `mutation($source: String!, $key: String) { deployStack(source: { jsonld: $source }, options: { idempotencyKey: $key }) ${DEPLOYMENT} }`,
        { source: JSON.stringify(file), key: idempotencyKey },
      );
      return deployStack;
    },
    async operate(field: 'stopStack' | 'startStack' | 'restartStack' | 'deleteStack', name: string) {
      const data = await seed.ask<Record<string, DeploymentResult>>(
        `mutation($name: String!) { ${field}(name: $name) ${DEPLOYMENT} }`,
        { name },
      );
      return data[field] as DeploymentResult;
    },
    /** Sends any mutation that returns a deployment. */
    async run(field: string, args: Record<string, unknown>): Promise<DeploymentResult> {
      const data = await seed.ask<Record<string, DeploymentResult>>(toMutation(field, args));
      return data[field] as DeploymentResult;
    },
    /** Sends a mutation that must be refused. */
    async refused(field: string, args: Record<string, unknown>) {
      const { errors } = await seed.try(toMutation(field, args));
      const [error] = errors ?? [];
      if (!error) throw new Error(`${field} was not refused`);
      const { code, ...details } = error.extensions;
      return { code, message: error.message, details };
    },
    /** Deploys a Compose file. */
    compose: (source: string, options: Record<string, unknown> = {}, args: object = {}): Promise<DeploymentResult> =>
      seed.run('deployStack', { source: { compose: source }, options, ...args }),
    async deployment(id: string) {
      const query = `query($id: ID!) { deployment(id: $id) { kind revision rollbackRevision status onFailure deadline services retryOf
        supersededBy cause { code message taskId agent containerName exitCode oomKilled healthLog logs }
        tasks { id kind status agent containerName attempt failures rollback phase priority result { action left message }
          error { code message left } waitingOn { reason agent message taskId } } } }`;
      const { deployment } = await seed.ask<{ deployment: DeploymentView }>(query, { id });
      return deployment;
    },
    /** Closes the server, and fails if a test left something open. */
    async close() {
      await Promise.all([...agents.map((agent) => agent.close()), ...wires.map((wire) => wire.close())]);
      await sweeper?.close();
      await settled(() => bus.size() === 0 && open.size === 0);
      const left = { listeners: bus.size(), connections: open.size };
      await app.close();
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      await closed;
      await listener.close();
      const [{ busy = 0 } = {}] = await db.$client<
        { busy: number }[]
      >`select count(*)::int as busy from pg_stat_activity
        where datname = current_database() and state like 'idle in transaction%'`;
      await closeDb();
      await dropDatabase(databaseUrl);
      if (left.listeners + left.connections + busy > 0) {
        throw new Error(`leaked: ${left.listeners} listeners, ${left.connections} connections, ${busy} transactions`);
      }
    },
  };
  return seed;
}

const toMutation = (field: string, args: Record<string, unknown>) =>
  `mutation { ${field}(${toArguments(args)}) ${DEPLOYMENT} }`;

/** Writes a value as GraphQL does: names have no quotes. */
export const toArguments = (args: object): string =>
  Object.entries(args)
    .map(([name, value]) => `${name}: ${name === 'onFailure' ? value : toLiteral(value)}`)
    .join(', ');

function toLiteral(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toLiteral).join(', ')}]`;
  return typeof value === 'object' && value !== null ? `{ ${toArguments(value)} }` : JSON.stringify(value);
}

export type DeploymentView = {
  kind: string;
  revision: number;
  rollbackRevision: number | null;
  status: string;
  onFailure: string;
  deadline: string | null;
  services: string[] | null;
  retryOf: string | null;
  supersededBy: string | null;
  cause: (Record<string, unknown> & { code: string; message: string; taskId: string | null }) | null;
  tasks: {
    id: string;
    kind: string;
    status: string;
    agent: string;
    containerName: string | null;
    attempt: number;
    failures: number;
    rollback: boolean;
    phase: string | null;
    priority: number;
    result: { action: string; left: string | null; message: string | null } | null;
    error: { code: string; message: string; left: string | null } | null;
    waitingOn: { reason: string; agent: string | null; message: string; taskId: string | null }[];
  }[];
};

/** A JSON-LD stack of containers. */
export function stackFile(name: string, hasPart: readonly object[], more: object = {}): object {
  return { '@type': 'Stack', name, hasPart: hasPart.map((part) => ({ image: 'nginx:alpine', ...part })), ...more };
}

export const container = (name: string, host: string, more: object = {}) => ({
  name,
  locatedInHost: { '@id': host },
  ...more,
});

async function settled(isDone: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isDone() && waitedMs < 2_000; waitedMs += 10) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
