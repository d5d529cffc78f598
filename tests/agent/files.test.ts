import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ContainerSpec, FileSpec } from '../../agent/docker/shapes/spec.ts';
import { parsePolicy, strictPolicy } from '../../agent/policy/schema.ts';
import { findSecretsPath, unfitness } from '../../agent/task/files.ts';
import { createHost } from '../support/agent/host.ts';

const host = createHost();
const { engine, fail, specOf, name } = host;
const web = name('web');
const secretsPath = `/dev/shm/graphium-test-${randomUUID()}`;
const policy = { ...strictPolicy, secretsPath };
const up = (kind: 'DEPLOY' | 'START' | 'STOP' | 'DELETE' | 'CLEAN', spec: object) => host.up(kind, spec, { policy });

beforeAll(async () => {
  await host.up('PULL', { version: 1, image: host.images.busybox, policy: 'missing' });
  expect(await findSecretsPath([secretsPath])).toBe(secretsPath);
});
afterAll(() => rm(secretsPath, { recursive: true, force: true }));

const file = (change: Partial<FileSpec> = {}): FileSpec => ({
  kind: 'config',
  name: 'settings',
  target: '/etc/app/settings.conf',
  mode: 0o640,
  uid: 1000,
  gid: 1001,
  digest: 'd',
  content: 'color=blue\n',
  ...change,
});
const secret = (change: Partial<FileSpec> = {}): FileSpec =>
  file({ kind: 'secret', name: 'key', target: '/run/secrets/key', mode: 0o400, content: 'sesame', ...change });

/** Shows the files, then runs on. */
const show = (...paths: string[]) => [
  'sh',
  '-c',
  `trap "exit 0" TERM; for f in ${paths.join(' ')}; do stat -c "%n %a %u:%g" $f; stat -f -c %T $f; cat $f; echo; done; while :; do sleep 1 & wait; done`,
];
const shown = async (id: string) => (await engine.logs(id, false)).filter(Boolean);
/** In the end: a shell that has just started says nothing yet. */
const shows = (id: string, lines: string[]) => vi.waitFor(async () => expect(await shown(id)).toEqual(lines), 5_000);
/** Every file of a container below the directory of secrets. */
const kept = async () => {
  const entries = await readdir(secretsPath, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name !== 'stack')
    .map((entry) => join(entry.parentPath, entry.name));
};
const deploy = (change: Partial<ContainerSpec>, revision = 1) => specOf(change, { revision });

describe('configs', () => {
  it('have their content, mode and owner, and leave the directories around them alone', async () => {
    const long = `/srv/${'long/'.repeat(30)}name.conf`;
    const longer = `/srv/${'longer/'.repeat(40)}${'ü'.repeat(100)}.conf`;
    const files = [
      file(),
      file({ target: '/tmp/beside.conf', mode: 0o444, uid: 0, gid: 0, content: 'ä'.repeat(2_000) }),
      file({ target: long, mode: 0o600, uid: 3_000_000_000, gid: 7, content: '' }),
      file({ target: longer, mode: 0, uid: 5, gid: 3_000_000_001, content: 'far' }),
    ];
    const id = await up(
      'DEPLOY',
      deploy({ files, command: show('/etc/app/settings.conf', long, longer, '/tmp', '/etc/passwd') }),
    );
    const lines = await shown(id);
    expect(lines).toEqual(
      expect.arrayContaining([
        '/etc/app/settings.conf 640 1000:1001',
        'color=blue',
        `${long} 600 3000000000:7`,
        `${longer} 0 5:3000000001`,
        'far',
        '/tmp 1777 0:0',
        '/etc/passwd 644 0:0',
      ]),
    );
    expect(await kept()).toEqual([]);
  });

  it('survive a restart and are mounted where the layer cannot be written or seen', async () => {
    const files = [file(), file({ name: 'deep', target: '/data/deep.conf', content: 'deep\n' })];
    const mounts: ContainerSpec['mounts'] = [{ type: 'tmpfs', source: null, target: '/data', readOnly: false }];
    const spec = deploy({ files, mounts, readOnly: true, command: show('/etc/app/settings.conf', '/data/deep.conf') });
    const id = await up('DEPLOY', spec);
    expect(await shown(id)).toEqual(expect.arrayContaining(['color=blue', 'deep', '/data/deep.conf 640 1000:1001']));
    await up('STOP', { version: 1 });
    expect(await up('START', spec)).toBe(id);
    expect((await shown(id)).filter((line) => line === 'deep')).toHaveLength(2);
  });

  it('do not take the place of a directory', async () => {
    const refused = await fail('DEPLOY', deploy({ files: [file({ target: '/etc' })] }), { policy });
    expect(refused).toMatchObject({ code: 'CREATE_FAILED', message: expect.stringContaining('settings (/etc)') });
    expect(refused.message).not.toContain('color=blue');
    expect(await host.names()).toEqual([]);
  });
});

