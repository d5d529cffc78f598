import { describe, expect, test } from 'vitest';
import type { StackSpec } from '../../../../../server/spec/spec.ts';
import { locateHost } from '../../../../../server/stackfile/jsonld/parse.ts';
import { EXAMPLE, parse, stack } from '../../../../support/stackfile/jsonld-stack.ts';
import { PLAIN_NETWORK, plain } from '../../../../support/stackfile/plain.ts';

const defaultNetwork = { ...PLAIN_NETWORK, name: 'shop_default' };

describe('the example', () => {
  const service = (number: number, host: string, nginxHost: string) => ({
    name: `nginx-${number}`,
    host,
    dependsOn: [],
    container: {
      ...plain('web', 'web'),
      name: `nginx-${number}`,
      service: `nginx-${number}`,
      image: 'nginx:alpine',
      environment: { NGINX_HOST: nginxHost, NGINX_PORT: '80' },
      ports: [{ containerPort: 80, hostPort: 8080 + number, hostIp: null, protocol: 'tcp' }],
      networks: [{ name: 'nginx-multihost_default', aliases: [`nginx-${number}`] }],
      restart: { name: 'unless-stopped', maximumRetryCount: 0 },
    },
  });
  const expected = {
    name: 'nginx-multihost',
    description: 'Multi-host nginx deployment with 3 instances across all available hosts',
    placement: 'manual',
    services: [service(1, 'localhost-docker', 'localhost'), service(2, 'vm1', 'vm1'), service(3, 'vm2', 'vm2')],
    networks: [{ ...defaultNetwork, name: 'nginx-multihost_default' }],
    volumes: [],
  };

  test('becomes exactly this spec', () => expect(parse(EXAMPLE)).toStrictEqual(expected));
  test('with a byte order mark', () => expect(parse(`\uFEFF${EXAMPLE}`)).toStrictEqual(expected));
  test('with the line ends of Windows', () => expect(parse(EXAMPLE.replaceAll('\n', '\r\n'))).toStrictEqual(expected));
  test('with the stack at the top', () => {
    const file = JSON.parse(EXAMPLE);
    expect(parse({ '@context': file['@context'], ...file['@graph'][0] })).toStrictEqual(expected);
  });
});

