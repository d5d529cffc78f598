/** The Docker engine of this host, as the rest of the agent sees it. */
import type { Readable } from 'node:stream';
import { type Calls, createCalls } from './calls.ts';
import { createEventHub, type Listener, type Subscription } from './events.ts';
import { createOnce, type Once } from './once.ts';
import {
  type ContainerReport,
  type DockerInspect,
  type DockerListItem,
  type Identity,
  type ListDetails,
  toContainerReport,
} from './shapes/observe.ts';
import { chooseApiVersion, newestApiVersion } from './shapes/version.ts';
import { createTransport } from './transport.ts';

export type EngineFacts = {
  version: string;
  apiVersion: string;
  os: string;
  arch: string;
  cpus: number;
  memoryBytes: number;
};

export type Engine = Calls & {
  facts(): Promise<EngineFacts>;
  /** What is spoken with it; before its first answer, the newest that we speak. */
  apiVersion(): string;
  /** All containers that this agent made for this cluster, in whatever state. */
  containers(identity: Identity): Promise<ContainerReport[]>;
  /** Events of all labelled containers; `action` is Docker's, or 'resync' (no container) after each connect. */
  events(listener: Listener): Subscription;
  /** What was made sure of on this host a moment ago. */
  once: Once;
  close(): void;
};

const rememberMs = 10_000;
const eventActions = ['create', 'start', 'die', 'destroy', 'rename', 'pause', 'unpause', 'oom', 'health_status'];

export type EngineOptions = {
  socketPath: string;
  /** How long a call may take that does not name its own time; 60,000 unless told. */
  callMs?: number;
};

export function createEngine({ socketPath, callMs = 60_000 }: EngineOptions): Engine {
  const { send, connect, apiVersion } = createTransport(socketPath, callMs);
  const once = createOnce(rememberMs);
  const hub = createEventHub(
    async (signal) =>
      (await send({
        what: 'Following events',
        method: 'GET',
        path: '/events',
        query: { filters: { type: ['container'], label: ['graphium.cluster'], event: eventActions } },
        stream: true,
        signal,
      })) as Readable,
  );
  const calls = createCalls(send);
  return {
    ...calls,
    once,
    apiVersion: () => apiVersion() ?? newestApiVersion,
    facts: async () => {
      const version = await connect();
      const info = (await send({ what: 'Asking for the engine', method: 'GET', path: '/info' })) as {
        NCPU: number;
        MemTotal: number;
      };
      return {
        version: version.Version,
        apiVersion: chooseApiVersion(version),
        os: version.Os,
        arch: version.Arch,
        cpus: info.NCPU,
        memoryBytes: info.MemTotal,
      };
    },
    containers: createReports(calls, hub.listen),
    events: hub.listen,
    close: () => {
      hub.close();
      once.forgetAll();
    },
  };
}

/** One list call; what a list does not say is asked once per start of a container, and forgotten on its next event. */
function createReports(calls: Calls, listen: (listener: Listener) => Subscription) {
  const known = new Map<string, ListDetails>();
  let following = false;
  const detailsOf = async (item: DockerListItem): Promise<ListDetails> => {
    const details = known.get(item.Id);
    if (details) return details;
    if (item.State === 'created') return { startedAt: null, image: item.Image };
    const inspect: DockerInspect | null = await calls.findContainer(item.Id);
    const startedAt = inspect?.State.StartedAt;
    const fresh: ListDetails = {
      startedAt: startedAt && !startedAt.startsWith('0001-') ? startedAt : null,
      image: inspect?.Config.Image ?? item.Image,
    };
    known.set(item.Id, fresh);
    return fresh;
  };
  return async (identity: Identity): Promise<ContainerReport[]> => {
    if (!following)
      listen(({ containerId }) => {
        if (containerId) known.delete(containerId);
        else known.clear();
      });
    following = true;
    const items = await calls.listContainers([
      `graphium.cluster=${identity.clusterId}`,
      `graphium.agent=${identity.agentName}`,
    ]);
    return Promise.all(items.map(async (item) => toContainerReport(item, await detailsOf(item))));
  };
}
