import { describe, expect, test } from 'vitest';
import {
  type Case,
  check,
  parse,
  toService,
  toSpec,
  inService as withService,
} from '../../../../support/stackfile/compose-marks.ts';
import { PLAIN_NETWORK as NETWORK } from '../../../../support/stackfile/plain.ts';

const inService = (keys: string, more = 'networks: {back: , front: }') => withService(keys, more);
const containerOf = (text: string) => toService(text, 'a').container;

describe('the default network', () => {
  test('is for services that name none', () => {
    for (const keys of ['networks: []', 'networks: {}', 'networks: {default: }', 'networks: [default]', 'tty: true']) {
      const text = inService(keys);
      expect(containerOf(text).networks).toEqual([{ name: 'shop_default', aliases: ['a'] }]);
      expect(toSpec(text).networks).toEqual([{ ...NETWORK, name: 'shop_default' }]);
    }
  });

  test('is not made when nobody is on it', () => {
    expect(toSpec(inService('networks: [back]')).networks).toEqual([{ ...NETWORK, name: 'shop_back' }]);
    expect(toSpec(inService('network_mode: host')).networks).toEqual([]);
  });

  test('may be described, or be another one', () => {
    const described = toSpec(
      inService('tty: true', 'networks: {default: {driver: macvlan, driver_opts: {parent: eth0}}}'),
    );
    expect(described.networks).toEqual([
      { ...NETWORK, name: 'shop_default', driver: 'macvlan', driverOptions: { parent: 'eth0' } },
    ]);
    const external = inService('tty: true', 'networks: {default: {external: true, name: theirs}}');
    expect(toSpec(external).networks).toEqual([{ ...NETWORK, name: 'theirs', external: true }]);
    expect(containerOf(external).networks).toEqual([{ name: 'theirs', aliases: ['a'] }]);
  });
});

test('settings of an attachment, the networks in the order of their priority', () => {
  const text = inService(
    `container_name: box
    networks:
      front:
      back:
        aliases: [b, a, box]
        ipv4_address: 172.28.1.5
        ipv6_address: 2001:db8::5
        link_local_ips: [169.254.1.1]
        driver_opts: {baz: 1}
        priority: 10`,
    `networks:
  front: {name: the-front}
  back:
    enable_ipv6: true
    ipam: {config: [{subnet: 172.28.0.0/16}, {subnet: "2001:db8::/64"}]}`,
  );
  expect(containerOf(text).networks).toEqual([
    {
      name: 'shop_back',
      aliases: ['a', 'b', 'box'],
      ipv4Address: '172.28.1.5',
      ipv6Address: '2001:db8::5',
      linkLocalIps: ['169.254.1.1'],
      driverOptions: { baz: '1' },
    },
    { name: 'the-front', aliases: ['a', 'box'] },
  ]);
  expect(containerOf(inService('networks: {back: {mac_address: "02:42:ac:11:65:43"}}')).networks).toEqual([
    { name: 'shop_back', aliases: ['a'], macAddress: '02:42:ac:11:65:43' },
  ]);
});

test('everything a network may say', () => {
  const networks = `networks:
  back:
    driver: bridge
    driver_opts: {com.docker.network.bridge.name: br0}
    internal: "true"
    attachable: true
    enable_ipv4: true
    enable_ipv6: false
    labels: {a: b}
    ipam:
      driver: default
      options: {foo: bar}
      config:
        - subnet: 172.28.0.0/16
          ip_range: 172.28.5.0/24
          gateway: 172.28.5.254
          aux_addresses: {host1: 172.28.1.5}
    x-note: mine`;
  expect(toSpec(inService('networks: [back]', networks)).networks).toEqual([
    {
      name: 'shop_back',
      driver: 'bridge',
      subnet: null,
      gateway: null,
      ipRange: null,
      labels: { a: 'b' },
      internal: true,
      attachable: true,
      driverOptions: { 'com.docker.network.bridge.name': 'br0' },
      ipam: {
        driver: 'default',
        options: { foo: 'bar' },
        configs: [
          {
            subnet: '172.28.0.0/16',
            ipRange: '172.28.5.0/24',
            gateway: '172.28.5.254',
            auxAddresses: { host1: '172.28.1.5' },
          },
        ],
      },
    },
  ]);
});

describe('Docker’s own networks', () => {
  test.each(['host', 'none', 'bridge'])('%s', (mode) => {
    const expected = { networkMode: mode, networks: [] };
    expect(containerOf(inService(`network_mode: ${mode}`))).toMatchObject(expected);
    const text = inService('networks: {own: {}}', `networks: {own: {external: true, name: ${mode}}}`);
    expect(containerOf(text)).toMatchObject(expected);
    expect(toSpec(text).networks).toEqual([]);
  });
});

test('the old form of external works, with a warning', () => {
  const parsed = parse(inService('networks: [back]', 'networks:\n  back:\n    external: {name: theirs}'));
  expect(parsed.ok && parsed.spec.networks).toEqual([{ ...NETWORK, name: 'theirs', external: true }]);
  expect(parsed.ok && parsed.warnings.map(({ code, path, line }) => `${code} ${path} ${line}`)).toEqual([
    'DEPRECATED_FIELD networks.back.external 8',
  ]);
});

test('one address for several containers, each on its own host', () => {
  const text = inService(
    `networks: {back: {ipv4_address: 10.0.0.5}}
    deploy: {replicas: 2, placement: {max_replicas_per_node: 1}}`,
    'networks: {back: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}',
  );
  expect(containerOf(text).networks[0]?.ipv4Address).toBe('10.0.0.5');
});

