/** An engine that misbehaves, as no real one can be made to at will. */

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { createSlots } from '../../agent/base/slots.ts';
import { createEngine, type Engine } from '../../agent/docker/engine.ts';
import { strictPolicy } from '../../agent/policy/schema.ts';
import { runTask } from '../../agent/task/task.ts';
import { silentLog } from '../support/agent/host.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const version = { Version: '29.0.0', ApiVersion: '1.52', MinAPIVersion: '1.44', Os: 'linux', Arch: 'amd64' };

const open: (Server | Engine)[] = [];
afterEach(() => {
  for (const each of open.splice(0)) {
    if ('closeAllConnections' in each) each.closeAllConnections();
    each.close();
  }
});

async function createDaemon(answer: Answer, socketPath = join(tmpdir(), `graphium-${randomUUID()}.sock`)) {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    if (request.url?.startsWith('/version')) response.end(JSON.stringify(version));
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const engine = createEngine({ socketPath, callMs: 300 });
  open.push(engine, server);
  return { engine, paths, server, socketPath };
}

const json = (response: ServerResponse, status: number, body: object) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};
const notFound: Answer = (_, response) => json(response, 404, { message: 'No such image: x' });

const pull = (engine: Engine) =>
  runTask(
    {
      id: 't',
      kind: 'PULL',
      attempt: 1,
      stack: 's',
      containerName: null,
      spec: { version: 1, image: 'x:1', policy: 'missing' },
    },
    {
      engine,
      identity: { clusterId: 'k', agentName: 'a' },
      policy: strictPolicy,
      update: () => {},
      cancel: new AbortController().signal,
      slots: createSlots(1),
      pullSlots: createSlots(1),
      log: silentLog,
    },
  );

it('speaks a version that the newest engine still takes', async () => {
  const { engine, paths } = await createDaemon(notFound);
  expect(await engine.findContainer('web')).toBeNull();
  expect(paths).toEqual(['/version', '/v1.44/containers/web/json']);
});

it('does not wait for ever', async () => {
  const { engine } = await createDaemon(() => {});
  expect(await pull(engine)).toMatchObject({
    status: 'FAILED',
    error: { code: 'ENGINE_UNREACHABLE' },
    retryable: true,
  });
});

it('notices an answer that breaks off', async () => {
  const { engine } = await createDaemon((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"Id":');
    setTimeout(() => response.destroy(), 20);
  });
  expect(await pull(engine)).toMatchObject({ error: { code: 'ENGINE_UNREACHABLE' }, retryable: true });
});

it('says so when there is no engine', async () => {
  const engine = createEngine({ socketPath: join(tmpdir(), 'no-such.sock') });
  open.push(engine);
  expect(await pull(engine)).toMatchObject({ error: { code: 'ENGINE_UNREACHABLE' }, retryable: true });
  await expect(engine.facts()).rejects.toThrow();
});

const streaming = (...lines: string[]): Answer => {
  return (request, response) => {
    if (request.method === 'GET') return notFound(request, response);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(lines.join('\r\n'));
  };
};

it.each([
  [
    'an error inside the stream',
    ['{"status":"Pulling"}', '{"errorDetail":{"message":"disk full"},"error":"disk full"}'],
    'disk full',
  ],
  ['a stream that ends without the image', ['{"status":"Pulling"}'], 'not here'],
  ['a line that is no JSON', ['{"status":"Pul'], 'JSON'],
])('does not take %s for a pull', async (_, lines, words) => {
  const { engine } = await createDaemon(streaming(...lines));
  const outcome = await pull(engine);
  expect(outcome).toMatchObject({
    error: { code: 'PULL_FAILED', message: expect.stringContaining(words) },
    retryable: true,
  });
});

it('does not take a pull for done that is cut off', async () => {
  const { engine } = await createDaemon((request, response) => {
    if (request.method === 'GET') return notFound(request, response);
    response.writeHead(200);
    response.write('{"status":"Downloading","id":"aaaaaaaaaaaa"}\n');
    setTimeout(() => response.destroy(), 20);
  });
  expect(await pull(engine)).toMatchObject({ error: { code: 'PULL_FAILED' }, retryable: true });
});

it('connects to the events again, and says so', async () => {
  let connections = 0;
  const { engine } = await createDaemon((_, response) => {
    connections += 1;
    response.writeHead(200);
    const actor = { ID: `c${connections}`, Attributes: { 'graphium.cluster': 'k' } };
    response.write(`${JSON.stringify({ Action: 'start', Actor: actor })}\n`);
    if (connections < 3) setTimeout(() => response.destroy(), 10);
  });
  const events: string[] = [];
  const subscription = engine.events(({ containerId, action }) => events.push(`${action} ${containerId}`));
  await vi.waitFor(() => expect(events).toHaveLength(6), 3_000);
  subscription.close();
  expect(events).toEqual(['resync ', 'start c1', 'resync ', 'start c2', 'resync ', 'start c3']);
});

it('finds the engine again, in whatever version it comes back', async () => {
  const first = await createDaemon(notFound);
  await first.engine.findContainer('web');
  first.server.closeAllConnections();
  await new Promise((resolve) => first.server.close(resolve));
  await expect(first.engine.findContainer('web')).rejects.toThrow();
  const second = await createDaemon(notFound, first.socketPath);
  expect(await first.engine.findContainer('web')).toBeNull();
  expect(second.paths[0]).toBe('/version');
});
