/**
 * Requests to the engine's socket, on node:http alone. Not through dockerode: its modem runs every request through
 * `util.inspect` at full depth (7 ms of processor time per call, against 0.2 ms here), puts bodies into the URL, and never
 * answers when a response breaks off (docker-modem 5.0.7).
 *
 * Invariants: no call waits for ever; what rejects is an EngineError; nothing is sent before the API version is agreed;
 * the body sent is exactly the one given, which the policy has looked at.
 */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { EngineError, isUnreachable } from './errors.ts';
import { chooseApiVersion } from './version.ts';

export type Request = {
  /** For messages: "Creating web-1". */
  what: string;
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  /** Objects are sent as JSON. */
  query?: Record<string, unknown>;
  body?: object;
  /** Answer with the response's stream; the time-out then ends with the response's head. */
  stream?: boolean;
  timeoutMs?: number;
  signal?: AbortSignal;
};
/** Resolves with parsed JSON (null if there is none), or with an IncomingMessage for a stream. */
export type Send = (request: Request) => Promise<unknown>;

export type EngineVersion = { Version: string; ApiVersion: string; MinAPIVersion?: string; Os: string; Arch: string };

export type Transport = { send: Send; connect(): Promise<EngineVersion>; close(): void };

export function createTransport(socketPath: string, callMs: number): Transport {
  const agent = new Agent({ keepAlive: true });
  let agreed: Promise<EngineVersion> | undefined;

  const ask = async (): Promise<EngineVersion> =>
    (await exchange({ what: 'Asking for the version', method: 'GET', path: '/version' }, '')) as EngineVersion;

  const connect = () => {
    if (!agreed) {
      const attempt = ask();
      agreed = attempt;
      attempt.catch(() => {
        if (agreed === attempt) agreed = undefined;
      });
    }
    return agreed;
  };

  const exchange = (request: Request, prefix: string) =>
    roundTrip({ timeoutMs: callMs, ...request }, { socketPath, agent, prefix });

  const send: Send = async (request) => {
    try {
      return await exchange(request, `/v${chooseApiVersion(await connect())}`);
    } catch (error) {
      // It may come back as another version.
      if (isUnreachable(error)) agreed = undefined;
      throw error;
    }
  };

  return { send, connect, close: () => agent.destroy() };
}

type Route = { socketPath: string; agent: Agent; prefix: string };

function roundTrip(request: Request & { timeoutMs: number }, { socketPath, agent, prefix }: Route): Promise<unknown> {
  const { what, method, path, query, body, stream = false, timeoutMs, signal } = request;
  return new Promise((resolve, reject) => {
    const text = body && JSON.stringify(body);
    const headers =
      text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const sent = httpRequest({ socketPath, agent, method, path: prefix + path + toSearch(query), headers });
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      finish();
    };
    const giveUp = (why: string) => {
      settle(() => reject(new EngineError(what, null, why)));
      sent.destroy();
    };
    const onAbort = () => giveUp('aborted');
    const timer = setTimeout(() => giveUp(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    sent.on('error', (error) => settle(() => reject(new EngineError(what, null, error.message))));
    sent.on('response', (response) => {
      const ok = isFine(response);
      if (ok && stream) return settle(() => resolve(response));
      readAnswer(response, ok, what).then(
        (answer) => settle(() => resolve(answer)),
        (error) => settle(() => reject(error)),
      );
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    else sent.end(text);
  });
}

/** 304: it is so already. */
const isFine = ({ statusCode = 0 }: IncomingMessage): boolean =>
  (statusCode >= 200 && statusCode < 300) || statusCode === 304;

function toSearch(query: Record<string, unknown> = {}): string {
  const entries = Object.entries(query).map(([name, value]): [string, string] => [
    name,
    typeof value === 'object' ? JSON.stringify(value) : String(value),
  ]);
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries)}`;
}

async function readAnswer(response: IncomingMessage, ok: boolean, what: string): Promise<unknown> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    if (!ok) throw new EngineError(what, response.statusCode ?? 0, toDetail(text));
    return text.trim() === '' ? null : JSON.parse(text);
  } catch (error) {
    throw error instanceof EngineError ? error : new EngineError(what, null, String(error));
  }
}

/** Docker's errors are {"message": ...}; what stands between us and it may answer otherwise. */
function toDetail(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return message.trim();
  } catch {
    // Not JSON: the text itself is all there is.
  }
  return text.trim().slice(0, 1_000);
}
