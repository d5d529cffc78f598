/**
 * The Docker engine of this host: the only file that imports dockerode. It sends requests through dockerode's modem and
 * not through its methods, because those put the whole body into the URL too, and because every call gets here what they
 * lack: a time-out, one kind of error, and exactly the body that the policy has looked at.
 *
 * Invariants: no call waits for ever; what rejects is an EngineError; nothing is sent before the API version is agreed.
 */
import { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import Docker from 'dockerode';
import { type Calls, createCalls, type Request, type Send } from './calls.ts';
import { EngineError, isUnreachable } from './errors.ts';
import { createEventHub, type Listener, type Subscription } from './events.ts';
import {
  type ContainerReport,
  type DockerInspect,
  type DockerListItem,
  type Identity,
  type ListDetails,
  toContainerReport,
} from './observe.ts';
import { createOnce, type Once } from './once.ts';
import { chooseApiVersion } from './version.ts';

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

type Version = { Version: string; ApiVersion: string; MinAPIVersion?: string; Os: string; Arch: string };

export type EngineOptions = {
  socketPath: string;
  /** How long a call may take that does not name its own time; 60,000 unless told. */
  callMs?: number;
};

export function createEngine({ socketPath, callMs = 60_000 }: EngineOptions): Engine {
  const { send, connect, close } = createTransport(socketPath, callMs);
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
    facts: async () => {
      const { version } = await connect();
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
      close();
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

function createTransport(socketPath: string, callMs: number) {
  const agent = new Agent({ keepAlive: true });
  let agreed: Promise<{ docker: Docker; version: Version }> | undefined;

  const agree = async () => {
    // `host`: or the modem would prefer the DOCKER_HOST of the environment.
    const options = { socketPath, agent, host: undefined, protocol: 'http' } as Docker.DockerOptions;
    const plain = new Docker(options);
    const version = (await dial(plain, callMs, {
      what: 'Asking for the version',
      method: 'GET',
      path: '/version',
    })) as Version;
    return { docker: new Docker({ ...options, version: `v${chooseApiVersion(version)}` }), version };
  };

  const connect = () => {
    if (!agreed) {
      const attempt = agree();
      agreed = attempt;
      attempt.catch(() => {
        if (agreed === attempt) agreed = undefined;
      });
    }
    return agreed;
  };

  const send: Send = async (request) => {
    try {
      const { docker } = await connect();
      return await dial(docker, callMs, request);
    } catch (error) {
      // It may come back as another version.
      if (isUnreachable(error)) agreed = undefined;
      throw error;
    }
  };

  return { send, connect, close: () => agent.destroy() };
}

type DialError = Error & { statusCode?: number; json?: { message?: string } | null };

/** The modem says nothing when an answer breaks off in the middle, so that the clock runs here. */
function dial(docker: Docker, callMs: number, request: Request): Promise<unknown> {
  const { what, method, path, query, body, stream = false, timeoutMs = callMs, signal } = request;
  return new Promise((resolve, reject) => {
    const abort = new AbortController();
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      finish();
    };
    const giveUp = (why: string) => {
      settle(() => reject(new EngineError(what, null, why)));
      abort.abort();
    };
    const onAbort = () => giveUp('aborted');
    const timer = setTimeout(() => giveUp(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) return onAbort();
    docker.modem.dial(
      {
        path: `${path}?`,
        method,
        options: { _query: query ?? {}, _body: body ?? {} },
        isStream: stream,
        abortSignal: abort.signal,
        statusCodes: { 200: true, 201: true, 204: true, 304: true },
      },
      (error: DialError | null, answer: unknown) => {
        settle(() => (error ? reject(toEngineError(what, error)) : resolve(answer)));
      },
    );
  });
}

function toEngineError(what: string, error: DialError): EngineError {
  if (error.statusCode === undefined) return new EngineError(what, null, error.message);
  // The modem's own wording, where it has not kept the answer (streams): "(HTTP code 404) reason - what Docker said ".
  const said = error.json?.message ?? error.message.replace(/^\(HTTP code \d+\) .*? - /, '').trim();
  return new EngineError(what, error.statusCode, said);
}
