import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMigrated } from '../db/migrations.ts';
import type { Db } from '../db/types.ts';

/** In milliseconds. A balancer that waits longer than this has better servers to ask. */
const DATABASE_WITHIN = 2_000;

export type Probes = {
  /** Answers `/healthz` and `/readyz`; returns false for every other path. */
  answer(path: string | undefined, response: ServerResponse): boolean;
  /** From now on the server is not ready: it takes no new work while it ends what is under way. */
  stop(): void;
};

/**
 * `/healthz` is 200 as long as the process answers: whoever restarts servers asks it. `/readyz` is 200 while the server
 * can do its work, and 503 with the reason while it cannot: whoever spreads requests over servers asks it.
 */
export function createProbes(db: Db): Probes {
  let stopping = false;
  let asking: Promise<string | undefined> | undefined;

  /** One question serves all who wait for its answer: nobody needs a token for it, and it takes a connection. */
  async function whyNotReady(): Promise<string | undefined> {
    if (stopping) return 'the server is stopping';
    asking ??= askDatabase(db).finally(() => (asking = undefined));
    const late = new AbortController();
    try {
      return await Promise.race([asking, silence(late.signal)]);
    } finally {
      late.abort();
    }
  }

  return {
    answer(path, response) {
      if (path === '/healthz') send(response, undefined, 'alive');
      else if (path === '/readyz') void whyNotReady().then((reason) => send(response, reason, 'ready'));
      else return false;
      return true;
    },
    stop() {
      stopping = true;
    },
  };
}

async function askDatabase(db: Db): Promise<string | undefined> {
  try {
    if (await isMigrated(db)) return undefined;
    return 'migrations of the database are missing: restart the server to run them';
  } catch {
    return 'the database cannot be reached';
  }
}

async function silence(signal: AbortSignal): Promise<string | undefined> {
  await sleep(DATABASE_WITHIN, undefined, { signal }).catch(() => {});
  return `the database did not answer within ${DATABASE_WITHIN / 1_000} s`;
}

function send(response: ServerResponse, problem: string | undefined, good: string): void {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  response.writeHead(problem === undefined ? 200 : 503, headers).end(`${problem ?? good}\n`);
}
