import { randomUUID } from 'node:crypto';
import { ask, type GraphqlResult, graphql } from './server.ts';
import { openWire, type Wire } from './wire.ts';

/** An agent that speaks the real protocol and does what the test says instead of running containers. */

export type Task = {
  id: string;
  kind: string;
  status: string;
  attempt: number;
  stack: string;
  containerName: string | null;
  cancelRequested: boolean;
  priority: number;
  spec: Record<string, unknown>;
  variables: Record<string, string> | null;
};
export type Report = {
  taskId: string;
  attempt: number;
  sequence: number;
  status: string;
  phase?: string;
  progress?: Record<string, unknown>;
  error?: Record<string, unknown>;
  result?: Record<string, unknown>;
  retryable?: boolean;
};
export type Observed = { name: string; stack: string } & Record<string, unknown>;

const TASK = '{ id kind status attempt stack containerName cancelRequested priority spec variables }';
const OPEN =
  'mutation($input: SessionInput!) { openSession(input: $input) { epoch adopted clusterId agentName leaseSeconds } }';
const START = `mutation($epoch: Int!, $ids: [ID!]!) { startTasks(epoch: $epoch, ids: $ids) ${TASK} }`;
const REPORT =
  'mutation($epoch: Int!, $reports: [TaskReport!]!) { reportTasks(epoch: $epoch, reports: $reports) { taskId outcome } }';
const OBSERVE =
  'mutation($epoch: Int!, $containers: [ContainerReport!]!) { reportContainers(epoch: $epoch, containers: $containers) }';
const REPORT_ENGINE =
  'mutation($epoch: Int!, $engine: EngineInput, $problem: String) { reportEngine(epoch: $epoch, engine: $engine, problem: $problem) }';
const PENDING = `query($epoch: Int!, $limit: Int!) { pendingTasks(epoch: $epoch, limit: $limit) ${TASK} }`;

const ENGINE = { version: '28.2.2', apiVersion: '1.48', os: 'linux', arch: 'x86_64', cpus: 2, memoryBytes: 4e9 };

/** The latest task that made a container, by the container's name, as its label says. */
const makers = new Map<string, string>();

export type FakeAgent = ReturnType<typeof createFakeAgent>;

export function createFakeAgent(server: { url: string }, identity: { id: string; name: string; secret: string }) {
  let { secret } = identity;
  let epoch = 0;
  const wires: Wire[] = [];
  const call = <T>(query: string, variables: Record<string, unknown>) => ask<T>(server, secret, query, variables);

  const sessionInput = (options: { instanceId?: string; running?: { taskId: string; attempt: number }[] } = {}) => ({
    instanceId: options.instanceId ?? randomUUID(),
    version: '1.0.0',
    transport: 'POLL',
    engine: ENGINE,
    running: options.running ?? [],
  });

  const agent = {
    ...identity,
    epoch: () => epoch,
    /** After enrolling again it has another credential. */
    useSecret(other: string) {
      secret = other;
    },
    /** Opens a session over HTTP. */
    async open(options: Parameters<typeof sessionInput>[0] = {}) {
      const { openSession } = await call<{ openSession: { epoch: number; adopted: string[] } }>(OPEN, {
        input: sessionInput(options),
      });
      epoch = openSession.epoch;
      return openSession;
    },
    /** Opens a socket and a session over it. */
    async connect(options: Parameters<typeof sessionInput>[0] = {}): Promise<Wire> {
      const wire = await openWire(server.url, { authorization: `Bearer ${secret}` });
      wires.push(wire);
      const input = { ...sessionInput(options), transport: 'STREAM' };
      const { data, errors } = await wire.ask<{ openSession: { epoch: number } }>(OPEN, { input });
      if (!data) throw new Error(JSON.stringify(errors));
      epoch = data.openSession.epoch;
      return wire;
    },
    /** Subscribes to the complete set of pending tasks. */
    stream: (wire: Wire) =>
      wire.subscribe<{ pendingTasks: Task[] }>(`subscription($epoch: Int!) { pendingTasks(epoch: $epoch) ${TASK} }`, {
        epoch,
      }),
    async pending(limit = 256): Promise<Task[]> {
      return (await call<{ pendingTasks: Task[] }>(PENDING, { epoch, limit })).pendingTasks;
    },
    async start(ids: readonly string[], options: { epoch?: number } = {}): Promise<Task[]> {
      const variables = { epoch: options.epoch ?? epoch, ids };
      return (await call<{ startTasks: Task[] }>(START, variables)).startTasks;
    },
    /** @returns the outcomes */
    async report(reports: readonly Report[], options: { epoch?: number } = {}): Promise<string[]> {
      const variables = { epoch: options.epoch ?? epoch, reports };
      const { reportTasks } = await call<{ reportTasks: { outcome: string }[] }>(REPORT, variables);
      return reportTasks.map((one) => one.outcome);
    },
    /** Returns the raw answer, for reports that are refused. */
    tryStart: (ids: readonly string[], atEpoch = epoch): Promise<GraphqlResult<{ startTasks: Task[] }>> =>
      graphql(server, secret, START, { epoch: atEpoch, ids }),
    tryReport: (reports: readonly Report[], atEpoch = epoch): Promise<GraphqlResult<{ reportTasks: unknown[] }>> =>
      graphql(server, secret, REPORT, { epoch: atEpoch, reports }),
    tryOpen: (
      options: Parameters<typeof sessionInput>[0] = {},
    ): Promise<GraphqlResult<{ openSession: { epoch: number } }>> =>
      graphql(server, secret, OPEN, { input: sessionInput(options) }),
    /** Ends a started task. @returns ACCEPTED or STALE */
    async finish(
      task: Pick<Task, 'id' | 'attempt'> & Partial<Pick<Task, 'containerName'>>,
      status = 'COMPLETED',
      more: Partial<Report> = {},
    ) {
      const result = status === 'FAILED' ? {} : { result: { action: 'done' } };
      const report = { taskId: task.id, attempt: task.attempt, sequence: 100, status, ...result, ...more };
      if (task.containerName) makers.set(task.containerName, task.id);
      return (await agent.report([report]))[0];
    },
    /** Works until there is nothing left to do. @returns kinds and containers in the order they ran */
    async work(): Promise<string[]> {
      const done: string[] = [];
      for (;;) {
        const started = await agent.start((await agent.pending()).map((task) => task.id));
        if (started.length === 0) return done;
        for (const task of started) {
          await agent.finish(task);
          done.push(`${task.kind} ${task.containerName ?? ''}`.trim());
        }
      }
    },
    observe: (containers: readonly Observed[]) =>
      call<{ reportContainers: boolean }>(OBSERVE, { epoch, containers: containers.map(toReport) }),
    /** @param problem what is wrong with the engine; null if it answers again */
    reportEngine: (problem: string | null) =>
      call<{ reportEngine: boolean }>(REPORT_ENGINE, { epoch, problem, engine: problem === null ? ENGINE : null }),
    tryReportEngine: (variables: Record<string, unknown>) =>
      graphql(server, secret, REPORT_ENGINE, { epoch, ...variables }),
    async close() {
      await Promise.all(wires.map((wire) => wire.close()));
    },
  };
  return agent;
}

function toReport(container: Observed) {
  return {
    taskId: makers.get(container.name) ?? null,
    id: container.name.padEnd(12, '0'),
    service: container.name,
    replica: 1,
    revision: 1,
    specHash: 'hash',
    image: 'nginx:alpine',
    state: 'RUNNING',
    health: 'NONE',
    ports: [],
    ...container,
  };
}
