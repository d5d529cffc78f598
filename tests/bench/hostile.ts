import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import { socketOptions, toOptionsUrl } from '../../server/db/connect.ts';
import { createFakeAgent } from '../support/fake-agent.ts';
import { createDatabase } from '../support/postgres.ts';
import { ask, graphql, startServer, type TestServer } from '../support/server.ts';
import { rssMb } from './process.ts';
import { quantile, round } from './stats.ts';

/**
 * A VIEWER's token in bad hands, on a database of 3,000 deployments: 64 requests as large as are allowed are under way all
 * the time. Beside them somebody asks for the hosts ten times a second, and an agent keeps its session.
 */
export type HostileFigures = {
  seconds: number;
  /** `{ agents { name } }` of another person, while nothing else goes on and beside the 64. */
  quietP50Ms: number;
  p50Ms: number;
  p99Ms: number;
  answered: number;
  refused: number;
  serverRssMb: number;
  sessionsLost: number;
  /** From SIGTERM to the end of the process, with the requests under way. */
  stopMs: number;
};

const DEPLOYMENTS = 3_000;
const REQUESTS = 64;
const SECONDS = 60;
const HOSTILE = [
  '{ deployments(first: 70) { nodes { tasks { events { at } } } } }',
  '{ tasks(first: 500) { nodes { id status events { at status message } } } }',
  `{ ${Array.from({ length: 28 }, (_, n) => `a${n}: deployments(first: 2) { nodes { tasks { events { at } } } }`).join(' ')} }`,
];
const AGENTS = '{ agents { name } }';

export async function benchHostile(postgresUrl: string): Promise<HostileFigures> {
  const databaseUrl = await createDatabase(postgresUrl);
  const server = await startServer({ databaseUrl });
  const sql = postgres(toOptionsUrl(databaseUrl), { ...socketOptions(databaseUrl), max: 1 });
  try {
    const { createToken } = await ask<{ createToken: { secret: string } }>(
      server,
      server.adminToken,
      'mutation { createToken(name: "viewer", role: VIEWER) { secret } }',
    );
    const agent = await enroll(server);
    const wire = await agent.connect();
    void readAll(agent.stream(wire));
    await fill(sql, agent.id);

    const quiet = await measure(server, 5, () => {});
    const counts = { answered: 0, refused: 0 };
    const stop = new AbortController();
    const attackers = Array.from({ length: REQUESTS }, (_, n) =>
      attack(server, createToken.secret, HOSTILE[n % HOSTILE.length] ?? '', counts, stop.signal),
    );
    let serverRssMb = 0;
    const beside = await measure(server, SECONDS, () => {
      serverRssMb = Math.max(serverRssMb, rssMb(server.pid()));
    });
    const [session] =
      await sql`select session_epoch, session_expires_at > now() as alive from agents where id = ${agent.id}`;
    const before = { ...counts };
    const from = performance.now();
    await server.stop();
    const stopMs = performance.now() - from;
    stop.abort();
    await Promise.all(attackers);
    await agent.close();
    return {
      seconds: SECONDS,
      quietP50Ms: round(quantile(quiet, 0.5)),
      p50Ms: round(quantile(beside, 0.5)),
      p99Ms: round(quantile(beside, 0.99)),
      ...before,
      serverRssMb: round(serverRssMb, 0),
      sessionsLost: session?.session_epoch === agent.epoch() && session.alive ? 0 : 1,
      stopMs: round(stopMs, 0),
    };
  } finally {
    await sql.end();
    await server.stop();
  }
}

async function enroll(server: TestServer) {
  const join = 'mutation { createJoinToken(name: "host") { secret } }';
  const { createJoinToken } = await ask<{ createJoinToken: { secret: string } }>(server, server.adminToken, join);
  const { enrollAgent } = await ask<{ enrollAgent: { agentId: string; secret: string } }>(
    server,
    createJoinToken.secret,
    'mutation { enrollAgent(name: "host") { agentId secret } }',
  );
  return createFakeAgent(server, { id: enrollAgent.agentId, name: 'host', secret: enrollAgent.secret });
}

async function readAll(stream: { next(): Promise<unknown> }): Promise<void> {
  while (await stream.next());
}

/** Deployments that have ended, each with five tasks of four events. */
async function fill(sql: postgres.Sql, agentId: string): Promise<void> {
  await sql`insert into stacks (name, desired, revision) values ('old', 'RUNNING', 1)`;
  await sql`insert into stack_revisions (stack_id, number, format, source, spec, created_by)
    select id, 1, 'COMPOSE', 'services: {}', '{}', 'bench' from stacks`;
  await sql`insert into deployments (id, stack_id, kind, revision, status, input_hash, created_by, created_at, finished_at)
    select gen_random_uuid(), stacks.id, 'DEPLOY', 1, 'SUCCEEDED', 'x', 'bench', now() - n * interval '1 minute', now()
    from stacks, generate_series(1, ${DEPLOYMENTS}) n`;
  await sql`insert into tasks (id, deployment_id, stack_id, agent_id, kind, position, container_name, spec, status, finished_at)
    select gen_random_uuid(), id, stack_id, ${agentId}, 'DEPLOY', n, 'old-' || n, '{"version": 1}', 'COMPLETED', now()
    from deployments, generate_series(1, 5) n`;
  await sql`insert into task_events (task_id, status, attempt, message)
    select id, 'RUNNING', 1, repeat('m', 80) from tasks, generate_series(1, 4)`;
  await sql`vacuum analyze`;
}

/** Asks for the hosts ten times a second. @returns milliseconds of each answer */
async function measure(server: TestServer, seconds: number, tick: () => void): Promise<number[]> {
  const samples: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const from = performance.now();
    await ask(server, server.adminToken, AGENTS);
    samples.push(performance.now() - from);
    tick();
    await delay(100);
  }
  return samples;
}

async function attack(
  server: TestServer,
  secret: string,
  query: string,
  counts: { answered: number; refused: number },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const result = await graphql(server, secret, query).catch(() => undefined);
    if (result?.data) counts.answered += 1;
    else counts.refused += 1;
    if (!result) await delay(50);
  }
}
