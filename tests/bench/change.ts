import { setTimeout as delay } from 'node:timers/promises';
import Docker from 'dockerode';
import type { Lab } from '../../lab/lab.ts';
import { ask, type TestServer } from '../support/server.ts';
import { openEvents } from '../support/wire.ts';
import { median, round, wallClockMs } from './stats.ts';

/**
 * A stack of 30 containers on three hosts. Unchanged: the same file again, until the verdict. Changed: the file with
 * another variable for one service, until the new container runs by Docker's own time, against the direct calls that
 * replace one container (stop, remove, create, start), in turns.
 */
export type ChangeFigures = {
  unchangedMs: number;
  changedRatio: number;
  changedMs: number;
  directChangedMs: number;
  /** Includes the second for which the new container is watched. */
  changedVerdictMs: number;
  rounds: number;
};

const ROUNDS = 7;
const PER_HOST = 10;
const IMAGE = 'nginx:alpine';
const STACK = 'bench-change';

export async function benchChange(lab: Lab, server: TestServer): Promise<ChangeFigures> {
  const host = lab.hosts[0];
  if (!host) throw new Error('a lab without hosts');
  const docker = new Docker({ socketPath: host.socketPath });
  const names = lab.hosts.map(({ name }) => name);
  await finish(server, fileOf(names, 0));
  const direct = 'bench-change-direct';
  await replaceDirectly(docker, direct, 0);
  const unchanged: number[] = [];
  const changed: { oursMs: number; verdictMs: number; directMs: number }[] = [];
  for (let turn = 1; turn <= ROUNDS + 1; turn++) {
    const directMs = await replaceDirectly(docker, direct, turn);
    const from = wallClockMs();
    await finish(server, fileOf(names, turn));
    const verdictMs = wallClockMs() - from;
    const oursMs = (await startedAtMs(docker, `${STACK}-${host.name}-0`)) - from;
    await delay(500);
    const again = performance.now();
    await finish(server, fileOf(names, turn));
    if (turn === 1) continue;
    unchanged.push(performance.now() - again);
    changed.push({ oursMs, verdictMs, directMs });
  }
  await docker.getContainer(direct).remove({ force: true });
  await ask(server, server.adminToken, `mutation { deleteStack(name: "${STACK}") { id } }`, {});
  return {
    unchangedMs: round(median(unchanged), 0),
    changedRatio: round(median(changed.map(({ oursMs, directMs }) => oursMs / directMs))),
    changedMs: round(median(changed.map(({ oursMs }) => oursMs)), 0),
    directChangedMs: round(median(changed.map(({ directMs }) => directMs)), 0),
    changedVerdictMs: round(median(changed.map(({ verdictMs }) => verdictMs)), 0),
    rounds: ROUNDS,
  };
}

/** Gives the first service another variable in each turn. */
function fileOf(hosts: readonly string[], turn: number): string {
  const services = hosts.flatMap((host) =>
    Array.from({ length: PER_HOST }, (_, index) => [
      `${host}-${index}`,
      {
        image: IMAGE,
        container_name: `${STACK}-${host}-${index}`,
        environment: host === hosts[0] && index === 0 ? { TURN: String(turn) } : {},
        deploy: { placement: { constraints: [`node.hostname == ${host}`] } },
      },
    ]),
  );
  return JSON.stringify({ name: STACK, services: Object.fromEntries(services) });
}

async function replaceDirectly(docker: Docker, name: string, turn: number): Promise<number> {
  const from = wallClockMs();
  const old = docker.getContainer(name);
  if (turn > 0) {
    await old.stop();
    await old.remove({ v: true });
  }
  const made = await docker.createContainer({ name, Image: IMAGE, Env: [`TURN=${turn}`] });
  await made.start();
  return (await startedAtMs(docker, name)) - from;
}

const startedAtMs = async (docker: Docker, name: string) =>
  Date.parse((await docker.getContainer(name).inspect()).State.StartedAt);

/** The verdict comes over a subscription, as it does to a page or to CI. */
async function finish(server: TestServer, file: string): Promise<void> {
  const mutation = 'mutation($file: String!) { deployStack(source: { compose: $file }) { id status } }';
  const { deployStack } = await ask<{ deployStack: { id: string; status: string } }>(
    server,
    server.adminToken,
    mutation,
    { file },
  );
  if (deployStack.status === 'SUCCEEDED') return;
  const query = 'subscription($id: ID!) { deployment(id: $id) { status cause { code message } } }';
  const events = await openEvents<{ deployment: { status: string } }>(server.url, server.adminToken, query, {
    id: deployStack.id,
  });
  for (;;) {
    const event = await events.next();
    const deployment = event?.data?.deployment;
    if (!deployment) throw new Error(`no verdict: ${JSON.stringify(event)}`);
    if (deployment.status === 'RUNNING') continue;
    if (deployment.status === 'SUCCEEDED') return events.cancel();
    throw new Error(`the deployment ended: ${JSON.stringify(deployment)}`);
  }
}
