/**
 * The calls of Docker's API that the agent uses, by name. Ordinary answers are no errors here: a lookup that ends with 404
 * gives null, and 304 on start and stop or 404 on removal mean that nothing is left to do.
 */
import type { Readable } from 'node:stream';
import type { TaskProgress } from '../base/outcome.ts';
import { orNull } from './answer.ts';
import { EngineError, isConflict, isInvalidImageName, isNotFound } from './errors.ts';
import { networkCalls, volumeCalls } from './part-calls.ts';
import type { ContainerBody } from './shapes/body.ts';
import { fitsPlatform, toPullQuery } from './shapes/image.ts';
import type { DockerInspect, DockerListItem } from './shapes/observe.ts';
import {
  foldPull,
  isAtWork,
  NOTHING_PULLED,
  type PullLine,
  type PullState,
  pullErrorOf,
  toPullProgress,
} from './shapes/pull.ts';
import { toLines, toLogLines } from './streams.ts';
import type { Request, Send } from './transport.ts';

type Mounted = { Mounts?: { Type?: string; Source?: string; Destination?: string }[] | null };

export type Calls = ReturnType<typeof createCalls>;

const LOG_LINES = 100;
const LOG_LINE_CHARS = 2_000;
const MAX_LOG_BYTES = 8 * 1024 * 1024;
const PULL_STALL_MS = 5 * 60_000;
const LAYER_STALL_MS = 60 * 60_000;
const STOP_SLACK_MS = 30_000;
/** A longer one would go off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** A first container fills its volumes from the image, and a slow disk may take long to remove a large one. */
const LONG_CALL_MS = 10 * 60_000;
const LOG_WITHIN_MS = 20_000;

/** @param logMs how long the body of a log may take */
export function createCalls(send: Send, logMs = LOG_WITHIN_MS) {
  return { ...containerCalls(send, logMs), ...imageCalls(send), ...networkCalls(send), ...volumeCalls(send) };
}

function containerCalls(send: Send, logMs: number) {
  const post = (what: string, path: string, rest: Partial<Request> = {}) =>
    send({ what, method: 'POST', path, ...rest });
  return {
    findContainer: (nameOrId: string) =>
      orNull<DockerInspect>(
        send({ what: `Looking at ${nameOrId}`, method: 'GET', path: `/containers/${nameOrId}/json` }),
      ),
    /** Lists containers that have all the labels, each given as "key=value": without any, all that there are. */
    listContainers: async (labels: string[]) =>
      (await send({
        what: 'Listing containers',
        method: 'GET',
        path: '/containers/json',
        query: { all: true, filters: { label: labels } },
      })) as DockerListItem[],
    /** `warnings`: what the engine will not do of what was asked, such as a limit that it cannot enforce. */
    createContainer: async (
      name: string,
      body: ContainerBody,
      platform?: string,
    ): Promise<{ id: string; warnings: string[] }> => {
      const query = { name, ...(platform !== undefined && { platform }) };
      const created = (await post(`Creating ${name}`, '/containers/create', {
        query,
        body,
        timeoutMs: LONG_CALL_MS,
      })) as { Id: string; Warnings?: string[] | null };
      return { id: created.Id, warnings: created.Warnings ?? [] };
    },
    /** Unpacks a tar archive at the container's root. Docker makes missing directories and never replaces one by a file. */
    putArchive: async (id: string, tar: Buffer) => {
      const query = { path: '/', noOverwriteDirNonDir: true };
      const path = `/containers/${id}/archive`;
      await send({ what: 'Writing files', method: 'PUT', path, query, tar, timeoutMs: LONG_CALL_MS });
    },
    /** Returns the container with its mounts, or null if there is none. */
    inspectMounts: (id: string) =>
      orNull<DockerInspect & Mounted>(
        send({ what: `Looking at ${id}`, method: 'GET', path: `/containers/${id}/json` }),
      ),
    /** Returns where on the host the container's mounts come from, or nothing if there is no such container. */
    mountSources: async (id: string): Promise<string[]> => {
      const found = await orNull<Mounted>(
        send({ what: `Looking at ${id}`, method: 'GET', path: `/containers/${id}/json` }),
      );
      return found ? toSources(found) : [];
    },
    /** Returns the same for all containers that have the labels. */
    mountSourcesOf: async (labels: string[]): Promise<string[]> => {
      const query = { all: true, filters: { label: labels } };
      const items = await send({ what: 'Listing containers', method: 'GET', path: '/containers/json', query });
      return (items as Mounted[]).flatMap(toSources);
    },
    startContainer: async (id: string) => {
      await post('Starting', `/containers/${id}/start`, { timeoutMs: LONG_CALL_MS });
    },
    /** Docker asks the process to end and kills it after `stopSeconds`, which Docker knows from the container. */
    stopContainer: async (id: string, stopSeconds: number) => {
      const timeoutMs = Math.min(Math.max(stopSeconds, 0) * 1000 + STOP_SLACK_MS, LONGEST_TIMER_MS);
      await orNull(post('Stopping', `/containers/${id}/stop`, { timeoutMs }));
    },
    /** Ends the process at once; Docker does not start it again by itself. 409 means that it does not run. */
    killContainer: async (id: string) => {
      await post('Killing', `/containers/${id}/kill`).catch((error: unknown) => {
        if (!isConflict(error) && !isNotFound(error)) throw error;
      });
    },
    unpauseContainer: async (id: string) => {
      await post('Unpausing', `/containers/${id}/unpause`);
    },
    renameContainer: async (id: string, name: string) => {
      await post(`Renaming to ${name}`, `/containers/${id}/rename`, { query: { name } });
    },
    /** Removes the container together with its anonymous volumes. */
    removeContainer: async (id: string) => {
      await orNull(
        send({
          what: 'Removing',
          method: 'DELETE',
          path: `/containers/${id}`,
          query: { v: true, force: true },
          timeoutMs: LONG_CALL_MS,
        }),
      );
    },
    /** Returns the last lines of both outputs, oldest first. */
    logs: async (id: string, tty: boolean): Promise<string[]> => {
      const query = { stdout: true, stderr: true, tail: LOG_LINES };
      const stream = (await send({
        what: 'Reading logs',
        method: 'GET',
        path: `/containers/${id}/logs`,
        query,
        stream: true,
      })) as Readable;
      return toLogLines(await readAll(stream, logMs), { tty, lines: LOG_LINES, chars: LOG_LINE_CHARS });
    },
  };
}

