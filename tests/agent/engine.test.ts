import { beforeAll, expect, it, vi } from 'vitest';
import { createEngine } from '../../agent/docker/engine.ts';
import { createHost } from '../support/agent/host.ts';

const host = createHost();
const { engine, up, specOf, name } = host;
const identity = { clusterId: host.clusterId, agentName: host.at.name };

beforeAll(async () => {
  await up('PULL', { version: 1, image: host.images.busybox, policy: 'missing' });
});

it('knows the engine', async () => {
  expect(await engine.facts()).toEqual({
    version: expect.stringMatching(/^\d+\./),
    apiVersion: expect.stringMatching(/^1\.\d+$/),
    os: 'linux',
    arch: expect.any(String),
    cpus: expect.any(Number),
    memoryBytes: expect.any(Number),
  });
});

it('reports our containers in all states, and nobody else’s', async () => {
  const ports = [{ containerPort: 80, hostPort: null, hostIp: '127.0.0.1', protocol: 'tcp' as const }];
  const running = await up('DEPLOY', specOf({ ports }, { revision: 5 }));
  const done = await up('DEPLOY', specOf({ name: name('job'), service: 'job', command: ['true'] }));
  await up('DEPLOY', specOf({ name: name('other') }), { agent: 'other' });
  await host.addForeign(name('foreign'));
  const { own, foreign } = await engine.containers(identity);
  expect(foreign.toSorted()).toEqual([name('foreign'), name('other')].toSorted());
  const reports = own.sort((a, b) => b.service.localeCompare(a.service));
  expect(reports).toEqual([
    {
      id: running,
      name: name('web'),
      stack: host.stack,
      service: 'web',
      replica: 1,
      revision: 5,
      specHash: specOf({ ports }).specHash,
      image: host.images.busybox,
      state: 'RUNNING',
      health: 'NONE',
      exitCode: null,
      ports: [{ hostIp: '127.0.0.1', hostPort: expect.any(Number), containerPort: 80, protocol: 'TCP' }],
      startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      taskId: expect.any(String),
    },
    expect.objectContaining({ id: done, state: 'EXITED', exitCode: 0, ports: [], startedAt: expect.any(String) }),
  ]);
});

it('sees a restart that a list does not show', async () => {
  const id = await up('DEPLOY', specOf());
  const startedAt = async () => (await engine.containers(identity)).own[0]?.startedAt;
  const before = await startedAt();
  await up('RESTART', specOf());
  await vi.waitFor(async () => expect(await startedAt()).toBe((await host.inspect(id)).State.StartedAt));
  expect(await startedAt()).not.toBe(before);
});

it('tells what happens to labelled containers, beginning with a resync', async () => {
  const events: { containerId: string; action: string }[] = [];
  const fresh = createEngine({ socketPath: host.at.socketPath });
  const subscription = fresh.events((event) => events.push(event));
  await vi.waitFor(() => expect(events).toContainEqual({ containerId: '', action: 'resync' }));
  const foreign = await host.addForeign(name('foreign'));
  const id = await up('DEPLOY', specOf());
  await up('DELETE', { version: 1 });
  await vi.waitFor(() => {
    const actions = events.filter(({ containerId }) => containerId === id).map(({ action }) => action);
    expect(actions).toEqual(['create', 'start', 'die', 'destroy']);
  });
  subscription.close();
  fresh.close();
  expect(events.filter(({ containerId }) => containerId === foreign)).toEqual([]);
});
