import { beforeAll, describe, expect, it } from 'vitest';
import type { ContainerSpec } from '../../agent/docker/shapes/spec.ts';
import { parsePolicy } from '../../agent/policy/schema.ts';
import { createHost, service } from '../support/agent/host.ts';

const host = createHost();
const { engine, up, fail, specOf, name, stack } = host;

type Inspect = { NetworkSettings: { Networks: Record<string, Record<string, unknown>> } };
const inspect = (id: string) => host.inspect<Inspect>(id);

beforeAll(async () => {
  await up('PULL', { version: 1, image: host.images.busybox, policy: 'missing' });
});

describe('networks', () => {
  const net = host.network({
    subnet: null,
    ipam: { configs: [{ subnet: '10.213.7.0/24', auxAddresses: { router: '10.213.7.2' } }] },
  });
  const back = host.network({
    name: `${stack}_back`,
    internal: true,
    attachable: true,
    driverOptions: { 'com.docker.network.driver.mtu': '1400' },
    ipam: { configs: [{ subnet: '10.213.8.0/24', gateway: '10.213.8.254' }] },
  });
  const attached = [
    { name: net.name, aliases: ['web'], ipv4Address: '10.213.7.77', macAddress: '02:42:0a:d5:07:4d' },
    { name: back.name, aliases: ['inner'], ipv4Address: '10.213.8.88', linkLocalIps: ['169.254.8.8'] },
  ];

  it('have addresses, options and isolation as asked, and stay as they are on a second deploy', async () => {
    const spec = specOf({ networks: attached }, { networks: [net, back] });
    const id = await up('DEPLOY', spec);
    const { Networks } = (await inspect(id)).NetworkSettings;
    expect(Networks[net.name]).toMatchObject({ IPAddress: '10.213.7.77', MacAddress: '02:42:0a:d5:07:4d' });
    expect(Networks[back.name]).toMatchObject({ IPAddress: '10.213.8.88', Aliases: expect.arrayContaining(['inner']) });
    expect(Networks[back.name]?.IPAMConfig).toMatchObject({ LinkLocalIPs: ['169.254.8.8'] });
    const [made] = await engine.networksNamed(back.name);
    expect(made).toMatchObject({
      Internal: true,
      Attachable: true,
      Options: { 'com.docker.network.driver.mtu': '1400' },
      IPAM: { Config: [{ Subnet: '10.213.8.0/24', Gateway: '10.213.8.254' }] },
    });
    engine.once.forgetAll();
    await up(
      'DEPLOY',
      specOf({ name: name('second'), networks: [{ name: back.name, aliases: [] }] }, { networks: [back] }),
    );
    expect((await engine.networksNamed(back.name))[0]?.Id).toBe(made?.Id);
  });

  it('are made anew when something else is asked, unless they are in use', async () => {
    const spec = (networks: (typeof net)[], service: string) =>
      specOf({ name: name(service), networks: [{ name: back.name, aliases: [] }] }, { networks });
    await up('DEPLOY', spec([back], 'a'));
    const open = { ...back, internal: false };
    expect(await fail('DEPLOY', spec([open], 'b'))).toMatchObject({ code: 'NETWORK_CONFLICT' });
    await engine.removeContainer(name('a'));
    await up('DEPLOY', spec([open], 'b'));
    expect(await engine.networksNamed(back.name)).toMatchObject([{ Internal: false }]);
  });

  it('of others must be there, and are left as they are', async () => {
    const external = { ...host.network({ name: `${stack}-theirs` }), external: true };
    const spec = specOf({ networks: [{ name: external.name, aliases: [] }] }, { networks: [external] });
    expect(await fail('DEPLOY', spec)).toMatchObject({
      code: 'NETWORK_MISSING',
      message: expect.stringContaining(external.name),
      retryable: false,
    });
    const id = await engine.createNetwork({ Name: external.name });
    try {
      const { code, message } = await fail('DEPLOY', spec);
      expect(code).toBe('POLICY_DENIED');
      expect(message).toContain(`put {"allowNetworks":["${external.name}"]} into the policy file`);
      await up('DEPLOY', spec, { policy: parsePolicy({ allowNetworks: [external.name] }) });
      await up('DELETE', { version: 1 });
      await up('CLEAN', { version: 1, networks: [], volumes: [] });
      expect(await engine.networksNamed(external.name)).toMatchObject([{ Id: id, Labels: {} }]);
    } finally {
      await engine.removeNetwork(id);
    }
  });

  it("do not lead around the rule on the host's network", async () => {
    const external = { ...host.network({ name: 'host' }), external: true };
    const alone = specOf({ networks: [{ name: 'host', aliases: [] }] }, { networks: [external] });
    expect(await fail('DEPLOY', alone)).toMatchObject({ code: 'POLICY_DENIED' });
    const second = specOf(
      {
        networks: [
          { name: net.name, aliases: [] },
          { name: 'host', aliases: [] },
        ],
      },
      { networks: [net, external] },
    );
    expect(await fail('DEPLOY', second)).toMatchObject({ code: 'POLICY_DENIED' });
    const lan = host.network({ driverOptions: { 'com.docker.network.bridge.name': 'docker0' } });
    const onLan = specOf({ networks: [{ name: lan.name, aliases: [] }] }, { networks: [lan] });
    expect(await fail('DEPLOY', onLan)).toMatchObject({
      code: 'POLICY_DENIED',
      message: expect.stringContaining('bridge.name'),
    });
    expect(await engine.networksNamed(lan.name)).toEqual([]);
  });
});