const toSources = ({ Mounts }: Mounted): string[] => (Mounts ?? []).flatMap(({ Source }) => Source ?? []);

type DockerImage = { Id: string; Os?: string; Architecture?: string; Variant?: string };

function imageCalls(send: Send) {
  /** Docker refuses what is not the name of an image. Such an image is not present either. */
  const find = async (image: string): Promise<DockerImage | null> => {
    const path = `/images/${image.split('/').map(encodeURIComponent).join('/')}/json`;
    try {
      return await orNull<DockerImage>(send({ what: `Looking at ${image}`, method: 'GET', path }));
    } catch (error) {
      if (isInvalidImageName(error)) return null;
      throw error;
    }
  };
  return {
    /** An image for another platform does not count. */
    hasImage: async (image: string, platform?: string): Promise<boolean> => {
      const found = await find(image);
      return found !== null && fitsPlatform(found, platform);
    },
    /** Returns the id of the image that the name stands for now, or null if it is not present. */
    imageId: async (image: string): Promise<string | null> => (await find(image))?.Id ?? null,
    /** Rejects if Docker reports an error, even in the middle of the stream, and if nothing moves for 5 minutes, or an hour with a layer. */
    pullImage: async (
      image: string,
      onProgress: (progress: TaskProgress) => void,
      signal: AbortSignal,
      platform?: string,
    ) => {
      const stalled = new AbortController();
      const either = AbortSignal.any([signal, stalled.signal]);
      const arm = (ms: number) => setTimeout(() => stalled.abort(ms), ms);
      let timer = arm(PULL_STALL_MS);
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
          timeoutMs: PULL_STALL_MS,
          signal: either,
        })) as Readable;
        const destroy = () => stream?.destroy(new Error('aborted'));
        either.addEventListener('abort', destroy, { once: true });
        if (either.aborted) destroy();
        await followPull(stream, what, onProgress, (state) => {
          clearTimeout(timer);
          timer = arm(isAtWork(state) ? LAYER_STALL_MS : PULL_STALL_MS);
        });
      } catch (error) {
        if (stalled.signal.aborted) {
          const minutes = Number(stalled.signal.reason) / 60_000;
          throw new EngineError(`Pulling ${image}`, 504, `nothing moved for ${minutes} minutes`);
        }
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
  onLine: (state: PullState) => void,
) {
  let state = NOTHING_PULLED;
  for await (const text of toLines(stream)) {
    const line = JSON.parse(text) as PullLine;
    const error = pullErrorOf(line);
    if (error !== undefined) throw new EngineError(what, 500, error);
    state = foldPull(state, line);
    onLine(state);
    onProgress(toPullProgress(state));
  }
}

/** Returns what has come until the stream ends, is too long, or has taken too long: some lines are better than none. */
async function readAll(stream: Readable, withinMs: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    stream.destroy(new Error('the log did not end'));
  }, withinMs);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_LOG_BYTES) break;
    }
  } catch (error) {
    if (!isLate) throw error;
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks);
}
