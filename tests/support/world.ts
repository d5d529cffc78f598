import Docker from 'dockerode';
import postgres from 'postgres';
import { inject } from 'vitest';
import { cutHost, type LabHostData, restoreHost } from '../../lab/lab.ts';
import { leftoversOf } from '../../lab/leftovers.ts';
import { socketOptions, toOptionsUrl } from '../../server/db/connect.ts';
import { agentsOnline, startAgent, type TestAgent, until } from './agents.ts';
import { hold } from './hold.ts';
import { getLab, type TestLab } from './lab.ts';
import { createDatabase, dropDatabase } from './postgres.ts';
import { ask, startServer, type TestServer } from './server.ts';

/** The lab with a server on a database of its own and an agent on every host, all as real processes. */
export type World = {
  lab: TestLab;
  server: TestServer;
  agents: Map<string, TestAgent>;
  sql: postgres.Sql;
  clusterId: string;
  host(name: string): LabHostData;
  agent(name: string): TestAgent;
  engine(name: string): Docker;
  ask<T>(query: string, variables?: Record<string, unknown>): Promise<T>;
  /** @returns the deployment's id */
  deploy(file: string): Promise<string>;
  /** A Compose file, with other arguments of `deployStack` as GraphQL: `, options: { onFailure: KEEP }`. @returns the deployment's id */
  compose(file: string, more?: string): Promise<string>;
  /** A mutation on a stack, such as `stopStack`. @returns the deployment's id */
  operate(mutation: string, stack: string, more?: string): Promise<string>;
  deployment(id: string): Promise<Deployment>;
  /** Waits for its verdict. */
  finish(id: string, timeoutMs?: number): Promise<Deployment>;
  /** Does the same, and fails unless the deployment succeeded. */
  succeed(id: string, timeoutMs?: number): Promise<Deployment>;
  /** Deletes a stack with its volumes. @throws Error when anything of it is left on a host */
  remove(stack: string): Promise<void>;
  /** Asks Docker what a stack has on a host, by name. */
  containers(hostName: string, stack: string): Promise<Docker.ContainerInspectInfo[]>;
  /** Returns, by name and from all hosts, what tells whether a container is still the same one. */
  states(stack: string): Promise<ContainerState[]>;
  /** Takes the host away from the server: cuts its link in a lab, or kills its agent if hosts share an engine. */
  cut(hostName: string): Promise<void>;
  restore(hostName: string): Promise<void>;
  /** Ends everything. @throws Error if anything with this installation's labels was left; it is then removed */
  close(): Promise<void>;
};

export type Failure = {
  code: string;
  message: string;
  agent: string | null;
  containerName: string | null;
  exitCode: number | null;
  left: 'NEW' | 'PREVIOUS' | 'NONE' | null;
  healthLog: string[];
  logs: string[];
};
export type Task = {
  id: string;
  agent: string;
  kind: string;
  containerName: string | null;
  status: string;
  attempt: number;
  failures: number;
  phase: string | null;
  rollback: boolean;
  error: Failure | null;
  result: { action: string; containerId: string | null; left: 'NEW' | 'PREVIOUS' | 'NONE' | null } | null;
  waitingOn: { reason: string; agent: string | null; message: string }[];
};
export type Deployment = {
  id: string;
  kind: string;
  status: string;
  revision: number;
  rollbackRevision: number | null;
  onFailure: 'ROLLBACK' | 'KEEP';
  cause: Failure | null;
  tasks: Task[];
};
export type ContainerState = { host: string; id: string; name: string; startedAt: string; running: boolean };

const FAILURE = 'code message agent containerName exitCode left healthLog logs';
const DEPLOYMENT = `query ($id: ID!) { deployment(id: $id) {
  id kind status revision rollbackRevision onFailure cause { ${FAILURE} }
  tasks { id agent kind containerName status attempt failures phase rollback error { ${FAILURE} }
    result { action containerId left } waitingOn { reason agent message } } } }`;

export type WorldOptions = {
  /** Whether to start an agent on every host. */
  agents?: boolean;
  /** `KEY=VALUE`, by host. */
  labels?: Record<string, string[]>;
  /** @param address that the hosts reach the server at */
  serverEnv?: (address: string) => Record<string, string>;
};

/** The one of a whole test file. */
export const useWorld = (options?: WorldOptions): World => hold(() => createWorld(options));

export async function createWorld({
  agents: withAgents = true,
  labels = {},
  serverEnv = () => ({}),
}: WorldOptions = {}): Promise<World> {
  const lab = getLab();
  const databaseUrl = await createDatabase(inject('postgresUrl'));
  const server = await startServer({
    databaseUrl,
    hosts: [...new Set([lab.serverAddress, '127.0.0.1'])],
    env: serverEnv(lab.serverAddress),
  });
  const sql = postgres(toOptionsUrl(databaseUrl), { ...socketOptions(databaseUrl), max: 2, onnotice: () => {} });
  const [cluster] = await sql<{ id: string }[]>`select id from cluster`;
  const world = { lab, server, agents: new Map<string, TestAgent>(), sql, clusterId: cluster?.id ?? '' };
  const close = () => closeWorld(world, databaseUrl);
  try {
    if (withAgents) await startAgents(world, labels);
    return { ...world, ...placesOf(world), ...operationsOf(world), close };
  } catch (error) {
    const outputs = [server, ...world.agents.values()].map((one) => one.output().slice(-2_000));
    await close();
    throw new Error(`the world does not start; the server and its agents said:\n${outputs.join('\n')}`, {
      cause: error,
    });
  }
}

