/**
 * The calls of Docker's API that we use, by name. What is an ordinary answer is no error here: 404 on looking something up
 * gives null, 304 on start and stop and 404 on removing mean that it is so already.
 */
import type { Readable } from 'node:stream';
import type { TaskProgress } from '../outcome.ts';
import { EngineError, isBadRequest, isNotFound } from './errors.ts';
import { toPullQuery } from './image.ts';
import type { DockerInspect, DockerListItem } from './observe.ts';
import { foldPull, nothingPulled, type PullLine, pullErrorOf, toPullProgress } from './pull.ts';
import type { ContainerBody, Endpoint, Labels } from './spec.ts';
import { toLines, toLogLines } from './streams.ts';
import type { Request, Send } from './transport.ts';

export type DockerNetwork = {
  Id: string;
  Name: string;
  Created: string;
  Driver: string;
  Labels: Labels | null;
  IPAM?: { Config?: { Subnet?: string; Gateway?: string; IPRange?: string }[] | null };
};
export type DockerVolume = { Name: string; Labels: Labels | null };

export type Calls = ReturnType<typeof createCalls>;

const logLines = 100;
const logLineChars = 2_000;
const maxLogBytes = 8 * 1024 * 1024;
const pullStallMs = 5 * 60_000;
const stopSlackMs = 30_000;

const orNull = <T>(answer: Promise<unknown>): Promise<T | null> =>
  (answer as Promise<T>).catch((error: unknown) => {
    if (isNotFound(error)) return null;
    throw error;
  });

export function createCalls(send: Send) {
  return { ...containerCalls(send), ...imageCalls(send), ...networkCalls(send), ...volumeCalls(send) };
}

function containerCalls(send: Send) {
  const post = (what: string, path: string, rest: Partial<Request> = {}) =>
    send({ what, method: 'POST', path, ...rest });
  return {
    findContainer: (nameOrId: string) =>
      orNull<DockerInspect>(
        send({ what: `Looking at ${nameOrId}`, method: 'GET', path: `/containers/${nameOrId}/json` }),
      ),
    /** `labels`: "key=value", all of which must match. */
    listContainers: async (labels: string[]) =>
      (await send({
        what: 'Listing containers',
        method: 'GET',
        path: '/containers/json',
        query: { all: true, filters: { label: labels } },
      })) as DockerListItem[],
    createContainer: async (name: string, body: ContainerBody): Promise<string> => {
      const created = (await post(`Creating ${name}`, '/containers/create', { query: { name }, body })) as {
        Id: string;
      };
      return created.Id;
    },
    startContainer: async (id: string) => {
      await post('Starting', `/containers/${id}/start`);
    },
    /** Docker asks the process to end and kills it after `stopSeconds`, which it knows itself. */
    stopContainer: async (id: string, stopSeconds: number) => {
      const timeoutMs = Math.max(stopSeconds, 0) * 1000 + stopSlackMs;
      await orNull(post('Stopping', `/containers/${id}/stop`, { timeoutMs }));
    },
    unpauseContainer: async (id: string) => {
      await post('Unpausing', `/containers/${id}/unpause`);
    },
    renameContainer: async (id: string, name: string) => {
      await post(`Renaming to ${name}`, `/containers/${id}/rename`, { query: { name } });
    },
    /** With its anonymous volumes. */
    removeContainer: async (id: string) => {
      await orNull(
        send({ what: 'Removing', method: 'DELETE', path: `/containers/${id}`, query: { v: true, force: true } }),
      );
    },
    /** The last lines of both outputs, oldest first. */
    logs: async (id: string, tty: boolean): Promise<string[]> => {
      const query = { stdout: true, stderr: true, tail: logLines };
      const stream = (await send({
        what: 'Reading logs',
        method: 'GET',
        path: `/containers/${id}/logs`,
        query,
        stream: true,
      })) as Readable;
      return toLogLines(await readAll(stream), { tty, lines: logLines, chars: logLineChars });
    },
  };
}