describe('volumes', () => {
  const data = `${stack}_data`;
  const mounts: ContainerSpec['mounts'] = [{ type: 'volume', source: data, target: '/data', readOnly: false }];
  const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' };

  it('have drivers and options where the host allows it, and never lose data to a change of them', async () => {
    const spec = specOf({ mounts }, { volumes: [{ name: data, driver: 'local', driverOptions: options }] });
    expect(await fail('DEPLOY', spec)).toMatchObject({ code: 'POLICY_DENIED' });
    const policy = parsePolicy({ allowVolumeDriverOptions: true });
    await up('DEPLOY', spec, { policy });
    expect(await engine.findVolume(data)).toMatchObject({ Driver: 'local', Options: options });
    const changed = { name: data, driver: 'local', driverOptions: { ...options, o: 'size=2m' } };
    const refused = await fail('DEPLOY', specOf({ mounts, command: [...service, 'x'] }, { volumes: [changed] }), {
      policy,
    });
    expect(refused).toMatchObject({ code: 'VOLUME_CONFLICT', retryable: false });
  });

  it('of others must be there, and are left as they are', async () => {
    const theirs = `${stack}-theirs`;
    const spec = specOf(
      { mounts: [{ type: 'volume', source: theirs, target: '/data', readOnly: false }] },
      { volumes: [{ name: theirs, external: true }] },
    );
    expect(await fail('DEPLOY', spec)).toMatchObject({ code: 'VOLUME_MISSING', retryable: false });
    await engine.createVolume({ Name: theirs, Labels: {} });
    try {
      // It makes no difference whether the server says that the volume is external.
      for (const volumes of [spec.volumes, [{ name: theirs }], []]) {
        const { code, message } = await fail('DEPLOY', { ...spec, volumes });
        expect(code).toBe('POLICY_DENIED');
        expect(message).toContain(`put {"allowVolumes":["${theirs}"]} into the policy file`);
      }
      await up('DEPLOY', spec, { policy: parsePolicy({ allowVolumes: [theirs] }) });
      await up('DELETE', { version: 1 });
      await up('CLEAN', { version: 1, networks: [], volumes: [theirs] });
      expect((await engine.findVolume(theirs))?.Labels ?? {}).toEqual({});
    } finally {
      await engine.removeVolume(theirs);
    }
  });
});
