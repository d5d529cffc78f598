import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, afterEach } from 'vitest';
import type { AgentTask, Logger, TaskFailure, TaskOutcome, TaskUpdate } from '../../../agent/base/outcome.ts';
import { createSlots } from '../../../agent/base/slots.ts';
import { createEngine, type Engine } from '../../../agent/docker/engine.ts';
import type { DockerInspect } from '../../../agent/docker/shapes/observe.ts';
import type { ContainerSpec, DeploySpec, NetworkSpec } from '../../../agent/docker/shapes/spec.ts';
import { type Policy, strictPolicy } from '../../../agent/policy/schema.ts';
import type { TaskContext } from '../../../agent/task/context.ts';
import { runTask } from '../../../agent/task/task.ts';
import { getLab } from '../lab.ts';
import { PLAIN } from './specs.ts';

/** A process that runs until it is told to stop, and then stops at once. */
export const service = ['sh', '-c', 'trap "exit 0" TERM; echo up; while :; do sleep 1 & wait; done'];
/** What our labels on nothing look like. */
const nobody = { Env: [], Labels: {}, ExposedPorts: {} };
const MONITOR_MS = 300;

export const silentLog: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

type Options = {
  /** Another than the host's own. */
  stack?: string;
  taskId?: string;
  cancel?: AbortSignal;
  update?: (update: TaskUpdate) => void;
  policy?: Policy;
  agent?: string;
  engine?: Engine;
};

/** One agent's view of a real engine, with a stack of its own; each test's leftovers are removed, whoever made them. */
export function createHost() {
  const lab = getLab();
  const [at] = lab.hosts;
  if (!at) throw new Error('the lab has no host');
  const engine = createEngine({ socketPath: at.socketPath });
  const slots = createSlots(4);
  const pullSlots = createSlots(4);
  const clusterId = `test-${randomUUID()}`;
  const stack = `t${randomUUID().slice(0, 8)}`;
  const foreign: string[] = [];
  const name = (service: string) => `${stack}-${service}-1`;

  const clean = async () => {
    const containers = await engine.listContainers([`graphium.cluster=${clusterId}`]);
    for (const id of [...foreign.splice(0), ...containers.map(({ Id }) => Id)]) await engine.removeContainer(id);
    for (const { Id } of await engine.networksLabelled([`graphium.cluster=${clusterId}`]))
      await engine.removeNetwork(Id);
    for (const volume of ['data', 'cache']) await engine.removeVolume(`${stack}_${volume}`);
    engine.once.forgetAll();
  };
  afterEach(clean);
  afterAll(() => engine.close());

  const specOf = (change: Partial<ContainerSpec> = {}, rest: Partial<DeploySpec> = {}): DeploySpec => {
    const container = { ...PLAIN, name: name('web'), image: lab.images.busybox, command: service, ...change };
    const specHash = JSON.stringify(container);
    return { version: 1, revision: 1, specHash, container, networks: [], volumes: [], ...rest };
  };

  const contextOf = ({ cancel, update, policy, agent, engine: other }: Options = {}): TaskContext => ({
    engine: other ?? engine,
    identity: { clusterId, agentName: agent ?? at.name },
    policy: policy ?? strictPolicy,
    pullSlots,
    update: update ?? (() => {}),
    cancel: cancel ?? new AbortController().signal,
    slots,
    log: silentLog,
    monitorMs: MONITOR_MS,
  });

  /** `containerName`: of the service `web` unless the spec names another. */
  const run = (kind: AgentTask['kind'], spec: object, options: Options = {}): Promise<TaskOutcome> => {
    const containerName = 'container' in spec ? (spec as DeploySpec).container.name : name('web');
    const task = {
      id: options.taskId ?? randomUUID(),
      kind,
      attempt: 1,
      stack: options.stack ?? stack,
      containerName,
      spec,
    };
    return runTask(task, contextOf(options));
  };

  /** `Found` names further fields of Docker's answer. */
  const inspect = async <Found extends object = object>(nameOrId: string): Promise<DockerInspect & Found> => {
    const found = await engine.findContainer(nameOrId);
    if (!found) throw new Error(`no container ${nameOrId}`);
    return found as DockerInspect & Found;
  };

  return {
    ...lab,
    at,
    engine,
    stack,
    clusterId,
    name,
    specOf,
    contextOf,
    run,
    clean,
    network: (change: Partial<NetworkSpec> = {}): NetworkSpec => ({
      name: `${stack}_net`,
      driver: 'bridge',
      subnet: null,
      gateway: null,
      ipRange: null,
      labels: {},
      ...change,
    }),
    /** Runs and must be COMPLETED; the container's id. */
    up: async (kind: AgentTask['kind'], spec: object, options: Options = {}): Promise<string> => {
      const outcome = await run(kind, spec, options);
      if (outcome.status !== 'COMPLETED') throw new Error(`${kind}: ${JSON.stringify(outcome)}`);
      return outcome.result.containerId ?? '';
    },
    /** Must be FAILED. */
    fail: async (
      kind: AgentTask['kind'],
      spec: object,
      options: Options = {},
    ): Promise<TaskFailure & { retryable: boolean }> => {
      const outcome = await run(kind, spec, options);
      if (outcome.status !== 'FAILED') throw new Error(`${kind}: ${JSON.stringify(outcome)}`);
      return { ...outcome.error, retryable: outcome.retryable };
    },
    /** A running container that Graphium knows nothing of. */
    addForeign: async (containerName: string, Labels: Record<string, string> = {}): Promise<string> => {
      const HostConfig = {
        NetworkMode: 'none',
        PortBindings: {},
        Mounts: [],
        RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
      };
      const { id } = await engine.createContainer(containerName, {
        ...nobody,
        Image: lab.images.busybox,
        Cmd: service,
        Labels,
        HostConfig,
      });
      foreign.push(id);
      await engine.startContainer(id);
      return id;
    },
    inspect,
    pause: (id: string) => call(at.socketPath, 'POST', `/containers/${id}/pause`),
    removeImage: (image: string) => call(at.socketPath, 'DELETE', `/images/${image}?force=true`),
    /** The host's port that leads to port 80 of the container. */
    portOf: async (nameOrId: string): Promise<number> => {
      const bound = (await inspect(nameOrId)).NetworkSettings?.Ports?.['80/tcp'] as
        | { HostPort: string }[]
        | null
        | undefined;
      return Number(bound?.[0]?.HostPort);
    },
    /** Names of all containers of the stack, whatever agent made them. */
    names: async (): Promise<string[]> => {
      const items = await engine.listContainers([`graphium.cluster=${clusterId}`]);
      return items.map(({ Names }) => (Names?.[0] ?? '').slice(1)).sort();
    },
  };
}

export type Host = ReturnType<typeof createHost>;

/** What the agent itself never asks of Docker; resolves whatever it answers. */
function call(socketPath: string, method: string, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path }, (response) => response.resume().on('end', resolve));
    sent.on('error', reject).end();
  });
}
