/**
 * Sends requests to the engine's socket through dockerode's modem. No other file knows the modem (docker-modem 5.0.7).
 * Three of its habits were found by trying:
 * - It runs the options of every request through `util.inspect` at full depth. With an HTTP agent among them this takes 7 ms
 *   of processor time, and so would an abort signal that does not say itself how it looks. Node's own agent keeps
 *   connections alive.
 * - It turns a plain object of options into both the body and the query, environment variables included. `_query` and
 *   `_body` keep them apart.
 * - It never answers when a response breaks off, so the time-out has to.
 *
 * Invariants: no call waits forever, and one that is given up leaves no connection behind. Every rejection is an EngineError. Nothing is sent before the API version is agreed
 * on. The body that is sent is exactly the given one, which the policy has checked.
 */
import './lean.ts';
import type { IncomingMessage } from 'node:http';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import { EngineError, isUnreachable } from './errors.ts';
import { chooseApiVersion } from './shapes/version.ts';

export type Request = {
  /** Begins error messages: "Creating web-1". */
  what: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  /** Values that are objects are sent as JSON. */
  query?: Record<string, unknown>;
  body?: object;
  /** Is sent as it is, in place of a body. */
  tar?: Buffer;
  /** If true, the answer is the response's stream, and the time-out only covers the response's head. */
  stream?: boolean;
  timeoutMs?: number;
  /** Only for streams. */
  signal?: AbortSignal;
};
/** Resolves with parsed JSON, with null if there is none, or with an IncomingMessage for a stream. */
export type Send = (request: Request) => Promise<unknown>;

export type EngineVersion = {
  Version: string;
  ApiVersion: string;
  MinAPIVersion?: string;
  Os: string;
  Arch: string;
  Components?: { Name: string }[];
};

export type Transport = {
  send: Send;
  connect(): Promise<EngineVersion>;
  /** The version last agreed on, or undefined before the first answer. */
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
      // The engine may come back as another version.
      if (isUnreachable(error)) agreed = undefined;
      throw error;
    }
  };

  return { send, connect: async () => (await agree()).version, apiVersion: () => apiVersion };
}

/** The part of dockerode's modem that is used here; its own types lack it. */
type Modem = { dial(options: object, callback: (error: ModemError | null, answer: unknown) => void): void };
type ModemError = Error & { statusCode?: number; json?: unknown };

function modemOf(socketPath: string, version?: string): Modem {
  return new Docker({ socketPath, ...(version && { version }) }).modem as Modem;
}

/** 304 means that nothing was left to do. Every status that is not listed is an error. */
const STATUS_CODES = { 200: true, 201: true, 202: true, 204: true, 304: true };

function roundTrip(modem: Modem, request: Request, timeoutMs: number): Promise<unknown> {
  const { what, method, path, query, body, tar, stream = false, signal } = request;
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      finish();
    };
    const abort = new AbortController();
    Object.defineProperty(abort.signal, inspect.custom, { value: () => 'AbortSignal' });
    const giveUp = (why: string) => {
      settle(() => reject(new EngineError(what, null, why)));
      abort.abort();
    };
    const onAbort = () => giveUp('aborted');
    const timer = setTimeout(() => giveUp(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) return onAbort();
    const options = {
      path: query ? `${path}?` : path,
      method,
      options: { _query: toQuery(query), _body: body ?? {} },
      isStream: stream,
      statusCodes: STATUS_CODES,
      ...(tar && { file: tar }),
      abortSignal: abort.signal,
    };
    modem.dial(options, (error, answer) => {
      if (error) settle(() => reject(toEngineError(what, error)));
      else settle(() => resolve(stream ? (answer as IncomingMessage) : toJson(answer)));
    });
  });
}

/** Makes JSON of lists too, because the modem would repeat the parameter for each item. */
function toQuery(query: Record<string, unknown> = {}): Record<string, unknown> {
  const entries = Object.entries(query).map(([name, value]) => [
    name,
    typeof value === 'object' ? JSON.stringify(value) : value,
  ]);
  return Object.fromEntries(entries);
}

/** A body that is not JSON, usually an empty one, comes as a Buffer. */
const toJson = (answer: unknown): unknown => (Buffer.isBuffer(answer) ? null : answer);

function toEngineError(what: string, error: ModemError): EngineError {
  if (error.statusCode === undefined) return new EngineError(what, null, error.message);
  return new EngineError(what, error.statusCode, toDetail(error));
}

/** Docker's errors are {"message": ...}, but a proxy in between may answer otherwise. */
function toDetail({ json, message }: ModemError): string {
  if (typeof json === 'object' && json !== null && 'message' in json) return String(json.message).trim();
  const said = Buffer.isBuffer(json) ? json.toString('utf8') : message.replace(/^\(HTTP code \d+\) unexpected - /, '');
  return said.trim().slice(0, 1_000);
}
