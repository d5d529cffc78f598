import { randomUUID } from 'node:crypto';
import { Logger, run } from 'graphile-worker';
import postgres from 'postgres';
import { socketOptions, toOptionsUrl } from '../../server/db/connect.ts';
import { createFakeAgent } from '../support/fake-agent.ts';
import { createDatabase } from '../support/postgres.ts';
import { ask, startServer } from '../support/server.ts';
import { quantile, round, wallClockMs } from './stats.ts';

/**
 * From a deployment that is committed to its task in the agent's hands, over the real HTTP API, Postgres NOTIFY and the
 * agent's WebSocket; beside it graphile-worker's `addJob` to the start of the job, on the same Postgres, with no
 * network API in between.
 */
export type DispatchFigures = {
  p50Ms: number;
  p99Ms: number;
  /** Counted from when the mutation is sent, so it includes HTTP, parsing, planning and the transaction. */
  fromRequestP50Ms: number;
  fromRequestP99Ms: number;
  graphileWorkerP50Ms: number;
  graphileWorkerP99Ms: number;
  samples: number;
};

const SAMPLES = 300;
const WARM_UP = 50;

export async function benchDispatch(postgresUrl: string): Promise<DispatchFigures> {
  const ours = await measureGraphium(await createDatabase(postgresUrl));
  const theirs = await measureGraphileWorker(await createDatabase(postgresUrl));
  return {
    p50Ms: round(quantile(ours.committed, 0.5)),
    p99Ms: round(quantile(ours.committed, 0.99)),
    fromRequestP50Ms: round(quantile(ours.requested, 0.5)),
    fromRequestP99Ms: round(quantile(ours.requested, 0.99)),
    graphileWorkerP50Ms: round(quantile(theirs, 0.5)),
    graphileWorkerP99Ms: round(quantile(theirs, 0.99)),
    samples: SAMPLES,
  };
}

async function measureGraphium(databaseUrl: string): Promise<{ committed: number[]; requested: number[] }> {
  const server = await startServer({ databaseUrl, env: { GRAPHIUM_LOG: 'info' } });
  const sql = postgres(toOptionsUrl(databaseUrl), { ...socketOptions(databaseUrl), max: 1 });
  try {
    const join = 'mutation { createJoinToken(name: "bench") { secret } }';
    const { createJoinToken } = await ask<{ createJoinToken: { secret: string } }>(server, server.adminToken, join);
    const enroll = 'mutation { enrollAgent(name: "bench") { agentId secret } }';
    const { enrollAgent } = await ask<{ enrollAgent: { agentId: string; secret: string } }>(
      server,
      createJoinToken.secret,
      enroll,
    );
    const agent = createFakeAgent(server, { id: enrollAgent.agentId, name: 'bench', secret: enrollAgent.secret });
    const wire = await agent.connect();
    const arrived = new Map<string, (ms: number) => void>();
    const stream = agent.stream(wire);
    void (async () => {
      for (let set = await stream.next(); set; set = await stream.next()) {
        const now = wallClockMs();
        for (const task of set.data?.pendingTasks ?? [])
          arrived.get((task.spec as { image?: string }).image ?? '')?.(now);
      }
    })();
    const committed: number[] = [];
    const requested: number[] = [];
    for (let round = 0; round < SAMPLES + WARM_UP; round++) {
      const image = `bench:${round}`;
      const received = new Promise<number>((resolve) => arrived.set(image, resolve));
      const sentAt = wallClockMs();
      const id = await deploy(server, image);
      const receivedAt = await received;
      const [row] = await sql`
        select extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000 as ms from deployments where id = ${id}`;
      if (round < WARM_UP) continue;
      committed.push(receivedAt - Number(row?.ms));
      requested.push(receivedAt - sentAt);
    }
    await agent.close();
    return { committed, requested };
  } finally {
    await sql.end();
    await server.stop();
  }
}

async function deploy(server: Parameters<typeof ask>[0] & { adminToken: string }, image: string): Promise<string> {
  const file = JSON.stringify({
    '@type': 'Stack',
    name: 'bench',
    locatedInHost: 'bench',
    hasPart: [{ '@type': 'SoftwareApplication', name: 'bench-1', image }],
  });
  const query =
    'mutation($file: String!, $key: String) { deployStack(source: { jsonld: $file }, idempotencyKey: $key) { id } }';
  const { deployStack } = await ask<{ deployStack: { id: string } }>(server, server.adminToken, query, {
    file,
    key: randomUUID(),
  });
  return deployStack.id;
}

async function measureGraphileWorker(databaseUrl: string): Promise<number[]> {
  const started = new Map<number, (ms: number) => void>();
  const runner = await run({
    connectionString: databaseUrl,
    concurrency: 1,
    noHandleSignals: true,
    logger: new Logger(() => () => {}),
    taskList: {
      bench: async (payload) => started.get((payload as { round: number }).round)?.(wallClockMs()),
    },
  });
  const samples: number[] = [];
  try {
    for (let round = 0; round < SAMPLES + WARM_UP; round++) {
      const begun = new Promise<number>((resolve) => started.set(round, resolve));
      const addedAt = wallClockMs();
      await runner.addJob('bench', { round });
      const ms = (await begun) - addedAt;
      if (round >= WARM_UP) samples.push(ms);
    }
  } finally {
    await runner.stop();
  }
  return samples;
}
