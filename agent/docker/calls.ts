/**
 * The calls of Docker's API that we use, by name. What is an ordinary answer is no error here: 404 on looking something up
 * gives null, 304 on start and stop and 404 on removing mean that it is so already.
 */
import type { Readable } from 'node:stream';
import type { TaskProgress } from '../base/outcome.ts';
import { orNull } from './answer.ts';
import { EngineError, isBadRequest } from './errors.ts';
import { networkCalls, volumeCalls } from './part-calls.ts';
import type { ContainerBody } from './shapes/body.ts';
import { fitsPlatform, toPullQuery } from './shapes/image.ts';
import type { DockerInspect, DockerListItem } from './shapes/observe.ts';
import { foldPull, nothingPulled, type PullLine, pullErrorOf, toPullProgress } from './shapes/pull.ts';
import { toLines, toLogLines } from './streams.ts';
import type { Request, Send } from './transport.ts';

type Mounted = { Mounts?: { Source?: string }[] | null };

export type Calls = ReturnType<typeof createCalls>;

const logLines = 100;
const logLineChars = 2_000;
const maxLogBytes = 8 * 1024 * 1024;
const pullStallMs = 5 * 60_000;
const stopSlackMs = 30_000;

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
    createContainer: async (name: string, body: ContainerBody, platform?: string): Promise<string> => {
      const query = { name, ...(platform !== undefined && { platform }) };
      const created = (await post(`Creating ${name}`, '/containers/create', { query, body })) as { Id: string };
      return created.Id;
    },
    /** A tar archive, unpacked at the container's root; missing directories are made, and none becomes a file. */
    putArchive: async (id: string, tar: Buffer) => {
      const query = { path: '/', noOverwriteDirNonDir: true };
      await send({ what: 'Writing files', method: 'PUT', path: `/containers/${id}/archive`, query, tar });
    },
    /** Where on the host the container's mounts come from; none if there is no such container. */
    mountSources: async (id: string): Promise<string[]> => {
      const found = await orNull<Mounted>(
        send({ what: `Looking at ${id}`, method: 'GET', path: `/containers/${id}/json` }),
      );
      return found ? toSources(found) : [];
    },
    /** The same of all containers that have the labels. */
    mountSourcesOf: async (labels: string[]): Promise<string[]> => {
      const query = { all: true, filters: { label: labels } };
      const items = await send({ what: 'Listing containers', method: 'GET', path: '/containers/json', query });
      return (items as Mounted[]).flatMap(toSources);
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

const toSources = ({ Mounts }: Mounted): string[] => (Mounts ?? []).flatMap(({ Source }) => Source ?? []);

type DockerImage = { Id: string; Os?: string; Architecture?: string; Variant?: string };

function imageCalls(send: Send) {
  /** What Docker does not take for a name of an image is not here either. */
  const find = async (image: string): Promise<DockerImage | null> => {
    const path = `/images/${image.split('/').map(encodeURIComponent).join('/')}/json`;
    try {
      return await orNull<DockerImage>(send({ what: `Looking at ${image}`, method: 'GET', path }));
    } catch (error) {
      if (isBadRequest(error)) return null;
      throw error;
    }
  };
  return {
    /** One for another platform does not count. */
    hasImage: async (image: string, platform?: string): Promise<boolean> => {
      const found = await find(image);
      return found !== null && fitsPlatform(found, platform);
    },
    /** What the name stands for now, as containers name what they were made from; null: it is not here. */
    imageId: async (image: string): Promise<string | null> => (await find(image))?.Id ?? null,
    /** Rejects when Docker says so, also in the middle of the stream, and when nothing moves for 5 minutes. */
    pullImage: async (
      image: string,
      onProgress: (progress: TaskProgress) => void,
      signal: AbortSignal,
      platform?: string,
    ) => {
      const stalled = new AbortController();
      const either = AbortSignal.any([signal, stalled.signal]);
      const wind = () => setTimeout(() => stalled.abort(), pullStallMs);
      let timer = wind();
      let stream: Readable | undefined;
      try {
        const what = `Pulling ${image}`;
        const query = { ...toPullQuery(image), ...(platform !== undefined && { platform }) };
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