describe('secrets', () => {
  const files = [
    secret(),
    secret({ name: 'other', target: '/opt/other', mode: 0o444, uid: 0, gid: 0, content: 'open' }),
  ];
  const spec = deploy({ files, command: show('/run/secrets/key', '/opt/other') });

  it('lie on tmpfs, survive restarts and a lost directory, and go with the container', async () => {
    const id = await up('DEPLOY', spec);
    const lines = ['/run/secrets/key 400 1000:1001', 'tmpfs', 'sesame', '/opt/other 444 0:0', 'tmpfs', 'open'];
    await shows(id, lines);
    expect(await kept()).toHaveLength(2);
    for (const path of await kept()) {
      expect(path.startsWith(join(secretsPath, host.clusterId, host.at.name, web))).toBe(true);
    }
    expect((await stat(join(secretsPath, host.clusterId))).mode & 0o777).toBe(0o700);
    await engine.stopContainer(id, 5);
    await engine.startContainer(id);
    await shows(id, [...lines, ...lines]);
    // As a reboot leaves it.
    await engine.stopContainer(id, 5);
    await rm(join(secretsPath, host.clusterId), { recursive: true });
    expect(await up('START', spec)).toBe(id);
    await shows(id, [...lines, ...lines, ...lines]);
    await up('DELETE', { version: 1 });
    expect(await kept()).toEqual([]);
  });

  it('of the replaced container stay until it is gone, and come back with it', async () => {
    const id = await up('DEPLOY', spec);
    const before = await kept();
    const bad = deploy({ files: [secret({ content: 'new' })], command: ['sh', '-c', 'exit 3'] }, 2);
    expect(await fail('DEPLOY', bad, { policy })).toMatchObject({ code: 'CONTAINER_EXITED' });
    expect((await host.inspect(web)).Id).toBe(id);
    expect(await kept()).toEqual(before);
    const good = deploy({ files: [secret({ content: 'new' })], command: show('/run/secrets/key') }, 3);
    const next = await up('DEPLOY', good);
    expect(await shown(next)).toContain('new');
    const after = await kept();
    expect(after).toHaveLength(1);
    expect(before).not.toContain(after[0]);
  });

  it('go with a container that somebody else removed', async () => {
    await engine.removeContainer(await up('DEPLOY', spec));
    expect(await kept()).toHaveLength(2);
    await up('DELETE', { version: 1 });
    expect(await kept()).toEqual([]);
  });

  it('go with their stack, and with no other', async () => {
    await engine.removeContainer(await up('DEPLOY', spec));
    expect(await kept()).toHaveLength(2);
    const clean = { version: 1, networks: [], volumes: [] };
    const ofAnother = await host.run('CLEAN', clean, { policy, stack: 'another' });
    expect(ofAnother.status).toBe('COMPLETED');
    expect(await kept()).toHaveLength(2);
    await up('CLEAN', clean);
    expect(await readdir(join(secretsPath, host.clusterId, host.at.name))).toEqual([]);
  });

  it('of a container that runs stay when its stack is cleaned after it was removed', async () => {
    await up('DEPLOY', spec);
    await up('CLEAN', { version: 1, networks: [], volumes: [] });
    expect(await kept()).toEqual([]);
  });

  it('go when the container cannot be made', async () => {
    const impossible = deploy({ files, image: host.images.busybox, workingDir: 'not/absolute' });
    await fail('DEPLOY', impossible, { policy });
    expect(await kept()).toEqual([]);
  });

  it('need a tmpfs', async () => {
    expect(await unfitness(process.cwd())).toContain('tmpfs');
    expect(await unfitness('/dev/shm')).toContain('0700');
    expect((await stat('/dev/shm')).mode & 0o777).toBe(0o777);
    expect(await findSecretsPath(['/proc/none', '/etc', '/none/none'])).toBeUndefined();
    const refused = await fail('DEPLOY', spec);
    expect(refused).toMatchObject({ code: 'SECRETS_UNSUPPORTED', message: expect.stringContaining('--secrets') });
    expect(refused.message).not.toContain('sesame');
  });

  it('cannot be mounted by anybody else, whatever the policy says', async () => {
    const open = {
      ...parsePolicy({ allowBindMounts: ['/', '/dev/shm', '/run/docker.sock', secretsPath] }),
      secretsPath,
    };
    const stolen = join(secretsPath, host.clusterId);
    const mounts: ContainerSpec['mounts'] = [{ type: 'bind', source: stolen, target: '/loot', readOnly: true }];
    const refused = await fail('DEPLOY', deploy({ mounts }), { policy: open });
    expect(refused).toMatchObject({ code: 'POLICY_DENIED', message: expect.stringContaining('keeps secrets') });
    const around = { ...parsePolicy({ allowBindMounts: ['/dev/shm'] }), secretsPath };
    const parent: ContainerSpec['mounts'] = [{ type: 'bind', source: '/dev/shm', target: '/loot', readOnly: true }];
    expect(await fail('DEPLOY', deploy({ mounts: parent }), { policy: around })).toMatchObject({
      code: 'POLICY_DENIED',
    });
  });
});
