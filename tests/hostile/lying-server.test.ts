import { afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import type { ContainerSpec } from '../../agent/docker/shapes/spec.ts';
import { createHost } from '../support/agent/host.ts';

/** A server that was taken over says anything. A host without a policy file runs nothing of it that could own the host. */
const host = createHost();
const { engine, specOf, run, fail, stack } = host;

beforeAll(() => host.up('PULL', { version: 1, image: host.images.busybox, policy: 'missing' }));

const foreign: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const remove of foreign.splice(0)) await remove();
});

const mine = async () => (await engine.listContainers([`graphium.cluster=${host.clusterId}`])).length;
const bind = (source: string): Partial<ContainerSpec> => ({
  mounts: [{ type: 'bind', source, target: '/x', readOnly: true }],
});
const volume = (source: string): Partial<ContainerSpec> => ({
  mounts: [{ type: 'volume', source, target: '/x', readOnly: true }],
});

const FIELDS: Record<string, object> = {
  'all rights': { privileged: true },
  "the host's network": { networkMode: 'host' },
  "another container's network": { networkMode: 'container:proxy' },
  "the host's processes": { pidMode: 'host' },
  "another container's processes": { pidMode: 'container:proxy' },
  "the host's shared memory": { ipcMode: 'host' },
  "the host's name": { utsMode: 'host' },
  "the host's users": { usernsMode: 'host' },
  "the host's control groups": { cgroupMode: 'host' },
  'a parent group': { cgroupParent: '/system.slice' },
  'a capability': { capAdd: ['SYS_ADMIN'] },
  'all capabilities': { capAdd: ['ALL'] },
  'a capability in lower case': { capAdd: ['cap_sys_ptrace'] },
  'a disk': { devices: [{ source: '/dev/sda', target: '/dev/sda', permissions: 'rwm' }] },
  'a device rule': { deviceCgroupRules: ['b *:* rwm'] },
  'no seccomp': { securityOpt: ['seccomp=unconfined'] },
  'no seccomp, the old way': { securityOpt: ['seccomp:unconfined'] },
  'no AppArmor': { securityOpt: ['apparmor=unconfined'] },
  'no masked paths': { securityOpt: ['systempaths=unconfined'] },
  'another runtime': { runtime: 'kata' },
  "the host's settings": { sysctls: { 'kernel.core_pattern': '|/tmp/x' } },
  'being spared when memory runs out': { oomScoreAdjust: -1000 },
  'an annotation for a runtime': { annotations: { 'run.oci.hooks': '/x' } },
  'a log driver that sends elsewhere': { logging: { driver: 'gelf', options: { 'gelf-address': 'udp://1.2.3.4' } } },
  'the root of the host': bind('/'),
  'the socket of the engine': bind('/var/run/docker.sock'),
  'a file of the host': bind('/etc/shadow'),
  'a path that climbs': bind('/srv/../etc'),
  'a path with a doubled slash': bind('//etc'),
  'a path that is relative': bind('etc'),
  'a volume that is a path': volume('/etc'),
};

