/** Presents the Docker engine of this host to the rest of the agent. */
import type { Readable } from 'node:stream';
import { type Calls, createCalls } from './calls.ts';
import { createEventHub, type Listener, type Subscription } from './events.ts';
import { createOnce, type Once } from './once.ts';
import { type Abilities, type EngineInfo, toAbilities } from './shapes/abilities.ts';
import {
  type ContainerReport,
  type DockerListItem,
  type Identity,
  isOurs,
  type ListDetails,
  listedName,
  toContainerReport,
  toListDetails,
} from './shapes/observe.ts';
import { chooseApiVersion, NEWEST_API_VERSION } from './shapes/version.ts';
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
  /** What it said when it was last asked for its facts. */
  abilities(): Abilities;
  /** Rejects if the engine does not answer. */
  ping(): Promise<void>;
  /** The version of the API that is spoken with it. Before its first answer, that is the newest the agent knows. */
  apiVersion(): string;
  /** Lists all containers that this agent made for this cluster, in whatever state, and the names of all others. */
  containers(identity: Identity): Promise<HostContainers>;
  /** Follows events of all labelled containers. `action` is Docker's, or 'resync' without a container after each connect. */
  events(listener: Listener): Subscription;
  /** Remembers what was checked on this host a moment ago. */
  once: Once;
  close(): void;
};

const REMEMBER_MS = 10_000;
/** Closes the connection of one that does not answer. */
const PING_MS = 5_000;
/** Podman says "remove" for "destroy". */
const EVENT_ACTIONS = 'create start die destroy remove rename pause unpause oom health_status'.split(' ');

export type HostContainers = { own: ContainerReport[]; foreign: string[] };

export type EngineOptions = {
  socketPath: string;
  /** How long a call may take that sets no limit of its own. The default is 60,000. */
  callMs?: number;
  /** How long the body of a log may take. */
  logMs?: number;
};

export function createEngine({ socketPath, callMs = 60_000, logMs }: EngineOptions): Engine {
  const { send, connect, apiVersion } = createTransport(socketPath, callMs);
  const once = createOnce(REMEMBER_MS);
  const hub = createEventHub(
    async (signal) =>
      (await send({
        what: 'Following events',
        method: 'GET',
        path: '/events',
        query: { filters: { type: ['container'], event: EVENT_ACTIONS } },
        stream: true,
        signal,
      })) as Readable,
  );
  const calls = createCalls(send, logMs);
  let abilities: Abilities = { rootless: false, podman: false, info: {} };
  return {
    ...calls,
    once,
    apiVersion: () => apiVersion() ?? NEWEST_API_VERSION,
    facts: async () => {
      const version = await connect();
      const info = (await send({ what: 'Asking for the engine', method: 'GET', path: '/info' })) as EngineInfo;
      abilities = toAbilities(info, version.Components);
      return {
        version: version.Version,
        apiVersion: chooseApiVersion(version),
        os: version.Os,
        arch: version.Arch,
        cpus: info.NCPU,
        memoryBytes: info.MemTotal,
      };
    },
    abilities: () => abilities,
    ping: async () => {
      await send({ what: 'Asking the engine', method: 'GET', path: '/_ping', timeoutMs: PING_MS });
    },
    containers: createReports(calls, hub.listen),
    events: hub.listen,
    close: () => {
      hub.close();
      once.forgetAll();
    },
  };
}

/** Needs one list call. Details that a list lacks are asked once per container and forgotten on its next event. */
function createReports(calls: Calls, listen: (listener: Listener) => Subscription) {
  const known = new Map<string, ListDetails>();
  let following = false;
  const detailsOf = async (item: DockerListItem): Promise<ListDetails> => {
    const details = known.get(item.Id);
    if (details) return details;
    if (item.State === 'created') return toListDetails(item, null);
    const fresh = toListDetails(item, await calls.findContainer(item.Id));
    known.set(item.Id, fresh);
    return fresh;
  };
  return async (identity: Identity): Promise<HostContainers> => {
    if (!following)
      listen(({ containerId }) => {
        if (containerId) known.delete(containerId);
        else known.clear();
      });
    following = true;
    const items = await calls.listContainers([]);
    const isOwn = ({ Labels: labels }: DockerListItem) => isOurs(labels ?? {}, identity);
    const own = items.filter(isOwn).map(async (item) => toContainerReport(item, await detailsOf(item)));
    return { own: await Promise.all(own), foreign: items.filter((item) => !isOwn(item)).map(listedName) };
  };
}
