/** Session after session, for as long as the process lives. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from '../connection/api.ts';
import { type ApiError, toApiError } from '../connection/wire.ts';
import { dial, type Ways } from './feed.ts';
import { runSession, type SessionEnd, type SessionOptions } from './session.ts';

const BACK_OFF_MIN_MS = 250;
const BACK_OFF_MAX_MS = 10_000;
/** A session that lived this long was a good one: the next failure is the first again. */
const GOOD_SESSION_MS = 30_000;
const REPLACED_WAIT_MS = 15_000;
const QUARANTINED_WAIT_MS = 60_000;
const REJECTED = new Set(['UNAUTHENTICATED', 'AGENT_QUARANTINED']);

type Log = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

export type LoopOptions = Pick<SessionOptions, 'worker' | 'reporter' | 'containers' | 'timings' | 'onOpen' | 'stop'> & {
  /** Asked for each session, because a new enrolment changes the credential. */
  ways(): Ways;
  about(): Promise<SessionOptions['about']>;
  /** UNAUTHENTICATED or AGENT_QUARANTINED. Resolves with whether there is another credential now. */
  onRejected(error: ApiError): Promise<boolean>;
  log: Log;
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
};

/** Resolves with `stopped`, or with `rejected` when the server wants nothing to do with this agent. Never rejects. */
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
    if (REJECTED.has(end.error.code)) {
      if (await options.onRejected(end.error)) continue;
      if (end.error.code === 'UNAUTHENTICATED') return 'rejected';
    }
    failures += 1;
    const waitMs = waitAfter(end.error.code, failures);
    const fields = { code: end.error.code, error: end.error.message, retryInMs: Math.round(waitMs) };
    if (end.error.code === 'REPLACED')
      log.error(
        fields,
        'REPLACED: another process uses the credential of this agent, or the agent was removed; its work here was dropped',
      );
    else if (end.error.code === 'AGENT_QUARANTINED') log.error(fields, 'the server has put this agent into quarantine');
    else log.warn(fields, 'no session with the server');
    await wait(waitMs, stop);
  }
  return 'stopped';
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

/** Full jitter, so that many agents that lost one server do not come back together. Milliseconds. */
export function waitAfter(code: string, failures: number, random: () => number = Math.random): number {
  if (code === 'AGENT_QUARANTINED') return QUARANTINED_WAIT_MS;
  if (code === 'REPLACED') return REPLACED_WAIT_MS * (1 + random());
  return random() * Math.min(BACK_OFF_MAX_MS, BACK_OFF_MIN_MS * 2 ** Math.min(failures - 1, 10));
}

async function pause(ms: number, signal: AbortSignal) {
  await sleep(ms, undefined, { signal }).catch(() => {});
}
