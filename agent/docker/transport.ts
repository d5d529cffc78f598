/**
 * Requests to the engine's socket, through dockerode's modem, and the only file that knows it (docker-modem 5.0.7).
 * What it does otherwise, found by trying:
 * - It runs the options of every request through `util.inspect` at full depth. With an HTTP agent or an abort signal among
 *   them that takes 7 ms of processor time a call, so ordinary calls have neither; Node's own agent keeps connections.
 * - Of a plain object of options it makes both the body and the query, environment variables included; `_query` and
 *   `_body` keep them apart.
 * - It never answers when a response breaks off; the time-out does.
 *
 * Invariants: no call waits for ever; what rejects is an EngineError; nothing is sent before the API version is agreed;
 * the body sent is exactly the one given, which the policy has looked at.
 */
import type { IncomingMessage } from 'node:http';
import Docker from 'dockerode';
import { EngineError, isUnreachable } from './errors.ts';
import { chooseApiVersion } from './shapes/version.ts';

export type Request = {
  /** For messages: "Creating web-1". */
  what: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  /** Objects are sent as JSON. */
  query?: Record<string, unknown>;
  body?: object;
  /** Sent as it is, in place of a body. */
  tar?: Buffer;
  /** Answer with the response's stream; the time-out then ends with the response's head. */
  stream?: boolean;
  timeoutMs?: number;
  /** For streams. */
  signal?: AbortSignal;
};
/** Resolves with parsed JSON (null if there is none), or with an IncomingMessage for a stream. */
export type Send = (request: Request) => Promise<unknown>;

export type EngineVersion = { Version: string; ApiVersion: string; MinAPIVersion?: string; Os: string; Arch: string };

export type Transport = {
  send: Send;
  connect(): Promise<EngineVersion>;
  /** As last agreed; undefined before the first answer. */
  apiVersion(): string | undefined;
};

export function createTransport(socketPath: string, callMs: number): Transport {
  let agreed: Promise<{ version: EngineVersion; modem: Modem }> | undefined;
  let apiVersion: string | undefined;

  const ask = async () => {
    const request: Request = { what: 'Asking for the version', method: 'GET', path: '/version' };
    const version = (await roundTrip(modemOf(socketPath), request, callMs)) as EngineVersion;
    apiVersion = chooseApiVersion(version);
    return { version, modem: modemOf(socketPath, `v${apiVersion}`) };
  };

  const agree = () => {
    if (!agreed) {
      const attempt = ask();
      agreed = attempt;
      attempt.catch(() => {
        if (agreed === attempt) agreed = undefined;
      });
    }
    return agreed;
  };

  const send: Send = async (request) => {
    try {
      const { modem } = await agree();
      return await roundTrip(modem, request, request.timeoutMs ?? callMs);
    } catch (error) {
      // It may come back as another version.
      if (isUnreachable(error)) agreed = undefined;
      throw error;
    }
  };

  return { send, connect: async () => (await agree()).version, apiVersion: () => apiVersion };
}

/** What of dockerode's modem is used; its own types leave it out. */
type Modem = { dial(options: object, callback: (error: ModemError | null, answer: unknown) => void): void };
type ModemError = Error & { statusCode?: number; json?: unknown };

function modemOf(socketPath: string, version?: string): Modem {
  return new Docker({ socketPath, ...(version && { version }) }).modem as Modem;
}

/** 304: it is so already. Every other answer is an error. */
const statusCodes = { 200: true, 201: true, 202: true, 204: true, 304: true };

function roundTrip(modem: Modem, request: Request, timeoutMs: number): Promise<unknown> {
  const { what, method, path, query, body, tar, stream = false, signal } = request;
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      finish();
    };
    const giveUp = (why: string) => settle(() => reject(new EngineError(what, null, why)));
    const onAbort = () => giveUp('aborted');
    const timer = setTimeout(() => giveUp(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) return onAbort();
    const options = {
      path: query ? `${path}?` : path,
      method,
      options: { _query: toQuery(query), _body: body ?? {} },
      isStream: stream,
      statusCodes,
      ...(tar && { file: tar }),
      ...(signal && { abortSignal: signal }),
    };
    modem.dial(options, (error, answer) => {
      if (error) settle(() => reject(toEngineError(what, error)));
      else settle(() => resolve(stream ? (answer as IncomingMessage) : toJson(answer)));
    });
  });
}

/** The modem makes JSON of objects but repeats the parameter for each item of a list. */
function toQuery(query: Record<string, unknown> = {}): Record<string, unknown> {
  const entries = Object.entries(query).map(([name, value]) => [
    name,
    typeof value === 'object' ? JSON.stringify(value) : value,
  ]);
  return Object.fromEntries(entries);
}

/** What is not JSON, an empty body above all, comes as a Buffer. */
const toJson = (answer: unknown): unknown => (Buffer.isBuffer(answer) ? null : answer);

function toEngineError(what: string, error: ModemError): EngineError {
  if (error.statusCode === undefined) return new EngineError(what, null, error.message);
  return new EngineError(what, error.statusCode, toDetail(error));
}

/** Docker's errors are {"message": ...}; what stands between us and it may answer otherwise. */
function toDetail({ json, message }: ModemError): string {
  if (typeof json === 'object' && json !== null && 'message' in json) return String(json.message).trim();
  const said = Buffer.isBuffer(json) ? json.toString('utf8') : message.replace(/^\(HTTP code \d+\) unexpected - /, '');
  return said.trim().slice(0, 1_000);
}