function imageCalls(send: Send) {
  return {
    /** What Docker does not take for a name of an image is not here either. */
    hasImage: async (image: string): Promise<boolean> => {
      const path = `/images/${image.split('/').map(encodeURIComponent).join('/')}/json`;
      try {
        return (await orNull(send({ what: `Looking at ${image}`, method: 'GET', path }))) !== null;
      } catch (error) {
        if (isBadRequest(error)) return false;
        throw error;
      }
    },
    /** Rejects when Docker says so, also in the middle of the stream, and when nothing moves for 5 minutes. */
    pullImage: async (image: string, onProgress: (progress: TaskProgress) => void, signal: AbortSignal) => {
      const stalled = new AbortController();
      const either = AbortSignal.any([signal, stalled.signal]);
      const wind = () => setTimeout(() => stalled.abort(), pullStallMs);
      let timer = wind();
      let stream: Readable | undefined;
      try {
        const what = `Pulling ${image}`;
        const query = toPullQuery(image);
        stream = (await send({
          what,
          method: 'POST',
          path: '/images/create',
          query,
          stream: true,
          timeoutMs: pullStallMs,
          signal: either,
        })) as Readable;
        const destroy = () => stream?.destroy(new Error('aborted'));
        either.addEventListener('abort', destroy, { once: true });
        if (either.aborted) destroy();
        await followPull(stream, what, onProgress, () => {
          clearTimeout(timer);
          timer = wind();
        });
      } catch (error) {
        if (stalled.signal.aborted) throw new EngineError(`Pulling ${image}`, 504, 'nothing moved for 5 minutes');
        throw error instanceof EngineError ? error : new EngineError(`Pulling ${image}`, 502, String(error));
      } finally {
        clearTimeout(timer);
        stream?.destroy();
      }
    },
  };
}

async function followPull(
  stream: Readable,
  what: string,
  onProgress: (progress: TaskProgress) => void,
  onLine: () => void,
) {
  let state = nothingPulled;
  for await (const text of toLines(stream)) {
    onLine();
    const line = JSON.parse(text) as PullLine;
    const error = pullErrorOf(line);
    if (error !== undefined) throw new EngineError(what, 500, error);
    state = foldPull(state, line);
    onProgress(toPullProgress(state));
  }
}

function networkCalls(send: Send) {
  const list = async (filters: Record<string, string[]>) =>
    (await send({ what: 'Listing networks', method: 'GET', path: '/networks', query: { filters } })) as DockerNetwork[];
  return {
    /** More than one network may have the name. Docker's filter also finds names that only contain it. */
    networksNamed: async (name: string) => (await list({ name: [name] })).filter((network) => network.Name === name),
    networksLabelled: (labels: string[]) => list({ label: labels }),
    createNetwork: async (body: { Name: string }): Promise<string> => {
      const what = `Creating network ${body.Name}`;
      return ((await send({ what, method: 'POST', path: '/networks/create', body })) as { Id: string }).Id;
    },
    networkHasContainers: async (id: string): Promise<boolean> => {
      const network = await orNull<{ Containers?: object | null }>(
        send({ what: 'Looking at the network', method: 'GET', path: `/networks/${id}` }),
      );
      return Object.keys(network?.Containers ?? {}).length > 0;
    },
    removeNetwork: async (id: string) => {
      await orNull(send({ what: 'Removing the network', method: 'DELETE', path: `/networks/${id}` }));
    },
    connectNetwork: async (network: string, containerId: string, endpoint: Endpoint) => {
      const body = { Container: containerId, EndpointConfig: endpoint };
      await send({ what: `Joining network ${network}`, method: 'POST', path: `/networks/${network}/connect`, body });
    },
  };
}

function volumeCalls(send: Send) {
  return {
    findVolume: (name: string) =>
      orNull<DockerVolume>(send({ what: `Looking at volume ${name}`, method: 'GET', path: `/volumes/${name}` })),
    /** One that is there already is left as it is. */
    createVolume: async (name: string, labels: Labels) => {
      await send({
        what: `Creating volume ${name}`,
        method: 'POST',
        path: '/volumes/create',
        body: { Name: name, Labels: labels },
      });
    },
    removeVolume: async (name: string) => {
      await orNull(send({ what: `Removing volume ${name}`, method: 'DELETE', path: `/volumes/${name}` }));
    },
  };
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxLogBytes) break;
  }
  return Buffer.concat(chunks);
}
