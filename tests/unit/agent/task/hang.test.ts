import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createSlots } from '../../../../agent/base/slots.ts';
import { createEngine, type Engine } from '../../../../agent/docker/engine.ts';
import { strictPolicy } from '../../../../agent/policy/schema.ts';
import { runTask } from '../../../../agent/task/task.ts';

/** An engine that answers everything but one call, as Docker does when one container's lock is stuck. */
let folder: string;
let server: Server;
let engine: Engine;
let asked = 0;
let cuts = false;
const open = new Set<object>();

beforeEach(async () => {
  asked = 0;
  cuts = false;
  folder = mkdtempSync(join(tmpdir(), 'graphium-hang-'));
  server = createServer((request, response) => {
    const path = request.url ?? '';
    if (path.endsWith('/version')) {
      response.end(JSON.stringify({ Version: '28.2.2', ApiVersion: '1.48', Os: 'linux', Arch: 'amd64' }));
    } else if (path.endsWith('/info')) response.end(JSON.stringify({ NCPU: 1, MemTotal: 1 }));
    else if (path.includes('/logs')) response.write('\u0001\0\0\0\0\0\0\u0006hello\n');
    else {
      asked++;
      if (cuts) request.socket.destroy();
    }
  });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  const socketPath = join(folder, 'docker.sock');
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  engine = createEngine({ socketPath, callMs: 300, logMs: 300 });
});
afterEach(async () => {
  engine.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

test('a call that hangs is given up with its connection', async () => {
  for (let call = 0; call < 5; call++) await expect(engine.findContainer('stuck')).rejects.toThrow('no answer within');
  expect(asked).toBe(5);
  await vi.waitUntil(() => open.size <= 1);
});

const runStuck = (engineWaitMs = 60_000) =>
  runTask(
    { id: 't', kind: 'DELETE', attempt: 1, stack: 's', containerName: 'stuck', spec: { version: 1 } },
    {
      engine,
      identity: { clusterId: 'c', agentName: 'vm1' },
      policy: strictPolicy,
      update: () => {},
      cancel: new AbortController().signal,
      slots: createSlots(1),
      pullSlots: createSlots(1),
      log: { debug() {}, info() {}, warn() {}, error() {} } as never,
      engineWaitMs,
    },
  );

test('a task that meets it fails after a few rounds, and says what hung', async () => {
  const outcome = await runStuck();
  expect(outcome).toMatchObject({ status: 'FAILED', retryable: false, error: { code: 'ENGINE_UNREACHABLE' } });
  expect(outcome.status === 'FAILED' && outcome.error.message).toMatch(/3 times in a row: .*stuck.*no answer within/);
  await vi.waitUntil(() => open.size <= 1);
});

test('a call that is cut off, by an engine that answers all else, is tried for a while, and not without a pause', async () => {
  cuts = true;
  const outcome = await runStuck(3_000);
  expect(outcome).toMatchObject({ status: 'FAILED', error: { code: 'ENGINE_UNREACHABLE' } });
  expect(outcome.status === 'FAILED' && outcome.error.message).toMatch(/answers, but not this, for [34] s: /);
  expect(asked).toBeLessThan(15);
});

test('a log that does not end is read as far as it came', async () => {
  expect(await engine.logs('stuck', false)).toEqual(['hello']);
  await vi.waitUntil(() => open.size <= 1);
});
