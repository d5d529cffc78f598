import { randomUUID } from 'node:crypto';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { type Env, parseEnv, USAGE, warningOf } from './base/env.ts';
import { createBus } from './base/live.ts';
import { createLog } from './base/log.ts';
import { repeat } from './base/repeat.ts';
import { connect, getClusterId, migrateDatabase, untilDatabase } from './db/connect.ts';
import { startEmbedded } from './db/embedded.ts';
import { listen } from './db/listen.ts';
import type { Db } from './db/types.ts';
import { type App, createApp } from './http/app.ts';
import { createAgentSockets } from './protocol/sockets.ts';
import { loadKey } from './secrets/key.ts';
import { createVault } from './secrets/seal.ts';
import { firstStart } from './tokens/first-start.ts';
import { createFirstAdminToken, createFirstJoinToken } from './tokens/issue.ts';
import { countAdmins } from './tokens/store.ts';
import { sealOldRows } from './upkeep/seal-old-rows.ts';
import { startSweeper } from './upkeep/sweep.ts';

/** The server's process: environment, database, migrations, app, HTTP, signals. */

const UPKEEP_CONNECTIONS = 4;
const AGENT_CONNECTIONS = 8;
const ANSWER_WITHIN_MS = 8_000;

/** A client may take so long over the headers and over all of a request; who takes longer gets 408. */
const SLOWEST = { headersTimeout: 10_000, requestTimeout: 60_000, connectionsCheckingInterval: 2_000 };

const toPath = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

async function main(): Promise<void> {
  const startedAt = performance.now();
  const env = parseEnv(process.env);
  const log = createLog(env.logFormat, env.logLevel);
  // Whatever was started is stopped in the opposite order, also when a later step fails.
  const started = new AsyncDisposableStack();
  const stop = new AbortController();
  const starting = start(env, log, started, stop.signal);
  stopOnSignals(starting, started, stop, log);
  try {
    await starting;
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
  const warning = warningOf(env);
  if (warning) log.warn(warning);
  const { url } = env.publicUrl;
  const readyMs = Math.round(performance.now() - startedAt);
  const database = env.databaseUrl === undefined ? env.dataFolder : 'DATABASE_URL';
  log.info({ url, playground: `${url}/graphql`, database, readyMs }, 'Graphium is ready');
}

/** Stops what was started. A signal during the start waits for its end, or the embedded Postgres would be left running. */
function stopOnSignals(
  starting: Promise<void>,
  started: AsyncDisposableStack,
  stop: AbortController,
  log: Logger,
): void {
  let stopping: Promise<void> | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      log.info({ signal }, 'stopping');
      stop.abort();
      stopping = starting
        .catch(() => {})
        .then(() => started.disposeAsync())
        .then(
          () => process.exit(0),
          (error: unknown) => {
            log.error({ err: error }, 'did not stop cleanly');
            process.exit(1);
          },
        );
    });
  }
}

async function start(env: Env, log: Logger, started: AsyncDisposableStack, signal: AbortSignal): Promise<void> {
  const vault = createVault(await loadKey(env.secretKeyFile));
  const embedded = env.databaseUrl === undefined ? await startEmbedded(env.dataFolder, log) : undefined;
  if (embedded) started.defer(embedded.stop);
  const databaseUrl = env.databaseUrl ?? embedded?.url ?? '';
  await untilDatabase(databaseUrl, log, signal);
  await migrateDatabase(databaseUrl, toPath('../drizzle'));
  const { db, close } = connect(databaseUrl, { log, vault });
  started.defer(close);
  // Leases and deadlines do not wait until people's requests leave a connection free.
  const upkeep = connect(databaseUrl, { log, vault, max: UPKEEP_CONNECTIONS });
  started.defer(upkeep.close);
  const agents = connect(databaseUrl, { log, vault, max: AGENT_CONNECTIONS });
  started.defer(agents.close);

  await sealOldRows(upkeep.db, log);

  const bus = createBus();
  started.defer(() => bus.close());
  const sockets = createAgentSockets(upkeep.db, bus, log);
  const clusterId = await getClusterId(db);
  const services = { db, agentDb: agents.db, bus, sockets, clusterId, publicUrl: env.publicUrl };
  const listener = await listen(databaseUrl, bus, log);
  started.defer(listener.close);
  const sweeper = await startSweeper({ ...services, db: upkeep.db }, randomUUID(), log);
  started.defer(sweeper.close);
  const app = createApp(services, { pageFolder: toPath('../web/dist') }, log);
  for (const host of env.hosts) started.defer(await serve(env, host, app));
  started.defer(app.close);

  const daily = repeat(DAY_MS, () => warnOfExpiry(db, log).catch(() => {}));
  started.defer(daily.close);
  const first = await createFirstAdminToken(db);
  if (!first) return warnOfExpiry(db, log);
  const join = await createFirstJoinToken(db);
  process.stdout.write(firstStart(env, first, join, process.stdout.isTTY));
}

const SOON_DAYS = 7;
const DAY_MS = 86_400_000;

async function warnOfExpiry(db: Db, log: Logger): Promise<void> {
  if ((await countAdmins(db, SOON_DAYS)) > 0) return;
  log.warn(
    `the last ADMIN token expires within ${SOON_DAYS} days: make another, or this server makes one when it starts`,
  );
}

async function serve(env: Env, host: string, app: App): Promise<() => Promise<void>> {
  const server = env.tls ? createHttpsServer({ ...env.tls, ...SLOWEST }) : createHttpServer(SLOWEST);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(env.port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  app.attach(server);
  const answering = new Set<ServerResponse>();
  server.on('request', (_request, response: ServerResponse) => {
    answering.add(response);
    response.once('close', () => answering.delete(response));
  });
  return async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    await untilAnswered(answering);
    server.closeAllConnections();
    await closed;
  };
}

/** What has been asked for is answered, or who asked would not know whether it was done. A stream has no end to wait for. */
async function untilAnswered(answering: ReadonlySet<ServerResponse>): Promise<void> {
  const isStream = (response: ServerResponse) => /event-stream/.test(String(response.getHeader('content-type')));
  const end = performance.now() + ANSWER_WITHIN_MS;
  while ([...answering].some((one) => !isStream(one)) && performance.now() < end) await delay(20);
}

const [argument] = process.argv.slice(2);
if (argument === '--help' || argument === '-h') {
  process.stdout.write(USAGE);
  process.exit(0);
}
if (argument !== undefined) {
  process.stderr.write(`graphium: unexpected argument ${argument}\n\n${USAGE}`);
  process.exit(2);
}
main().catch((error: unknown) => {
  process.stderr.write(`graphium: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