async function startAgents({ lab, server, agents }: Parts, labels: Record<string, string[]>): Promise<void> {
  for (const host of lab.hosts) {
    const args = (labels[host.name] ?? []).flatMap((label) => ['--label', label]);
    agents.set(host.name, await startAgent(server, host, { args }));
  }
  await agentsOnline(server, [...agents.keys()]);
}

/** It may have been removed since it was listed. */
const inspectOrNone = (container: Docker.Container): Promise<Docker.ContainerInspectInfo[]> =>
  container.inspect().then(
    (found) => [found],
    (error: { statusCode?: number }) => {
      if (error.statusCode !== 404) throw error;
      return [];
    },
  );

type Parts = Pick<World, 'lab' | 'server' | 'agents' | 'sql' | 'clusterId'>;

function placesOf({ lab, agents, server }: Parts) {
  const host = (name: string) => getNamed(lab.hosts, name);
  const agent = (name: string) => getNamed([...agents.values()], name);
  const engine = (name: string) => new Docker({ socketPath: host(name).socketPath });
  const containers = async (hostName: string, stack: string) => {
    const label = [`graphium.stack=${stack}`, `graphium.agent=${hostName}`];
    const found = await engine(hostName).listContainers({ all: true, filters: { label } });
    const inspected = await Promise.all(found.map(({ Id }) => inspectOrNone(engine(hostName).getContainer(Id))));
    return inspected.flat().sort((a, b) => a.Name.localeCompare(b.Name));
  };
  const statesOn = async (hostName: string, stack: string): Promise<ContainerState[]> =>
    (await containers(hostName, stack)).map(({ Id, Name, State }) => {
      return { host: hostName, id: Id, name: Name.slice(1), startedAt: State.StartedAt, running: State.Running };
    });
  return {
    host,
    agent,
    engine,
    containers,
    async states(stack: string) {
      const all = await Promise.all(lab.hosts.map(({ name }) => statesOn(name, stack)));
      return all.flat().sort((a, b) => a.name.localeCompare(b.name));
    },
    async cut(hostName: string) {
      if (lab.mode === 'lab') await cutHost(host(hostName));
      else await agent(hostName).kill();
    },
    async restore(hostName: string) {
      if (lab.mode === 'lab') await restoreHost(host(hostName));
      else agent(hostName).start();
      await agentsOnline(server, [hostName]);
    },
  };
}

function operationsOf({ server, lab }: Parts) {
  const query = <T>(text: string, variables: Record<string, unknown> = {}) =>
    ask<T>(server, server.adminToken, text, variables);
  const answer = async (text: string, variables: Record<string, unknown>) =>
    (await query<{ answer: { id: string } }>(text, variables)).answer.id;
  const deployment = async (id: string) => (await query<{ deployment: Deployment }>(DEPLOYMENT, { id })).deployment;
  const operate = (mutation: string, stack: string, more = '') =>
    answer(`mutation ($name: String!) { answer: ${mutation}(name: $name${more}) { id } }`, { name: stack });
  const finish = (id: string, timeoutMs = 60_000) =>
    until(
      () => deployment(id),
      ({ status }) => status !== 'RUNNING',
      { timeoutMs, what: 'the verdict' },
    );
  const succeed = async (id: string, timeoutMs?: number) => {
    const finished = await finish(id, timeoutMs);
    if (finished.status !== 'SUCCEEDED') throw new Error(`it is ${finished.status}: ${JSON.stringify(finished.cause)}`);
    return finished;
  };
  const deploy = (format: string, file: string, more = '') =>
    answer(`mutation ($file: String!) { answer: deployStack(source: { ${format}: $file } ${more}) { id } }`, { file });
  return {
    ask: query,
    deployment,
    deploy: (file: string) => deploy('jsonld', file),
    compose: (file: string, more?: string) => deploy('compose', file, more),
    operate,
    finish,
    succeed,
    async remove(stack: string) {
      await succeed(await operate('deleteStack', stack, ', removeVolumes: true'));
      const left = await Promise.all(lab.hosts.map(({ socketPath }) => leftoversOf(socketPath, stack)));
      if (left.flat().length > 0) throw new Error(`left of ${stack}: ${left.flat().join(', ')}`);
    },
  };
}

async function closeWorld({ lab, agents, server, sql, clusterId }: Parts, databaseUrl: string): Promise<void> {
  if (lab.mode === 'lab') await Promise.all(lab.hosts.map(restoreHost));
  await Promise.all([...agents.values()].map((agent) => agent.remove()));
  await server.stop();
  await sql.end({ timeout: 1 });
  await dropDatabase(databaseUrl);
  const sockets = [...new Set(lab.hosts.map((host) => host.socketPath))];
  const left = (await Promise.all(sockets.map((path) => removeLabelled(path, clusterId)))).flat();
  if (left.length > 0) throw new Error(`left on the hosts: ${left.join(', ')}`);
}

/** @returns what there was */
async function removeLabelled(socketPath: string, clusterId: string): Promise<string[]> {
  const docker = new Docker({ socketPath });
  const filters = { label: [`graphium.cluster=${clusterId}`] };
  const containers = await docker.listContainers({ all: true, filters });
  for (const { Id } of containers) await docker.getContainer(Id).remove({ force: true });
  const networks = await docker.listNetworks({ filters });
  for (const { Id } of networks) await docker.getNetwork(Id).remove();
  const { Volumes: volumes } = await docker.listVolumes({ filters });
  for (const { Name } of volumes ?? []) await docker.getVolume(Name).remove();
  return [
    ...containers.map(({ Names }) => `container ${Names.join(' ')}`),
    ...networks.map(({ Name }) => `network ${Name}`),
    ...(volumes ?? []).map(({ Name }) => `volume ${Name}`),
  ];
}

function getNamed<T extends { name: string }>(all: readonly T[], name: string): T {
  const found = all.find((one) => one.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
}
