import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { findLab } from '../../lab/lab.ts';
import { migrateDatabase } from '../../server/db/connect.ts';
import { startEmbedded } from '../../server/db/embedded.ts';
import { agentsOnline, startAgent } from '../support/agents.ts';
import { createDatabase, TEMPLATE, toDatabase, withAdmin } from '../support/postgres.ts';
import { freePort, startServer } from '../support/server.ts';
import { benchChange } from './change.ts';
import { benchCrowd } from './crowd.ts';
import { benchDeploy } from './deploy.ts';
import { benchDispatch } from './dispatch.ts';
import { benchHostile } from './hostile.ts';
import { benchPlan } from './plan.ts';
import { rssMb } from './process.ts';
import { median, round } from './stats.ts';

/** `npm run bench [plan|dispatch|hostile|crowd|deploy|change|start]`: prints figures; the last line is one JSON object. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const say = (line: string) => void process.stdout.write(`${line}\n`);

async function main(parts: readonly string[]): Promise<Record<string, unknown>> {
  const wants = (part: string) => parts.length === 0 || parts.includes(part);
  await using started = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'graphium-bench-'));
  started.defer(() => rmSync(folder, { recursive: true, force: true }));
  // As in real use, whatever is acknowledged is on disk.
  const embedded = await startEmbedded(folder, pino({ level: 'warn' }), { settings: ['track_commit_timestamp=on'] });
  started.defer(embedded.stop);
  await withAdmin(embedded.url, (sql) => sql.unsafe(`create database ${TEMPLATE}`));
  await migrateDatabase(toDatabase(embedded.url, TEMPLATE), join(ROOT, 'drizzle'));

  const figures: Record<string, unknown> = {};
  if (wants('plan')) {
    say('plan: 1,000 services on 100 agents, placed and planned');
    const plan = benchPlan();
    say(
      `  first ${plan.firstMs} ms, unchanged ${plan.unchangedMs} ms, all changed ${plan.changedMs} ms, all renamed ${plan.renamedMs} ms`,
    );
    figures.plan = plan;
  }
  if (wants('dispatch')) {
    say('dispatch: a committed deployment to its task in the agent');
    const dispatch = await benchDispatch(embedded.url);
    say(
      `  Graphium         p50 ${dispatch.p50Ms} ms, p99 ${dispatch.p99Ms} ms (from the request: ${dispatch.fromRequestP50Ms}, ${dispatch.fromRequestP99Ms})`,
    );
    say(
      `  graphile-worker  p50 ${dispatch.graphileWorkerP50Ms} ms, p99 ${dispatch.graphileWorkerP99Ms} ms (addJob to start, no network API)`,
    );
    figures.dispatch = dispatch;
  }
  if (wants('hostile')) {
    say(
      'hostile: 64 requests as large as are allowed by one VIEWER, beside an agent and somebody who asks for the hosts',
    );
    const hostile = await benchHostile(embedded.url);
    say(
      `  others p50 ${hostile.p50Ms} ms, p99 ${hostile.p99Ms} ms (alone: p50 ${hostile.quietP50Ms} ms); ${hostile.answered} answered, ${hostile.refused} refused`,
    );
    say(
      `  server ${hostile.serverRssMb} MB, ${hostile.sessionsLost} sessions lost, ended ${hostile.stopMs} ms after SIGTERM`,
    );
    figures.hostile = hostile;
  }
  if (wants('crowd')) {
    say('crowd: 1,000 agents on one server, and a service that runs on every host');
    const crowd = await benchCrowd(embedded.url);
    say(
      `  verdict after ${crowd.verdictMs} ms (slowest ${crowd.slowestVerdictMs} ms), ${crowd.sessionsLost} sessions lost`,
    );
    figures.crowd = crowd;
  }
  if (wants('deploy') || wants('change')) Object.assign(figures, await onLab(embedded.url, wants));
  if (wants('start')) {
    say('start: npm start on a warm data folder until it answers');
    figures.startMs = await benchStart();
    say(`  ${figures.startMs} ms`);
  }
  return figures;
}

async function onLab(postgresUrl: string, wants: (part: string) => boolean) {
  await using started = new AsyncDisposableStack();
  const lab = await findLab();
  started.defer(() => lab.close());
  const hosts = [...new Set([lab.serverAddress, '127.0.0.1'])];
  const server = await startServer({ databaseUrl: await createDatabase(postgresUrl), hosts });
  started.defer(() => server.stop());
  const agents = await Promise.all(lab.hosts.map((host) => startAgent(server, host)));
  started.defer(async () => void (await Promise.all(agents.map((agent) => agent.remove()))));
  await agentsOnline(
    server,
    lab.hosts.map((host) => host.name),
  );
  const figures: Record<string, unknown> = {};
  if (wants('change')) {
    say('change: a stack of 30 containers, deployed again unchanged and with one service changed');
    const change = await benchChange(lab, server);
    say(`  unchanged  verdict after ${change.unchangedMs} ms`);
    say(
      `  changed    ${change.changedMs} ms, direct ${change.directChangedMs} ms: ratio ${change.changedRatio} (verdict after ${change.changedVerdictMs} ms)`,
    );
    figures.change = change;
  }
  if (!wants('deploy')) return figures;
  say('deploy: 30 containers on three hosts, Graphium against direct calls of the Docker API');
  const deploy = await benchDeploy(lab, server, say);
  say(
    `  up   ${deploy.upMs} ms, direct ${deploy.directUpMs} ms: ratio ${deploy.upRatio} (verdict after ${deploy.verdictMs} ms)`,
  );
  say(`  down ${deploy.downMs} ms, direct ${deploy.directDownMs} ms: ratio ${deploy.downRatio}`);
  await delay(5_000);
  const agentRssMb = round(median(agents.map((agent) => rssMb(agent.pid()))), 1);
  say(`agent: ${agentRssMb} MB resident when idle`);
  return { ...figures, deploy, agentRssMb };
}

const STARTS = 5;

async function benchStart(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'graphium-bench-start-'));
  const port = await freePort();
  const env = { ...process.env, GRAPHIUM_DATA: folder, GRAPHIUM_PORT: String(port) };
  const samples: number[] = [];
  try {
    for (let turn = 0; turn <= STARTS; turn++) {
      const from = performance.now();
      const child = spawn('npm', ['start'], { cwd: ROOT, env, stdio: 'ignore', detached: true });
      const exited = new Promise((resolve) => child.once('exit', resolve));
      while (!(await answers(port))) await delay(10);
      if (turn > 0) samples.push(performance.now() - from);
      process.kill(-(child.pid ?? 0), 'SIGTERM');
      await exited;
      while (await answers(port)) await delay(10);
      await stopped(folder);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return round(median(samples), 0);
}

const answers = (port: number) =>
  fetch(`http://127.0.0.1:${port}/readyz`).then(
    (response) => response.ok,
    () => false,
  );

/** npm may be gone before the server has stopped its Postgres. */
async function stopped(folder: string): Promise<void> {
  const isRunning = () =>
    new Promise<boolean>((resolve) => execFile('pgrep', ['-f', folder], (error) => resolve(error === null)));
  while (await isRunning()) await delay(20);
}

main(process.argv.slice(2)).then(
  (figures) => {
    say(JSON.stringify(figures));
    process.exit(0);
  },
  (error: unknown) => {
    process.stderr.write(
      `bench: ${error instanceof Error ? `${error.stack} ${String(error.cause)}` : String(error)}\n`,
    );
    process.exit(1);
  },
);
