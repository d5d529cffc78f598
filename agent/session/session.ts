/** One session lasts from an open connection until anything fails on it. Tasks belong to the worker and outlive it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentSession, Api, SessionInput, TaskReport } from '../connection/api.ts';
import { type ApiError, isRefused, toApiError } from '../connection/wire.ts';
import type { ContainerReporter } from './containers.ts';
import type { EngineWatch } from './engine-watch.ts';
import { type FeedTimings, openFeed, retryStream, type Ways } from './feed.ts';
import type { Reporter } from './reporter.ts';
import type { Worker } from './worker.ts';

/** A server that replaces a session refuses an operation and closes the socket just after. */
const CLOSE_REASON_WITHIN_MS = 500;

export type SessionOptions = {
  /** The session owns it and closes it. */
  api: Api;
  ways: Ways;
  /** Identifies this process and its engine. */
  about: Omit<SessionInput, 'transport' | 'running'>;
  worker: Worker;
  reporter: Reporter;
  containers: ContainerReporter;
  engineWatch: Pick<EngineWatch, 'attach' | 'detach'>;
  timings: FeedTimings;
  /** Called before anything is run or reported in the session. */
  onOpen(session: AgentSession, api: Api): void;
  stop: AbortSignal;
};

/** If a stream could be opened again while polling, `next` is that stream, and the next session uses it at once. */
export type SessionEnd = { livedMs: number; error?: ApiError; next?: Api };

/** Never rejects. */
export async function runSession(options: SessionOptions): Promise<SessionEnd> {
  const { api, about, worker, stop } = options;
  let goodbye: Promise<void> | undefined;
  const leave = () => {
    goodbye = api.leave();
  };
  stop.addEventListener('abort', leave);
  if (stop.aborted) leave();
  try {
    const session = await api.openSession({ ...about, transport: api.transport, running: worker.handOver() });
    const openedAtMs = performance.now();
    options.onOpen(session, api);
    const end = await live(options, session);
    return { ...end, livedMs: performance.now() - openedAtMs };
  } catch (error) {
    return { error: toApiError(error), livedMs: 0 };
  } finally {
    stop.removeEventListener('abort', leave);
    await goodbye;
    api.close();
  }
}

/** Resolves with the reason for the session's end, once everything is detached from it. */
async function live(options: SessionOptions, session: AgentSession): Promise<{ error?: ApiError; next?: Api }> {
  const { api, ways, worker, reporter, containers, engineWatch, timings } = options;
  const { epoch } = session;
  const over = Promise.withResolvers<{ error?: ApiError; next?: Api }>();
  const fail = (error: unknown) => over.resolve({ error: toApiError(error) });
  const guarded = <T>(operation: Promise<T>): Promise<T> => {
    operation.catch(fail);
    return operation;
  };
  /** What is refused is the reporter's own to sort out; every other failure is one of the link. */
  const guardedUnlessRefused = <T>(operation: Promise<T>): Promise<T> => {
    operation.catch((error: unknown) => isRefused(error) || fail(error));
    return operation;
  };
  const reportTasks = async (reports: TaskReport[]) => {
    const results = await guardedUnlessRefused(api.reportTasks(epoch, reports));
    // A task that waited for this one may be startable now, and the next poll is 5 s away.
    if (reports.some(({ status }) => status !== 'RUNNING')) feed.poke();
    return results;
  };

  void api.closed.then(fail);
  worker.attach({ startTasks: (ids) => guarded(api.startTasks(epoch, ids)) }, session.adopted);
  const feed = openFeed({ api, epoch, timings, onTasks: (tasks) => worker.receive(tasks), onError: fail });
  reporter.attach({ reportTasks });
  containers.attach({
    reportContainers: (list, others) => guardedUnlessRefused(api.reportContainers(epoch, list, others)),
    reportForeignContainers: (names) => guardedUnlessRefused(api.reportForeignContainers(epoch, names)),
  });
  engineWatch.attach({ reportEngine: (news) => guardedUnlessRefused(api.reportEngine(epoch, news)) });
  const retry =
    api.transport === 'POLL' ? retryStream(timings.streamRetryMs, ways, (next) => over.resolve({ next })) : null;

  const { error, next } = await over.promise;
  retry?.close();
  feed.close();
  containers.detach();
  engineWatch.detach();
  reporter.detach();
  const quiet = worker.detach();
  if (next) {
    await quiet;
    return { next };
  }
  const reason = error && (await reasonOf(error, api));
  if (reason?.code === 'REPLACED') worker.abandonAll();
  return { error: reason };
}

async function reasonOf(error: ApiError, api: Api): Promise<ApiError> {
  if (error.code !== 'SESSION_LOST' || api.transport !== 'STREAM') return error;
  return Promise.race([api.closed, sleep(CLOSE_REASON_WITHIN_MS, error)]);
}
