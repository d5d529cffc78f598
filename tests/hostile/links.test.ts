import { mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { ContainerSpec } from '../../agent/docker/shapes/spec.ts';
import { parsePolicy } from '../../agent/policy/schema.ts';
import { checkMounted } from '../../agent/task/binds.ts';
import { createHost } from '../support/agent/host.ts';

/** A container that may write below an allowed directory makes links there, and a server that was taken over uses them. */
const host = createHost();
const { engine, specOf, fail, name } = host;
const web = name('web');
let root: string;
const policy = () => parsePolicy({ allowBindMounts: [root] });
const up = (kind: 'DEPLOY' | 'START' | 'STOP', spec: object) => host.up(kind, spec, { policy: policy() });

beforeAll(() => host.up('PULL', { version: 1, image: host.images.busybox, policy: 'missing' }));
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'graphium-binds-'));
  mkdirSync(join(root, 'data'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const bind = (source: string, more: Partial<ContainerSpec['mounts'][number]> = {}) =>
  specOf({ mounts: [{ type: 'bind', source, target: '/data', readOnly: false, ...more }] });

const runs = async (id: string) => (await engine.findContainer(id))?.State.Running;

it('what really lies below an allowed directory is mounted', async () => {
  const id = await up('DEPLOY', bind(join(root, 'data')));
  expect(await runs(id)).toBe(true);
  await checkMounted(id, { engine, policy: policy(), log: quiet });
  expect(await runs(id)).toBe(true);
});

it.each(['/', '/etc', '/root/.ssh'])('a link to %s is not', async (to) => {
  symlinkSync(to, join(root, 'link'));
  for (const source of [join(root, 'link'), join(root, 'link', 'below'), join(root, 'data', '..', 'link')]) {
    const { code, message } = await fail('DEPLOY', bind(source, { createHostPath: true }), { policy: policy() });
    expect(code).toBe('POLICY_DENIED');
    if (!source.includes('..')) expect(message).toMatch(/leads to \/.*which is not allowed/);
  }
  expect(await engine.findContainer(web)).toBeNull();
});

it('a link within what is allowed is followed', async () => {
  symlinkSync(join(root, 'data'), join(root, 'link'));
  expect(await runs(await up('DEPLOY', bind(join(root, 'link'))))).toBe(true);
});

it('a directory that became a link since the container was made is not mounted at its start', async () => {
  const spec = bind(join(root, 'data'));
  await up('DEPLOY', spec);
  await up('STOP', { version: 1 });
  rmSync(join(root, 'data'), { recursive: true });
  symlinkSync('/etc', join(root, 'data'));
  expect(await fail('START', spec, { policy: policy() })).toMatchObject({ code: 'POLICY_DENIED' });
});

it('a container that Docker started with a link is stopped', async () => {
  symlinkSync('/etc', join(root, 'link'));
  const id = await started(join(root, 'link'));
  await expect(checkMounted(id, { engine, policy: policy(), log: quiet })).rejects.toThrow(/leads to \/etc/);
  expect(await runs(id)).toBe(false);
});

it('one that was exchanged while it was mounted is found out, although it is back', async () => {
  const path = join(root, 'swapped');
  symlinkSync('/etc', path);
  const id = await started(path);
  unlinkSync(path);
  mkdirSync(path);
  await expect(checkMounted(id, { engine, policy: policy(), log: quiet })).rejects.toThrow(/was exchanged/);
  expect(await runs(id)).toBe(false);
});

const quiet = { debug() {}, info() {}, warn() {}, error() {} } as never;

/** Made and started by somebody who checks nothing. */
async function started(source: string): Promise<string> {
  const labels = { 'graphium.cluster': host.clusterId };
  const { id } = await engine.createContainer(name('raw'), {
    Image: host.images.busybox,
    Cmd: ['sleep', '60'],
    Env: [],
    Labels: labels,
    ExposedPorts: {},
    HostConfig: {
      NetworkMode: 'none',
      PortBindings: {},
      Mounts: [{ Type: 'bind', Source: source, Target: '/data', ReadOnly: true }],
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    },
  } as never);
  await engine.startContainer(id);
  return id;
}
