import { describe, expect, it } from 'vitest';
import { parsePolicy, strictPolicy } from '../../../../agent/policy/schema.ts';
import { imageViolations, networkViolations } from '../../../../agent/policy/table.ts';
import { networkBodyViolations, violations, volumeBodyViolations } from '../../../../agent/policy/violations.ts';

describe('registries and network drivers', () => {
  const policy = parsePolicy({ registries: ['docker.io', 'registry.local:5000'] });
  it.each([
    'nginx',
    'nginx:1',
    'docker.io/library/nginx',
    'index.docker.io/x/y',
    'team/app',
    'registry.local:5000/a/b:1',
  ])('allows %s', (image) => {
    expect(imageViolations(image, policy)).toEqual([]);
  });
  it.each([
    ...['ghcr.io/a/b', 'localhost/a', 'registry.local/a', 'docker.io.evil.example/a', 'sha256:0123'],
    ...['docker.io/evil.com/x', 'library/evil.com/x', 'docker.io/library/evil.com:5000/x', '0123456789ab'],
  ])('refuses %s', (image) => {
    expect(violations({ Image: image }, policy)).toHaveLength(1);
  });
  it('are all allowed when not listed', () => expect(imageViolations('ghcr.io/a/b', strictPolicy)).toEqual([]));
  it('allows bridges only', () => {
    expect(networkViolations('bridge', strictPolicy)).toEqual([]);
    expect(networkViolations('macvlan', strictPolicy)).toHaveLength(1);
    expect(networkViolations('macvlan', parsePolicy({ allowNetworkDrivers: ['macvlan'] }))).toEqual([]);
  });
});

describe('networks and volumes', () => {
  const network = (rest: object) => ({ Name: 'n', Driver: 'bridge', CheckDuplicate: true, Labels: {}, ...rest });
  const lan = network({ Options: { 'com.docker.network.bridge.name': 'br0' } });
  it.each([
    [
      'a bridge',
      network({ Internal: true, Attachable: true, EnableIPv6: true, IPAM: { Driver: 'default', Config: [] } }),
    ],
    ['its MTU', network({ Options: { 'com.docker.network.driver.mtu': '1400' } })],
  ])('allow %s', (_, body) => expect(networkBodyViolations(body, strictPolicy, 'n')).toEqual([]));
  it.each([
    ['a bridge of the host', lan],
    ['an address of the host', network({ Options: { 'com.docker.network.bridge.host_binding_ipv4': '10.0.0.1' } })],
    ['another driver', network({ Driver: 'ipvlan' })],
    ['another address manager', network({ IPAM: { Driver: 'dhcp' } })],
    ['what is not known', network({ ConfigOnly: true })],
  ])('refuse %s', (_, body) => expect(networkBodyViolations(body, strictPolicy, 'n')).toHaveLength(1));
  it('allow an option, or one value of it', () => {
    const allow = (option: string) => parsePolicy({ allowNetworkOptions: [option] });
    expect(networkBodyViolations(lan, allow('com.docker.network.bridge.name'), 'n')).toEqual([]);
    expect(networkBodyViolations(lan, allow('com.docker.network.bridge.name=br0'), 'n')).toEqual([]);
    expect(networkBodyViolations(lan, allow('com.docker.network.bridge.name=br1'), 'n')).toHaveLength(1);
  });
  it('allow plain volumes only, unless told', () => {
    const nfs = { Name: 'v', Driver: 'local', DriverOpts: { type: 'nfs' }, Labels: {} };
    expect(volumeBodyViolations({ Name: 'v', Driver: 'local', Labels: {} }, strictPolicy, 'v')).toEqual([]);
    expect(volumeBodyViolations(nfs, strictPolicy, 'v')).toHaveLength(1);
    expect(volumeBodyViolations({ Name: 'v', Driver: 'rexray', Labels: {} }, strictPolicy, 'v')).toHaveLength(1);
    expect(volumeBodyViolations(nfs, parsePolicy({ allowVolumeDriverOptions: true }), 'v')).toEqual([]);
  });
});
