import { setTimeout as delay } from 'node:timers/promises';
import Docker from 'dockerode';
import type { Lab, LabHost } from '../../lab/lab.ts';
import { until } from '../support/agents.ts';
import { ask, type TestServer } from '../support/server.ts';
import { median, round, wallClockMs } from './stats.ts';

/**
 * Deploys 30 containers on three hosts, each on its stack's bridge network with one published port, and measures by
 * Docker's own events until the last one runs, and then until the last one is gone. In turns with Graphium, direct
 * calls of the Docker API make the same containers, all of them at once.
 */
export type DeployFigures = {
  upRatio: number;
  downRatio: number;
  upMs: number;
  downMs: number;
  directUpMs: number;
  directDownMs: number;
  /** Until the deployment has its verdict, for which every container is also watched for a second. */
  verdictMs: number;
  rounds: number;
};

const ROUNDS = 5;
const PER_HOST = 10;
/** A shell that has just started ignores signals at first. Graphium watches each container for as long anyway. */
const SETTLE_MS = 1_000;
const IMAGE = 'nginx:alpine';

type Times = { upMs: number; downMs: number };

export async function benchDeploy(lab: Lab, server: TestServer, log: (line: string) => void): Promise<DeployFigures> {
  const hosts = lab.hosts.map((host) => ({ host, docker: new Docker({ socketPath: host.socketPath }) }));
  for (const { docker } of hosts) await pull(docker);
  const direct: Times[] = [];
  const ours: (Times & { verdictMs: number })[] = [];
  for (let turn = 0; turn <= ROUNDS; turn++) {
    const theirTurn = await measureDirect(hosts);
    const ourTurn = await measureGraphium(hosts, server);
    log(`  round ${turn === 0 ? 'to warm up' : turn}: direct ${show(theirTurn)}, Graphium ${show(ourTurn)}`);
    if (turn === 0) continue;
    direct.push(theirTurn);
    ours.push(ourTurn);
  }
  // Compares within each round: a machine that slows down in the meantime slows both.
  const ratio = (key: keyof Times) =>
    round(median(ours.map((times, index) => times[key] / (direct[index]?.[key] ?? Number.NaN))));
  const of = (times: readonly Times[], key: keyof Times) => median(times.map((time) => time[key]));
  return {
    upRatio: ratio('upMs'),
    downRatio: ratio('downMs'),
    upMs: round(of(ours, 'upMs'), 0),
    downMs: round(of(ours, 'downMs'), 0),
    directUpMs: round(of(direct, 'upMs'), 0),
    directDownMs: round(of(direct, 'downMs'), 0),
    verdictMs: round(median(ours.map((time) => time.verdictMs)), 0),
    rounds: ROUNDS,
  };
}

const show = ({ upMs, downMs }: Times) => `up ${round(upMs, 0)} ms down ${round(downMs, 0)} ms`;

type Host = { host: LabHost; docker: Docker };

async function measureDirect(hosts: readonly Host[]): Promise<Times> {
  const watch = await watchEvents(hosts, 'direct');
  const upFrom = wallClockMs();
  const made = await Promise.all(
    hosts.map(async ({ docker }) => {
      const network = await docker.createNetwork({ Name: 'direct', Driver: 'bridge' });
      const containers = await Promise.all(names('direct').map((name, index) => createDirect(docker, name, index)));
      return { network, containers };
    }),
  );
  const upMs = (await watch.all('start')) - upFrom;
  await delay(SETTLE_MS);
  const downFrom = wallClockMs();
  await Promise.all(
    made.map(async ({ network, containers }) => {
      await Promise.all(
        containers.map(async (container) => {
          await container.stop();
          await container.remove({ v: true });
        }),
      );
      await network.remove();
    }),
  );
  const downMs = (await watch.all('destroy')) - downFrom;
  watch.close();
  return { upMs, downMs };
}