describe('no container gets', () => {
  test.each(Object.entries(FIELDS))('%s', async (_name, change) => {
    const outcome = await run('DEPLOY', specOf(change as Partial<ContainerSpec>));
    expect(outcome).toMatchObject({ status: 'FAILED', retryable: false });
    // What no spec may say at all, or not to this engine, is refused before the policy is asked.
    expect(['POLICY_DENIED', 'SPEC_UNSUPPORTED', 'ENGINE_TOO_OLD']).toContain(
      outcome.status === 'FAILED' && outcome.error.code,
    );
    expect(await mine()).toBe(0);
  });

  it('a field that the agent does not know', async () => {
    const spec = specOf();
    const unknown = { ...spec, container: { ...spec.container, volumesFrom: ['other'] } };
    expect(await fail('DEPLOY', unknown)).toMatchObject({ code: 'SPEC_UNSUPPORTED' });
  });

  it("a volume that is somebody else's, declared or not", async () => {
    const name = `${stack}-victim`;
    await engine.createVolume({ Name: name, Labels: {} });
    foreign.push(() => engine.removeVolume(name));
    for (const volumes of [[], [{ name }], [{ name, external: true }]]) {
      expect(await fail('DEPLOY', specOf(volume(name), { volumes }))).toMatchObject({ code: 'POLICY_DENIED' });
    }
    expect((await engine.findVolume(name))?.Labels ?? {}).toEqual({});
  });

  it("a network that is somebody else's, declared or not", async () => {
    const name = `${stack}-victim`;
    const id = await engine.createNetwork({ Name: name });
    foreign.push(() => engine.removeNetwork(id));
    const networks = [{ name, aliases: [] }];
    const external = { ...host.network({ name }), external: true };
    for (const declared of [[], [external]]) {
      expect(await fail('DEPLOY', specOf({ networks }, { networks: declared }))).toMatchObject({
        code: 'POLICY_DENIED',
      });
    }
    expect(await engine.networkHasContainers(id)).toBe(false);
    // Docker takes the beginning of its id for it as well, and the whole of it before any name.
    for (const part of [id.slice(0, 12), id.slice(0, 20), id]) {
      const ours = host.network({ name: part });
      const outcome = await run('DEPLOY', specOf({ networks: [{ name: part, aliases: [] }] }));
      expect(outcome, part).toMatchObject({ status: 'FAILED', error: { code: 'POLICY_DENIED' } });
      if (part === id) {
        const spec = specOf({ networks: [{ name: id, aliases: [] }] }, { networks: [ours] });
        expect(await fail('DEPLOY', spec)).toMatchObject({ code: 'POLICY_DENIED' });
      }
    }
    expect(await engine.networkHasContainers(id)).toBe(false);
  });

  it("a volume that is somebody else's, as a path that older engines take for its name", async () => {
    const name = `${stack}-dressed`;
    await engine.createVolume({ Name: name, Labels: {} });
    foreign.push(() => engine.removeVolume(name));
    const mounts = [{ type: 'bind' as const, source: name, target: '/x', readOnly: false, createHostPath: true }];
    expect(await fail('DEPLOY', specOf({ mounts }))).toMatchObject({ code: 'SPEC_UNSUPPORTED' });
    expect(await mine()).toBe(0);
  });

  it.each([
    ['a public subnet', { subnet: '8.8.8.0/24' }],
    ['all of the internet', { subnet: '0.0.0.0/0' }],
    ["the host's own interface", { driver: 'macvlan', driverOptions: { parent: 'eth0' } }],
    ["the host's bridge", { driverOptions: { 'com.docker.network.bridge.name': 'docker0' } }],
  ])('a network with %s', async (_name, change) => {
    const net = host.network(change);
    const networks = [{ name: net.name, aliases: [] }];
    expect(await fail('DEPLOY', specOf({ networks }, { networks: [net] }))).toMatchObject({ code: 'POLICY_DENIED' });
    expect(await engine.networksNamed(net.name)).toEqual([]);
  });

  it.each([
    { type: 'none', o: 'bind', device: '/' },
    { type: 'nfs', o: 'addr=1.2.3.4', device: ':/' },
  ])('a volume with the options %j', async (driverOptions) => {
    const name = `${stack}_data`;
    const volumes = [{ name, driver: 'local', driverOptions }];
    expect(await fail('DEPLOY', specOf(volume(name), { volumes }))).toMatchObject({ code: 'POLICY_DENIED' });
    expect(await engine.findVolume(name)).toBeNull();
  });
});

describe('nothing of others is removed', () => {
  it('containers, networks and volumes of the host stay, whatever is to be deleted or cleaned', async () => {
    const name = `${stack}-theirs`;
    const id = await host.addForeign(name);
    const network = await engine.createNetwork({ Name: name });
    await engine.createVolume({ Name: name, Labels: {} });
    foreign.push(
      () => engine.removeContainer(id),
      () => engine.removeNetwork(network),
      () => engine.removeVolume(name),
    );
    await run('CLEAN', { version: 1, networks: [name], volumes: [name] });
    const task = { version: 1, container: { name } };
    await run('DELETE', task).catch(() => undefined);
    expect(await engine.findContainer(id)).not.toBeNull();
    expect(await engine.networksNamed(name)).toHaveLength(1);
    expect(await engine.findVolume(name)).not.toBeNull();
  });
});
