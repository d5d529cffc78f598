import { describe, expect, it } from 'vitest';
import type { DockerNetwork } from '../../../../../agent/docker/part-calls.ts';
import { fitsPlatform } from '../../../../../agent/docker/shapes/image.ts';
import { isAsAsked, isVolumeAsAsked, toNetworkBody, toVolumeBody } from '../../../../../agent/docker/shapes/parts.ts';
import type { NetworkSpec } from '../../../../../agent/docker/shapes/spec.ts';
import { toTar } from '../../../../../agent/docker/tar.ts';

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
  it('are recognised', () => expect(isAsAsked(found(), network)).toBe(true));
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

describe('archives', () => {
  const file = { path: 'a/b', content: Buffer.from('hi'), mode: 0o640, uid: 1, gid: 2 };
  const text = (tar: Buffer, from: number, bytes: number) =>
    tar.toString('latin1', from, from + bytes).replace(/\0.*$/s, '');
  it('have a header of their own', () => {
    const tar = toTar([file]);
    expect(tar.length).toBe(512 * 4);
    expect(text(tar, 0, 100)).toBe('a/b');
    expect(text(tar, 100, 8)).toBe('0000640');
    expect(text(tar, 124, 12)).toBe('00000000002');
    expect(text(tar, 257, 6)).toBe('ustar');
    expect(text(tar, 512, 2)).toBe('hi');
  });
  it('split long paths, hold large owners, and refuse what does not fit', () => {
    const path = `${'d'.repeat(90)}/${'e'.repeat(90)}`;
    const tar = toTar([{ ...file, path, uid: 3_000_000_000 }]);
    expect(text(tar, 0, 100)).toBe('e'.repeat(90));
    expect(text(tar, 345, 155)).toBe('d'.repeat(90));
    expect(tar[108]).toBe(0x80);
    expect(tar.readUIntBE(110, 6)).toBe(3_000_000_000);
    expect(() => toTar([{ ...file, path: 'x'.repeat(101) }])).toThrow(RangeError);
  });
});
