/** The agent's composition root. Its exit codes: 0 stopped, 2 wrong options or files, 3 no valid credential. */
import { randomUUID, X509Certificate } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import type { Logger } from 'pino';
import { createSlots } from './base/slots.ts';
import { createApi } from './connection/api.ts';
import { createHttp } from './connection/http.ts';
import { openStream } from './connection/stream.ts';
import { messageOf } from './connection/wire.ts';
import { CredentialError } from './credential.ts';
import { createEngine, type Engine } from './docker/engine.ts';
import { type EnrollOptions, enroll, getCredential, HOW_TO_JOIN } from './enroll.ts';
import { type Config, parseEnv, USAGE } from './env.ts';
import { createLog } from './log.ts';
import packageJson from './package.json' with { type: 'json' };
import { type Policy, strictPolicy } from './policy/schema.ts';
import { readPolicy } from './policy-file.ts';
import { ContainerReporter } from './session/containers.ts';
import { EngineWatch } from './session/engine-watch.ts';
import type { Ways } from './session/feed.ts';
import { labelWarning } from './session/labels.ts';
import { keepConnected } from './session/loop.ts';
import { Reporter } from './session/reporter.ts';
import type { SessionOptions } from './session/session.ts';
import { Worker } from './session/worker.ts';
import { checkMounted } from './task/binds.ts';
import type { TaskContext } from './task/context.ts';
import { findSecretsPath, unfitness } from './task/files.ts';
import { runTask } from './task/task.ts';

/** A restart must be quick. The server assigns again what was under way. */
const STOP_WITHIN_MS = 2_500;
const ENGINE_RESTART_MS = 120_000;

const EXIT = { stopped: 0, options: 2, credential: 3, interrupted: 130 };

export async function main(): Promise<number> {
  const parsed = parseEnv(process.argv.slice(2));
  if (parsed.kind === 'help') {
    process.stdout.write(USAGE);
    return EXIT.stopped;
  }
  if (parsed.kind === 'invalid') return refuse(parsed.problems);
  const { config } = parsed;
  const { policy, join, problems } = await readFiles(config);
  const secretsPath = await findSecretsPath(config.secretsPaths);
  if (secretsPath === undefined && config.secretsAsked) problems.push(...(await secretsProblems(config)));
  if (problems.length > 0) return refuse(problems);
  const log = createLog(config.logFormat, config.logLevel);
  for (const warning of config.warnings) log.warn(warning);
  const stop = stopOnSignals(log);
  try {
    const socketPaths = await ownSocketPaths(config);
    return await run({ ...config, join }, { ...policy, secretsPath, socketPaths }, log, stop);
  } catch (error) {
    if (stop.aborted) return EXIT.stopped;
    if (!(error instanceof CredentialError)) throw error;
    log.fatal(error.message);
    return EXIT.credential;
  }
}

async function run(config: Config, policy: Policy, log: Logger, stop: AbortSignal): Promise<number> {
  const enrollment: EnrollOptions = { ...config, url: `${config.server}/graphql`, stop, log };
  let credential = await getCredential(enrollment);
  let mayEnroll = config.join !== undefined;
  const engine = createEngine({ socketPath: config.socketPath });
  const parts = createParts(config, policy, engine, log);
  const events = engine.events(({ containerId, action }) => {
    parts.containers.changed();
    // Docker starts containers by itself, too, and resolves their paths anew each time.
    if (action !== 'start') return;
    void checkMounted(containerId, { engine, policy, log }).catch((error: unknown) =>
      log.warn(
        { container: containerId, error: messageOf(error) },
        'the mounts of a container were not checked, or refused',
      ),
    );
  });
  const { secretsPath: _secrets, socketPaths: _sockets, ...reported } = policy;
  const about = { instanceId: randomUUID(), version: packageJson.version, policy: reported };
  void parts.engineWatch.run(stop);
  const end = await keepConnected({
    ...parts,
    about: async () => ({ ...about, ...(await parts.engineWatch.news()) }),
    log,
    stop,
    timings: config,
    ways: () => createWays(enrollment.url, credential.secret),
    onRejected: async ({ code, message }) => {
      if (!mayEnroll) return false;
      mayEnroll = false;
      log.warn({ agent: credential.name, code, error: message }, 'the server refuses this credential: enrolling again');
      const enrolled = await enroll(enrollment).catch((error: unknown) => log.error(messageOf(error)));
      if (enrolled) credential = enrolled;
      return enrolled !== undefined;
    },
  });
  events.close();
  await Promise.race([parts.worker.close(), sleep(STOP_WITHIN_MS)]);
  engine.close();
  if (end === 'stopped') return EXIT.stopped;
  log.fatal(
    `the server refuses the credential in ${config.credentialPath} (agent removed or token revoked): ${HOW_TO_JOIN}`,
  );
  return EXIT.credential;
}

