/** Brings the sets of pending tasks: by the stream first, by polling when no WebSocket can be had, and back again. */
import { spreadMs } from '../base/backoff.ts';
import type { Api, PendingTask } from '../connection/api.ts';
import { type ApiError, toApiError } from '../connection/wire.ts';

/** The two ways to the same server. */
export type Ways = {
  /** Rejects with STREAM_REFUSED when HTTP may still work. */
  openStream(): Promise<Api>;
  openPoll(): Api;
};

export type FeedTimings = { pollMs: number; streamRetryMs: number };

/** Opens a poll untested: if HTTP does not work either, the session's first operation fails and ends the session. */
export async function dial(ways: Ways, refused: (error: ApiError) => void): Promise<Api> {
  try {
    return await ways.openStream();
  } catch (error) {
    const failure = toApiError(error);
    if (failure.code !== 'STREAM_REFUSED') throw failure;
    refused(failure);
    return ways.openPoll();
  }
}

export type Feed = {
  /** Hints that there may be something new. */
  poke(): void;
  close(): void;
};

export type FeedOptions = {
  api: Api;
  epoch: number;
  timings: FeedTimings;
  onTasks(tasks: PendingTask[]): void;
  onError(error: ApiError): void;
};

export function openFeed(options: FeedOptions): Feed {
  return options.api.transport === 'STREAM' ? openStreamFeed(options) : openPollFeed(options);
}

function openStreamFeed({ api, epoch, onTasks }: FeedOptions): Feed {
  let open = true;
  api.watchPendingTasks(epoch, (tasks) => {
    if (open) onTasks(tasks);
  });
  const close = () => {
    open = false;
  };
  return { poke: () => {}, close };
}

function openPollFeed({ api, epoch, timings, onTasks, onError }: FeedOptions): Feed {
  let open = true;
  let asking = false;
  let again = false;
  let timer: NodeJS.Timeout | undefined;

  const ask = async () => {
    clearTimeout(timer);
    asking = true;
    again = false;
    try {
      const tasks = await api.pendingTasks(epoch);
      if (open) onTasks(tasks);
    } catch (error) {
      if (open) onError(toApiError(error));
      open = false;
    }
    asking = false;
    if (open) timer = setTimeout(ask, again ? 0 : spreadMs(timings.pollMs, Math.random));
  };

  void ask();
  return {
    poke: () => {
      if (!open) return;
      if (asking) again = true;
      else void ask();
    },
    close: () => {
      open = false;
      clearTimeout(timer);
    },
  };
}

/** Keeps trying to open the stream while the agent polls. `onStream` gets it once and owns it. */
export function retryStream(everyMs: number, ways: Ways, onStream: (api: Api) => void): { close(): void } {
  let open = true;
  const attempt = async () => {
    const api = await ways.openStream().catch(() => undefined);
    if (!open) api?.close();
    else if (api) onStream(api);
    else timer = setTimeout(attempt, spreadMs(everyMs, Math.random));
  };
  let timer = setTimeout(attempt, spreadMs(everyMs, Math.random));
  return {
    close: () => {
      open = false;
      clearTimeout(timer);
    },
  };
}