describe('the stack', () => {
  const hosts = (spec: StackSpec) => spec.services.map(({ host }) => host);
  const two = [{ name: 'web' }, { name: 'db' }];

  test('a default host that a container may override, as a node or a string', () => {
    const file = stack({ locatedInHost: { '@id': 'vm2' } }, [{ locatedInHost: 'host:vm1' }, { name: 'db' }]);
    expect(hosts(parse(file))).toEqual(['vm1', 'vm2']);
  });

  test('spread leaves the host open', () => {
    const deployment = { placementStrategy: 'spread' };
    const spec = parse(stack({ deployment, locatedInHost: undefined }, [{ locatedInHost: 'vm1' }, { name: 'db' }]));
    expect([spec.placement, hosts(spec)]).toEqual(['spread', ['vm1', null]]);
  });

  test.each([
    ['auto', { deployment: { placementStrategy: 'auto' } }],
    ['nothing', {}],
  ])('%s about placement leaves the host open, too', (_title, fields) => {
    const spec = parse(stack({ ...fields, locatedInHost: undefined }, [{ locatedInHost: 'vm1' }, { name: 'db' }]));
    expect([spec.placement, hosts(spec)]).toEqual(['spread', ['vm1', null]]);
  });

  test('hosts as URLs, and hosts that the file describes', () => {
    const parts = [
      { locatedInHost: { '@id': 'https://example.com/hosts/vm1' } },
      { name: 'db', locatedInHost: 'host:b' },
    ];
    const graph = [
      { '@id': 'host:b', '@type': 'datacenter:Host', name: 'vm2', description: 'the second one' },
      stack({ locatedInHost: undefined }, parts),
      { '@id': 'https://example.com/hosts#vm3', '@type': ['schema:Place', 'VirtualMachine'] },
    ];
    expect(hosts(parse({ '@graph': graph }))).toEqual(['vm1', 'vm2']);
    expect(() => parse({ '@graph': [...graph, { '@id': 'h', '@type': 'Host', cpus: 4 }] })).toThrow(/unknown field/);
    expect(() => parse({ '@graph': [...graph, { '@id': 'b', '@type': 'Host' }] })).toThrow(/expected only one host/);
    expect(() => parse({ '@graph': [...graph, { '@type': 'Host', name: 'vm4' }] })).toThrow(/expected \\"@id\\"/);
  });

  test('the driver of a volume, said once or always the same', () => {
    const mount = (rest: object) => ({ name: 'data', mountPath: '/data', ...rest });
    const volumesOf = (...mounts: object[]) =>
      parse(
        stack(
          {},
          mounts.map((one, n) => ({ name: `c${n}`, volumes: [one] })),
        ),
      ).volumes;
    const nfs = { name: 'shop_data', driver: 'nfs' };
    expect(volumesOf(mount({}), mount({ driver: 'nfs' }), mount({ driver: 'nfs' }))).toEqual([nfs]);
    expect(volumesOf(mount({}))).toEqual([{ name: 'shop_data' }]);
    expect(() => volumesOf(mount({ driver: 'nfs' }), mount({ driver: 'local' }))).toThrow(
      /expected \\"nfs\\" here too/,
    );
  });

  test('single-host with one host', () => {
    expect(hosts(parse(stack({ deployment: { mode: 'single-host' } }, two)))).toEqual(['vm1', 'vm1']);
  });

  test.each([
    ['a name', ['db', 'db']],
    ['a reference', [{ '@id': 'container:db' }]],
    ['a reference to its own @id', [{ '@id': 'urn:x:db' }]],
    ['one without brackets', 'db'],
  ])('dependsOn with %s', (_title, dependsOn) => {
    const spec = parse(stack({}, [{ dependsOn }, { name: 'db', '@id': 'urn:x:db' }]));
    expect(spec.services.map((service) => service.dependsOn)).toEqual([
      [{ service: 'db', condition: 'HEALTHY', required: true, restart: false }],
      [],
    ]);
  });

  test('networks: the default one and a named one, described once and used twice', () => {
    const back = {
      name: 'back',
      subnet: '10.9.0.0/16',
      gateway: '10.9.0.1',
      ipRange: '10.9.1.0/24',
      labels: { a: 'b' },
    };
    const spec = parse(stack({}, [{ network: { name: 'back' } }, { name: 'db', network: back }, { name: 'cache' }]));
    expect(spec.networks).toStrictEqual([defaultNetwork, { ...back, name: 'shop_back', driver: 'bridge' }]);
  });

  test("the stack's network is that of its containers", () => {
    const spec = parse(stack({ network: { name: 'front', driver: 'macvlan' } }, [{}]));
    expect(spec.networks).toStrictEqual([{ ...defaultNetwork, name: 'shop_front', driver: 'macvlan' }]);
    expect(spec.services[0]?.container.networks).toEqual([{ name: 'shop_front', aliases: ['web'] }]);
  });

  test("the stack's network without a name describes the default network", () => {
    const spec = parse(stack({ network: { subnet: '10.9.0.0/24' } }, [{}]));
    expect(spec.networks).toStrictEqual([{ ...defaultNetwork, subnet: '10.9.0.0/24' }]);
  });

  test.each([
    ['host-port', 'bridge', 1],
    ['bridge', 'bridge', 1],
    ['host', 'host', 0],
    ['none', 'none', 0],
  ])('networkMode %s', (networkMode, mode, networks) => {
    const spec = parse(stack({ deployment: { networkMode } }, [{}]));
    expect(spec.services[0]?.container.networkMode).toBe(mode);
    expect(spec.networks).toHaveLength(networks);
  });

  test('a volume that two containers share is one volume; a bind is none', () => {
    const shared = { volumes: [{ name: 'data', mountPath: '/d' }] };
    const bind = { volumeMounts: [{ source: '/srv', target: '/d' }] };
    const spec = parse(stack({}, [shared, { name: 'db', ...shared }, { name: 'cache', ...bind }]));
    expect(spec.volumes).toStrictEqual([{ name: 'shop_data' }]);
  });

  test('the same host port on two hosts, two protocols, two addresses or on hosts not yet known', () => {
    const on = (port: object) => ({ ports: [{ portNumber: 80, hostPort: 80, ...port }] });
    const manual = [
      on({}),
      { name: 'db', locatedInHost: 'vm2', ...on({ hostIp: '10.0.0.1' }) },
      { name: 'udp', ...on({ protocol: 'udp' }) },
      { name: 'other', locatedInHost: 'vm2', ...on({ hostIp: '10.0.0.2' }) },
      { name: 'six', locatedInHost: 'vm2', ...on({ hostIp: '::' }) },
    ];
    expect(parse(stack({}, manual)).services).toHaveLength(5);
    const spread = { deployment: { placementStrategy: 'spread' }, locatedInHost: undefined };
    expect(parse(stack(spread, [on({}), { name: 'db', ...on({}) }])).services).toHaveLength(2);
  });
});

describe('locateHost', () => {
  test('where the container names its host', () => {
    expect(locateHost(EXAMPLE, 'nginx-2')).toEqual({
      path: '@graph[0].hasPart[1].locatedInHost',
      line: 61,
      column: 28,
    });
  });
  test('where the stack does, or else where the container begins', () => {
    const text = JSON.stringify(stack({}, [{}]));
    expect(locateHost(text, 'web')).toMatchObject({ path: 'locatedInHost', line: 1 });
    expect(locateHost(JSON.stringify(stack({ locatedInHost: undefined }, [{}])), 'web').path).toBe('hasPart[0]');
    expect(locateHost('no JSON', 'web')).toEqual({ path: '', line: 1, column: 1 });
  });
});