async function createDirect(docker: Docker, name: string, index: number): Promise<Docker.Container> {
  const container = await docker.createContainer({
    name,
    Image: IMAGE,
    ExposedPorts: { '80/tcp': {} },
    HostConfig: {
      NetworkMode: 'direct',
      PortBindings: { '80/tcp': [{ HostPort: String(9000 + index) }] },
      RestartPolicy: { Name: 'unless-stopped' },
    },
  });
  await container.start();
  return container;
}

async function measureGraphium(hosts: readonly Host[], server: TestServer): Promise<Times & { verdictMs: number }> {
  const watch = await watchEvents(hosts, 'graphium');
  const hasPart = hosts.flatMap(({ host }) =>
    names(`graphium-${host.name}`).map((name, index) => ({
      '@type': 'SoftwareApplication',
      name,
      image: IMAGE,
      locatedInHost: host.name,
      ports: [{ containerPort: 80, hostPort: 9100 + index }],
      restartPolicy: 'unless-stopped',
    })),
  );
  const file = JSON.stringify({ '@type': 'Stack', name: 'bench-deploy', hasPart });
  const upFrom = wallClockMs();
  await finish(server, 'mutation($file: String!) { started: deployStack(source: { jsonld: $file }) { id } }', { file });
  const verdictMs = wallClockMs() - upFrom;
  const upMs = (await watch.all('start')) - upFrom;
  const downFrom = wallClockMs();
  await finish(server, 'mutation { started: deleteStack(name: "bench-deploy") { id } }', {});
  const downMs = (await watch.all('destroy')) - downFrom;
  watch.close();
  return { upMs, downMs, verdictMs };
}

async function finish(server: TestServer, mutation: string, variables: Record<string, unknown>): Promise<void> {
  const { started } = await ask<{ started: { id: string } }>(server, server.adminToken, mutation, variables);
  const query = 'query($id: ID!) { deployment(id: $id) { status cause { code message } } }';
  const { deployment } = await until(
    () => ask<{ deployment: { status: string } }>(server, server.adminToken, query, { id: started.id }),
    ({ deployment }) => deployment.status !== 'RUNNING',
    { timeoutMs: 60_000, intervalMs: 100 },
  );
  if (deployment.status !== 'SUCCEEDED') throw new Error(`the deployment ended: ${JSON.stringify(deployment)}`);
}

const names = (prefix: string) => Array.from({ length: PER_HOST }, (_, index) => `${prefix}-${index}`);

/** Collects the times of Docker's events for containers whose name starts with `prefix`. */
async function watchEvents(hosts: readonly Host[], prefix: string) {
  const seen = { start: [] as number[], destroy: [] as number[] };
  const expected = hosts.length * PER_HOST;
  const streams = await Promise.all(
    hosts.map(async ({ docker }) => {
      const stream = await docker.getEvents({ filters: { type: ['container'], event: ['start', 'destroy'] } });
      let text = '';
      stream.on('data', (chunk: Buffer) => {
        const lines = (text + chunk).split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) record(line);
      });
      return stream as NodeJS.ReadableStream & { destroy(): void };
    }),
  );
  function record(line: string) {
    const event = JSON.parse(line) as {
      Action: 'start' | 'destroy';
      timeNano: number;
      Actor: { Attributes: { name: string } };
    };
    if (event.Actor.Attributes.name.startsWith(prefix)) seen[event.Action].push(event.timeNano / 1e6);
  }
  return {
    /** When the last of all containers did it. */
    async all(action: keyof typeof seen): Promise<number> {
      await until(
        async () => seen[action].length,
        (count) => count >= expected,
        { what: `${expected} ${action} events` },
      );
      return Math.max(...seen[action]);
    },
    close() {
      for (const stream of streams) stream.destroy();
    },
  };
}

async function pull(docker: Docker): Promise<void> {
  const stream = await docker.pull(IMAGE);
  stream.resume();
  await new Promise((resolve, reject) => stream.once('end', resolve).once('error', reject));
}
