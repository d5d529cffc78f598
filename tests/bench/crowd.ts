import { setTimeout as delay } from 'node:timers/promises';
import postgres from 'postgres';
import { socketOptions, toOptionsUrl } from '../../server/db/connect.ts';
import { createFakeAgent, type FakeAgent, type Task } from '../support/fake-agent.ts';
import { createFakeHost } from '../support/fake-host.ts';
import { createDatabase } from '../support/postgres.ts';
import { ask, startServer, type TestServer } from '../support/server.ts';
import { median, round } from './stats.ts';

/** 1,000 agents on one server, each with its socket, and a service that runs on every host. */
export type CrowdFigures = {
  agents: number;
  /** From the mutation to the verdict, the median of several deployments that change every container. */
  verdictMs: number;
  slowestVerdictMs: number;
  sessionsLost: number;
};

const AGENTS = 1_000;
const DEPLOYMENTS = 3;
/** As many as the server carries out of one token at a time. */
const ENROLL_AT_A_TIME = 4;

export async function benchCrowd(postgresUrl: string): Promise<CrowdFigures> {
  const databaseUrl = await createDatabase(postgresUrl);
  const server = await startServer({ databaseUrl });
  const sql = postgres(toOptionsUrl(databaseUrl), { ...socketOptions(databaseUrl), max: 1 });
  const agents: FakeAgent[] = [];
  // An agent that fails ends the measuring, and what was started is stopped.
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  try {
    await atATime(AGENTS, ENROLL_AT_A_TIME, async (n) => {
      const agent = await enroll(server, `host-${n}`);
      agents.push(agent);
      work(agent).catch(broken.reject);
    });
    const samples: number[] = [];
    for (let round = 0; round < DEPLOYMENTS; round++)
      samples.push(await Promise.race([deploy(server, `app:${round}`), broken.promise]));
    const epochs = new Map(agents.map((agent) => [agent.id, agent.epoch()]));
    const rows = await sql<{ id: string; epoch: number; alive: boolean }[]>`
      select id, session_epoch as epoch, session_expires_at > now() as alive from agents`;
    return {
      agents: AGENTS,
      verdictMs: round(median(samples), 0),
      slowestVerdictMs: round(Math.max(...samples), 0),
      sessionsLost: rows.filter(({ id, epoch, alive }) => !alive || epoch !== epochs.get(id)).length,
    };
  } finally {
    await server.kill();
    await Promise.all(agents.map((agent) => agent.close()));
    await sql.end();
  }
}

async function atATime(count: number, limit: number, act: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: limit }, lane));
}

async function enroll(server: TestServer, name: string): Promise<FakeAgent> {
  const join = 'mutation($name: String!) { createJoinToken(name: $name) { secret } }';
  const { createJoinToken } = await ask<{ createJoinToken: { secret: string } }>(server, server.adminToken, join, {
    name,
  });
  const { enrollAgent } = await ask<{ enrollAgent: { agentId: string; secret: string } }>(
    server,
    createJoinToken.secret,
    'mutation($name: String!) { enrollAgent(name: $name) { agentId secret } }',
    { name },
  );
  return createFakeAgent(server, { id: enrollAgent.agentId, name, secret: enrollAgent.secret });
}

/** Does what the stream brings, until the socket is closed. */
async function work(agent: FakeAgent): Promise<void> {
  const host = createFakeHost(agent);
  const stream = agent.stream(await agent.connect());
  for (let set = await stream.next(); set; set = await stream.next()) {
    const ids = (set.data?.pendingTasks ?? []).filter(({ status }) => status === 'PENDING').map(({ id }) => id);
    for (const task of ids.length > 0 ? await agent.start(ids).catch((): Task[] => []) : []) await host.complete(task);
  }
}

/** @returns milliseconds from the request to the verdict */
async function deploy(server: TestServer, image: string): Promise<number> {
  const file = JSON.stringify({ name: 'crowd', services: { web: { image, deploy: { mode: 'global' } } } });
  const from = performance.now();
  const { deployStack } = await ask<{ deployStack: { id: string } }>(
    server,
    server.adminToken,
    'mutation($file: String!) { deployStack(source: { compose: $file }) { id } }',
    { file },
  );
  for (;;) {
    const { deployment } = await ask<{ deployment: { status: string } }>(
      server,
      server.adminToken,
      'query($id: ID!) { deployment(id: $id) { status } }',
      { id: deployStack.id },
    );
    if (deployment.status === 'SUCCEEDED') return performance.now() - from;
    if (deployment.status !== 'RUNNING') throw new Error(`the deployment is ${deployment.status}`);
    if (performance.now() - from > 300_000) throw new Error('no verdict after 300 s');
    await delay(200);
  }
}