/** Creates everything that outlives a session. */
function createParts(config: Config, policy: Policy, engine: Engine, log: Logger) {
  let identity: TaskContext['identity'] | undefined;
  let warned: string | undefined;
  const slots = createSlots(config.slots);
  const pullSlots = createSlots(config.pulls);
  const containers = new ContainerReporter({
    list: async () => (identity ? engine.containers(identity) : { own: [], foreign: [] }),
    log,
  });
  const reporter = new Reporter({
    reportContainers: () => containers.report(),
    onSettled: (taskId, attempt, how) => worker.settled(taskId, attempt, how),
  });
  const worker = new Worker({
    limit: config.tasks,
    reporter,
    log,
    runTask: (task, hooks) => {
      if (!identity) throw new Error('a task before the first session');
      const engineWaitMs = ENGINE_RESTART_MS;
      return runTask(task, {
        engine,
        engineWaitMs,
        identity,
        policy,
        slots,
        pullSlots,
        log: log.child({ task: task.id }),
        ...hooks,
      });
    },
  });
  const engineWatch = new EngineWatch({
    facts: () => engine.facts(),
    ping: () => engine.ping(),
    onChange: (isAnswering) => {
      worker.suspend(!isAnswering);
      if (isAnswering) containers.changed();
    },
    log,
  });
  const onOpen: SessionOptions['onOpen'] = ({ clusterId, agentName, epoch, labels, adopted }, { transport }) => {
    identity = { clusterId, agentName };
    log.info({ agent: agentName, epoch, transport, adopted: adopted.length }, 'session opened');
    const warning = labelWarning(config.labels, labels);
    if (warning !== undefined && warning !== warned) log.warn({ agent: agentName }, warning);
    warned = warning;
  };
  return { worker, reporter, containers, engineWatch, onOpen };
}

function createWays(url: string, token: string): Ways {
  const http = createHttp({ url, token });
  return {
    openPoll: () => createApi(createHttp({ url, token })),
    openStream: async () => createApi(await openStream({ url: url.replace(/^http/, 'ws'), token, http })),
  };
}

/** Trusts further authorities for HTTP and WebSocket alike. It checks them, because Node silently skips invalid ones. */
function trust(pem: string) {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? [];
  if (certificates.length === 0) throw new Error('holds no certificate (PEM)');
  for (const certificate of certificates) new X509Certificate(certificate);
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), ...certificates]);
}

type Files = { policy: Policy; join: string | undefined; problems: string[] };

async function readFiles({ caPath, policyPath, joinPath, join }: Config): Promise<Files> {
  const problems: string[] = [];
  /** Returns undefined if there is no such file to read, or a problem with it. */
  const read = async <T>(flag: string, path: string | undefined, use: (path: string) => Promise<T>) => {
    if (path === undefined) return undefined;
    return use(path).catch((error: unknown) => {
      problems.push(`${flag} ${path}: ${messageOf(error)}`);
      return undefined;
    });
  };
  await read('--ca', caPath, async (path) => trust(await readFile(path, 'utf8')));
  const policy = (await read('--policy', policyPath, readPolicy)) ?? strictPolicy;
  const token = await read('--join-file', joinPath, async (path) => (await readFile(path, 'utf8')).trim());
  return { policy, join: join ?? token, problems };
}

/** The engine's socket as it was given, and where its links lead. */
async function ownSocketPaths({ socketPath }: Config): Promise<string[]> {
  return [socketPath, await realpath(socketPath).catch(() => socketPath)];
}

const secretsProblems = ({ secretsPaths }: Config): Promise<string[]> =>
  Promise.all(
    secretsPaths.map(async (path) => `--secrets ${path}: secrets cannot be kept there: ${await unfitness(path)}`),
  );

function stopOnSignals(log: Logger): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(EXIT.interrupted);
      log.info({ signal }, 'stopping');
      controller.abort();
      setTimeout(() => process.exit(EXIT.stopped), STOP_WITHIN_MS).unref();
    });
  }
  return controller.signal;
}

function refuse(problems: string[]): number {
  process.stderr.write(`${problems.map((problem) => `graphium agent: ${problem}`).join('\n')}\n\n${USAGE}`);
  return EXIT.options;
}
