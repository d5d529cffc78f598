/** Opens session after session for as long as the process lives. */
import { type Backoff, backoffMs, pause } from '../base/backoff.ts';
import type { Api } from '../connection/api.ts';
import { type ApiError, toApiError } from '../connection/wire.ts';
import { dial, type Ways } from './feed.ts';
import { runSession, type SessionEnd, type SessionOptions } from './session.ts';

const BACKOFF: Backoff = { firstMs: 250, longestMs: 10_000 };
/** After a session that lived this long, the next failure counts as the first again. */
const GOOD_SESSION_MS = 3_000;
const REPLACED_WAIT_MS = 15_000;
const QUARANTINED_WAIT_MS = 60_000;
const REJECTED = new Set(['UNAUTHENTICATED', 'AGENT_QUARANTINED']);

type Log = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

type Parts = 'worker' | 'reporter' | 'containers' | 'engineWatch' | 'timings' | 'onOpen' | 'stop';

export type LoopOptions = Pick<SessionOptions, Parts> & {
  /** Called for each session, because a new enrollment changes the credential. */
  ways(): Ways;
  about(): Promise<SessionOptions['about']>;
  /** Called on UNAUTHENTICATED and AGENT_QUARANTINED. Resolves with whether there is another credential now. */
  onRejected(error: ApiError): Promise<boolean>;
  log: Log;
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
};

/** Never rejects. Resolves with `rejected` if the server refuses this agent's credential and there is no other. */
export async function keepConnected(options: LoopOptions): Promise<'stopped' | 'rejected'> {
  const { stop, log, wait = pause } = options;
  let failures = 0;
  let next: Api | undefined;
  while (!stop.aborted) {
    const end = await oneSession(options, next);
    next = end.next;
    if (end.livedMs >= GOOD_SESSION_MS) failures = 0;
    if (stop.aborted) next?.close();
    if (stop.aborted || !end.error) continue;
    const rejection = await handleRejection(options, end.error);
    if (rejection === 'renewed') continue;
    if (rejection === 'final') return 'rejected';
    failures += 1;
    const waitMs = waitAfter(end.error.code, failures);
    logFailure(log, end.error, waitMs);
    await wait(waitMs, stop);
  }
  return 'stopped';
}

/** Undefined if trying again with the same credential may help. */
async function handleRejection(options: LoopOptions, error: ApiError): Promise<'renewed' | 'final' | undefined> {
  if (!REJECTED.has(error.code)) return undefined;
  if (await options.onRejected(error)) return 'renewed';
  return error.code === 'UNAUTHENTICATED' ? 'final' : undefined;
}

function logFailure(log: Log, { code, message }: ApiError, waitMs: number): void {
  const fields = { code, error: message, retryInMs: Math.round(waitMs) };
  if (code === 'REPLACED') {
    log.error(
      fields,
      'REPLACED: another process uses the credential of this agent, or the agent was removed; its work here was dropped',
    );
  } else if (code === 'AGENT_QUARANTINED') log.error(fields, 'the server has put this agent into quarantine');
  else log.warn(fields, 'no session with the server');
}

async function oneSession(options: LoopOptions, next: Api | undefined): Promise<SessionEnd> {
  const { log } = options;
  try {
    const about = await options.about();
    const ways = options.ways();
    const refused = (error: ApiError) => log.warn({ error: error.message }, 'no stream to be had: polling');
    const api = next ?? (await dial(ways, refused));
    return await runSession({ ...options, api, ways, about });
  } catch (error) {
    next?.close();
    return { error: toApiError(error), livedMs: 0 };
  }
}

/** Milliseconds until the next session is tried. */
export function waitAfter(code: string, failures: number, random: () => number = Math.random): number {
  if (code === 'AGENT_QUARANTINED') return QUARANTINED_WAIT_MS;
  if (code === 'REPLACED') return REPLACED_WAIT_MS * (1 + random());
  return backoffMs(BACKOFF, failures, random);
}
