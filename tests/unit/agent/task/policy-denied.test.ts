import { describe, expect, test } from 'vitest';
import { parsePolicy, strictPolicy } from '../../../../agent/policy/schema.ts';
import { isPrivateSubnet } from '../../../../agent/policy/subnets.ts';
import { networkBodyViolations, violations } from '../../../../agent/policy/violations.ts';
import { policyDenied } from '../../../../agent/task/policy-denied.ts';

const body = {
  Image: 'registry.example.com/app',
  HostConfig: {
    Binds: ['/srv/data:/data', '/srv/logs:/logs'],
    CapAdd: ['NET_ADMIN'],
    PidMode: 'host',
    LogConfig: { Type: 'syslog' },
    Runtime: 'runsc',
  },
};

describe('a refusal', () => {
  test('says what the policy file needs, and with that there is none', () => {
    const policy = parsePolicy({ registries: ['docker.io'] });
    const { message } = policyDenied(violations(body, policy)).failure;
    const [, example = ''] = /put (\{.*\}) into the policy file of this host/.exec(message) ?? [];
    expect(JSON.parse(example)).toEqual({
      registries: ['registry.example.com'],
      allowBindMounts: ['/srv/data', '/srv/logs'],
      allowCapabilities: ['NET_ADMIN'],
      allowHostNamespaces: ['pid'],
      allowLogDrivers: ['syslog'],
      allowRuntimes: ['runsc'],
    });
    expect(violations(body, parsePolicy(JSON.parse(example)))).toEqual([]);
    expect(message).toContain('--policy FILE');
  });

  test('that no list can mend says so', () => {
    const { message } = policyDenied(
      violations({ Image: 'a', HostConfig: { VolumesFrom: ['x'] } }, strictPolicy),
    ).failure;
    expect(message).toContain('Only a policy file on the host can allow it.');
  });
});

describe('a subnet', () => {
  test.each(['10.0.0.0/8', '10.9.0.0/16', '172.20.0.0/24', '192.168.1.0/28', 'fd00:1::/64', '198.18.0.0/24'])(
    '%s is private',
    (text) => expect(isPrivateSubnet(text)).toBe(true),
  );
  test.each(['8.8.8.0/24', '10.0.0.0/7', '0.0.0.0/0', '172.0.0.0/8', '2001:db8::/32', '::/0', '10.0.0.0', 'x/8', ''])(
    '%s is not',
    (text) => expect(isPrivateSubnet(text)).toBe(false),
  );

  test('that is public is refused unless the policy names it', () => {
    const network = { Name: 'n', Driver: 'bridge', IPAM: { Config: [{ Subnet: '203.0.113.0/24' }] } };
    const refused = networkBodyViolations(network, strictPolicy, 'n');
    expect(refused).toEqual([expect.stringContaining('subnet 203.0.113.0/24 is not private')]);
    const [, example = ''] = /put (\{.*\}) into/.exec(policyDenied(refused).failure.message) ?? [];
    expect(networkBodyViolations(network, parsePolicy(JSON.parse(example)), 'n')).toEqual([]);
  });
});