describe('refused', () => {
  const back = 'services.a.networks.back';
  const cases: Case[] = [
    ['an unknown network', 'networks: [^bak]', 'UNKNOWN_NETWORK services.a.networks[0]'],
    ['an unknown network in a map', 'networks: {^bak: {}}', 'UNKNOWN_NETWORK services.a.networks.bak'],
    ['one network twice', 'networks: [back, ^back]', 'DUPLICATE_NAME services.a.networks[1]'],
    ['a string', 'networks: ^back', 'WRONG_TYPE services.a.networks'],
    [
      'networks beside a mode',
      'networks: [back]\n    ^network_mode: host',
      'CONFLICTING_FIELDS services.a.network_mode',
    ],
    ['the network of a service', 'network_mode: ^service:db', 'UNSUPPORTED_FIELD services.a.network_mode'],
    ['the network of a container', 'network_mode: ^"container:db"', 'UNSUPPORTED_FIELD services.a.network_mode'],
    ['another mode', 'network_mode: ^back', 'INVALID_VALUE services.a.network_mode'],
    ['ports with the host’s network', 'network_mode: host\n    ports: [^"80:80"]', 'INVALID_VALUE services.a.ports[0]'],
    ['gw_priority', 'networks: {back: {^gw_priority: 1}}', `UNSUPPORTED_FIELD ${back}.gw_priority`],
    ['interface_name', 'networks: {back: {^interface_name: eth0}}', `UNSUPPORTED_FIELD ${back}.interface_name`],
    [
      'a MAC address beside another network',
      'networks: {front: , back: {^mac_address: "02:42:ac:11:65:43"}}',
      `UNSUPPORTED_FIELD ${back}.mac_address`,
    ],
    ['a MAC address', 'networks: {back: {mac_address: ^"02:42"}}', `INVALID_VALUE ${back}.mac_address`],
    [
      'an address without a subnet',
      'networks: {back: {ipv4_address: ^10.0.0.1}}',
      `INVALID_VALUE ${back}.ipv4_address`,
    ],
    ['no address', 'networks: {back: {ipv4_address: ^10.0.0}}', `INVALID_VALUE ${back}.ipv4_address`],
    [
      'an IPv4 address for an IPv6 one',
      'networks: {back: {ipv6_address: ^10.0.0.1}}',
      `INVALID_VALUE ${back}.ipv6_address`,
    ],
    ['an alias', 'networks: {back: {aliases: [^"a b"]}}', `INVALID_VALUE ${back}.aliases[0]`],
    ['an unknown setting', 'networks: {back: {^alias: [b]}}', `UNKNOWN_FIELD ${back}.alias`],
  ];
  test.each(cases)('%s', (_title, keys, ...complaints) => check(inService(keys), complaints));

  const declared: Case[] = [
    ['the driver host', 'networks: {n: {driver: ^host}}', 'UNSUPPORTED_FIELD networks.n.driver'],
    [
      'settings of an external network',
      'networks: {n: {external: true, ^internal: true}}',
      'CONFLICTING_FIELDS networks.n.internal',
    ],
    ['one name for two', 'networks: {n: {name: a}, ^m: {name: a}}', 'NETWORK_REDEFINED networks.m'],
    ['no IPv4', 'networks: {n: {^enable_ipv4: false}}', 'UNSUPPORTED_FIELD networks.n.enable_ipv4'],
    ['an unknown setting', 'networks: {n: {^subnet: 10.0.0.0/8}}', 'UNKNOWN_FIELD networks.n.subnet'],
    [
      'no subnet',
      'networks: {n: {ipam: {config: [{subnet: ^10.0.0.0}]}}}',
      'INVALID_VALUE networks.n.ipam.config[0].subnet',
    ],
    [
      'an address in a subnet',
      'networks: {n: {ipam: {config: [{subnet: ^10.0.0.1/24}]}}}',
      'INVALID_VALUE networks.n.ipam.config[0].subnet',
    ],
    [
      'a gateway elsewhere',
      'networks: {n: {ipam: {config: [{subnet: 10.0.0.0/24, gateway: ^10.0.1.1}]}}}',
      'INVALID_VALUE networks.n.ipam.config[0].gateway',
    ],
    [
      'a range elsewhere',
      'networks: {n: {ipam: {config: [{subnet: 10.0.0.0/24, ip_range: ^10.0.1.0/25}]}}}',
      'INVALID_VALUE networks.n.ipam.config[0].ip_range',
    ],
    [
      'a gateway alone',
      'networks: {n: {ipam: {config: [{^gateway: 10.0.1.1}]}}}',
      'INVALID_VALUE networks.n.ipam.config[0].gateway',
    ],
    [
      'an IPv6 subnet without IPv6',
      'networks: {n: {ipam: {config: [{subnet: ^"fd00::/64"}]}}}',
      'INVALID_VALUE networks.n.ipam.config[0].subnet',
    ],
    ['no list', 'networks: {n: {ipam: {config: ^{subnet: 10.0.0.0/24}}}}', 'WRONG_TYPE networks.n.ipam.config'],
    ['a list', 'networks: ^[a]', 'WRONG_TYPE networks'],
  ];
  test.each(declared)('%s', (_title, marked, ...complaints) => check(inService('tty: true', marked), complaints));

  test('a network beside Docker’s own', () => {
    check(inService('networks: {^own: , back: }', 'networks: {own: {external: true, name: host}, back: }'), [
      'CONFLICTING_FIELDS services.a.networks.own',
    ]);
  });

  test('one address for several containers', () => {
    const networks = 'networks: {back: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}';
    check(inService('scale: 2\n    networks: {back: {^ipv4_address: 10.0.0.5}}', networks), [
      `CONFLICTING_FIELDS ${back}.ipv4_address`,
    ]);
  });
});
