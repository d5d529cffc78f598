import { describe, expect, it, test } from 'vitest';
import { fitsPlatform } from '../../../../../agent/docker/shapes/image.ts';
import type { DockerNetwork } from '../../../../../agent/docker/shapes/parts.ts';
import { isAsAsked, isVolumeAsAsked, toNetworkBody, toVolumeBody } from '../../../../../agent/docker/shapes/parts.ts';
import type { NetworkSpec } from '../../../../../agent/docker/shapes/spec.ts';

const owner = { clusterId: 'k', agentName: 'vm1', stack: 's', taskId: 't1' };

describe('networks', () => {
  const network: NetworkSpec = {
    name: 's_net',
    driver: 'bridge',
    subnet: null,
    gateway: null,
    ipRange: null,
    labels: {},
    driverOptions: { mtu: '1400' },
    internal: true,
    attachable: true,
    enableIpv6: true,
    ipam: {
      driver: 'default',
      options: { x: 'y' },
      configs: [{ subnet: '10.0.0.0/24', auxAddresses: { a: '10.0.0.9' } }, { subnet: 'FD00:0::/64' }],
    },
  };
  const body = toNetworkBody(network, owner);
  /** As an engine tells it, with what it adds. */
  const found = (change: Partial<DockerNetwork> = {}): DockerNetwork => ({
    Id: '1',
    Created: '',
    ...body,
    Options: { ...body.Options, 'com.docker.network.enable_ipv4': 'true' },
    IPAM: {
      Driver: 'default',
      Options: { x: 'y' },
      Config: [
        { Subnet: 'fd00::/64', Gateway: 'fd00::1' },
        { Subnet: '10.0.0.0/24', Gateway: '10.0.0.1', AuxiliaryAddresses: { a: '10.0.0.9' } },
      ],
    },
    ...change,
  });

  it('are made with everything', () =>
    expect(body).toMatchObject({
      Options: { mtu: '1400' },
      Internal: true,
      Attachable: true,
      EnableIPv6: true,
      IPAM: {
        Driver: 'default',
        Options: { x: 'y' },
        Config: [{ Subnet: '10.0.0.0/24', AuxiliaryAddresses: { a: '10.0.0.9' } }, { Subnet: 'FD00:0::/64' }],
      },
    }));
  /** What an agent wrote before everything that was asked for had a label. */
  const older = { Labels: { 'graphium.options': 'ipam.x ipv6 mtu' } };
  it.each([
    ['by their label', {}],
    ['field by field, if an older agent made them', older],
  ])('are recognised %s', (_, change) => expect(isAsAsked(found(change), network)).toBe(true));
  it.each([
    ['driver', { driver: 'macvlan' }],
    ['option', { driverOptions: { mtu: '1500' } }],
    ['option that went', { driverOptions: {} }],
    ['option that came', { driverOptions: { mtu: '1400', other: 'x' } }],
    ['isolation', { internal: false }],
    ['attachability', { attachable: undefined }],
    ['IPv6', { enableIpv6: false }],
    ['address manager', { ipam: { driver: 'other', configs: [] } }],
    ['subnet', { ipam: { ...network.ipam, configs: [{ subnet: '10.0.1.0/24' }] } }],
    ['gateway', { ipam: { ...network.ipam, configs: [{ subnet: '10.0.0.0/24', gateway: '10.0.0.2' }] } }],
    [
      'aux address',
      { ipam: { ...network.ipam, configs: [{ subnet: '10.0.0.0/24', auxAddresses: { a: '10.0.0.8' } }] } },
    ],
  ] as [string, Partial<NetworkSpec>][])('differ by %s', (_, change) => {
    expect(isAsAsked(found(), { ...network, ...change })).toBe(false);
    expect(isAsAsked(found(older), { ...network, ...change })).toBe(false);
  });
  it('are as asked if their label says so, whatever Podman makes of them', () => {
    const podman = { Attachable: false, Options: { mtu: '1400', isolate: 'true' }, IPAM: { Driver: 'host-local' } };
    expect(isAsAsked(found(podman), network)).toBe(true);
    expect(isAsAsked(found({ ...podman, Labels: {} }), network)).toBe(false);
    expect(isAsAsked(found(podman), { ...network, internal: false })).toBe(false);
  });
  it('have a label of what was asked, in whatever order it was written', () => {
    const { driverOptions = {}, name, ...rest } = { ...network, driverOptions: { b: '1', a: '2' } };
    const turned = { name, ...rest, driverOptions: Object.fromEntries(Object.entries(driverOptions).reverse()) };
    const label = (spec: NetworkSpec) => toNetworkBody(spec, owner).Labels['graphium.asked'];
    expect(label(turned)).toBe(label({ ...network, driverOptions }));
    expect(label(turned)).not.toBe(label(network));
    expect(label({ ...network, labels: { 'graphium.asked': 'mine' } })).toBe(label(network));
  });
  it('made before options were known are as asked, if nothing is', () => {
    const plain: NetworkSpec = { name: 'n', driver: 'bridge', subnet: null, gateway: null, ipRange: null, labels: {} };
    const old = {
      Id: '1',
      Name: 'n',
      Created: '',
      Driver: 'bridge',
      Labels: {},
      IPAM: { Driver: 'default', Config: [] },
    };
    expect(isAsAsked(old, plain)).toBe(true);
    expect(isAsAsked(old, { ...plain, subnet: '10.0.0.0/24' })).toBe(false);
  });
});

describe('volumes', () => {
  const volume = { name: 'v', driver: 'local', driverOptions: { type: 'nfs' }, labels: { a: 'b' } };
  it('are made with everything', () =>
    expect(toVolumeBody(volume, owner)).toEqual({
      Name: 'v',
      Driver: 'local',
      DriverOpts: { type: 'nfs' },
      Labels: expect.objectContaining({ a: 'b', 'graphium.stack': 's' }),
    }));
  it.each([
    [true, { Driver: 'local', Options: { type: 'nfs' } }],
    [false, { Driver: 'other', Options: { type: 'nfs' } }],
    [false, { Driver: 'local', Options: { type: 'tmpfs' } }],
    [false, { Driver: 'local', Options: null }],
    [false, { Driver: 'local', Options: { type: 'nfs', o: 'x' } }],
  ])('as asked: %s', (expected, found) => {
    expect(isVolumeAsAsked({ Name: 'v', Labels: {}, ...found }, volume)).toBe(expected);
  });
});

test('a volume whose label says so is as asked, whatever Podman adds', () => {
  const volume = { name: 'v', driver: 'local', driverOptions: { o: 'size=1m' }, labels: {} };
  const { Labels } = toVolumeBody(volume, owner);
  const found = { Name: 'v', Driver: 'local', Options: { o: 'size=1m', SIZE: '1048576' } };
  expect(isVolumeAsAsked({ ...found, Labels }, volume)).toBe(true);
  expect(isVolumeAsAsked({ ...found, Labels: {} }, volume)).toBe(false);
  expect(isVolumeAsAsked({ ...found, Labels }, { ...volume, driverOptions: { o: 'size=2m' } })).toBe(false);
});

describe('platforms', () => {
  const image = { Os: 'linux', Architecture: 'arm64', Variant: 'v8' };
  it.each([
    [true, undefined],
    [true, 'linux'],
    [true, 'linux/arm64'],
    [true, 'linux/aarch64'],
    [true, 'linux/arm64/v8'],
    [false, 'linux/amd64'],
    [false, 'linux/arm64/v9'],
    [false, 'windows'],
  ])('fit: %s, %s', (expected, platform) => expect(fitsPlatform(image, platform)).toBe(expected));
});
