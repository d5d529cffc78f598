import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { place } from '../../../../server/planning/placement.ts';
import { findPartedVolumes, findUnreachable } from '../../../../server/planning/unreachable.ts';
import { parseCompose } from '../../../../server/stackfile/compose/parse.ts';
import { agent, inZone } from '../../../support/planning/placing.ts';

/** What `docker compose up` has on one host is on one host here. */
const THREE = [agent('a'), agent('b'), agent('c')];

function read(services: Record<string, object>, more: object = {}) {
  const full = Object.fromEntries(Object.entries(services).map(([name, one]) => [name, { image: 'nginx', ...one }]));
  const parsed = parseCompose(JSON.stringify({ name: 'x', services: full, ...more }), {
    variables: {},
    profiles: [],
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.spec;
}

type Options = { agents?: typeof THREE; before?: Record<string, string>; networks?: object; volumes?: object };

function placed(services: Record<string, object>, { agents = THREE, before = {}, ...more }: Options = {}) {
  const spec = read(services, more);
  const places = new Map(Object.entries(before).map(([name, at]) => [`x-${name}`, `id-${at}`]));
  const { placed: all, problems } = place(spec, agents, places);
  const nameOf = (id: string) => id.replace('id-', '');
  return {
    at: Object.fromEntries(all.map(({ container, agentId }) => [container.name.replace('x-', ''), nameOf(agentId)])),
    counts: Object.fromEntries(
      [...Map.groupBy(all, ({ agentId }) => nameOf(agentId))].map(([at, of]) => [at, of.length]),
    ),
    problems: problems.map(({ code }) => code),
    warnings: [...findUnreachable(spec, all, nameOf), ...findPartedVolumes(spec, all, nameOf)].map(
      ({ message }) => message,
    ),
  };
}
const hosts = (result: ReturnType<typeof placed>) => Object.keys(result.counts);

describe('on one host', () => {
  const net = { networks: { front: {}, back: {} } };
  const data = { volumes: { data: {} } };
  test.each<[string, Record<string, object>, object]>([
    [
      'two networks, bridged by the last service',
      { redis: { networks: ['front'] }, db: { networks: ['back'] }, worker: { networks: ['front', 'back'] } },
      net,
    ],
    [
      'bridged by the first',
      { worker: { networks: ['front', 'back'] }, redis: { networks: ['front'] }, db: { networks: ['back'] } },
      net,
    ],
    [
      'the same, with depends_on',
      {
        redis: { networks: ['front'] },
        db: { networks: ['back'] },
        worker: { networks: ['front', 'back'], depends_on: ['redis', 'db'] },
      },
      net,
    ],
    [
      'one named volume, no network in common',
      { app: { networks: ['front'], volumes: ['data:/d'] }, backup: { networks: ['back'], volumes: ['data:/d:ro'] } },
      { ...net, ...data },
    ],
    [
      'one named volume, no network at all',
      { app: { network_mode: 'none', volumes: ['data:/d'] }, backup: { network_mode: 'none', volumes: ['data:/d'] } },
      data,
    ],
    [
      'one that waits for the end of another',
      {
        init: { network_mode: 'none', volumes: ['data:/d'] },
        db: {},
        web: { volumes: ['data:/d'], depends_on: { init: { condition: 'service_completed_successfully' } } },
      },
      data,
    ],
    ['replicas too', { web: { deploy: { replicas: 5 } }, db: {} }, {}],
    [
      'a service with a constraint takes the others along',
      { db: {}, web: { deploy: { placement: { constraints: ['node.hostname == c'] } } } },
      {},
    ],
  ])('%s', (_name, services, more) => {
    const result = placed(services, more);
    expect(hosts(result)).toHaveLength(1);
    expect(result).toMatchObject({ problems: [], warnings: [] });
  });

  test('what has nothing in common may part', () => {
    const apart = { network_mode: 'none' };
    expect(hosts(placed({ a: apart, b: apart, c: apart }))).toHaveLength(3);
  });

  test('an external network or volume keeps nothing together', () => {
    const external = { networks: { front: { external: true } }, volumes: { data: { external: true } } };
    const one = { networks: ['front'], volumes: ['data:/d'] };
    expect(hosts(placed({ a: one, b: one, c: one }, external))).toHaveLength(3);
  });

  test('a new service goes to where the others are, even while that host is offline', () => {
    const agents = [agent('a'), agent('b', { online: false, load: 9 }), agent('c')];
    const { at } = placed({ web: {}, db: {}, cache: {} }, { agents, before: { 'web-1': 'b', 'db-1': 'b' } });
    expect(at).toEqual({ 'web-1': 'b', 'db-1': 'b', 'cache-1': 'b' });
  });

  test.each([
    ['publish one port', { ports: ['80:80'], deploy: { replicas: 2 } }],
    ['are one to a host', { deploy: { replicas: 2, placement: { max_replicas_per_node: 1 } } }],
    ['are spread', { deploy: { replicas: 2, placement: { preferences: [{ spread: 'node.labels.zone' }] } } }],
  ])('what is beside replicas that %s is with one of them, wherever it stands in the file', (_name, web) => {
    for (const services of [
      { web, db: {} },
      { db: {}, web },
    ]) {
      const { at } = placed(services);
      expect([at['web-1'], at['web-2']]).toContain(at['db-1']);
      expect(at['web-1']).not.toBe(at['web-2']);
    }
  });

  test('replicas that share nothing are spread', () => {
    const ten = { network_mode: 'none', deploy: { replicas: 10 } };
    expect(Object.values(placed({ web: ten }).counts).toSorted()).toEqual([3, 3, 4]);
    const six = { networks: ['front'], deploy: { replicas: 6 } };
    expect(placed({ web: six }, { networks: { front: { external: true } } }).counts).toEqual({ a: 2, b: 2, c: 2 });
  });

  test('the others wait with one that names a host that is offline', () => {
    const agents = [agent('a'), agent('b'), agent('c', { online: false })];
    const web = { deploy: { placement: { constraints: ['node.hostname == c'] } } };
    expect(placed({ web, db: {} }, { agents })).toMatchObject({ at: { 'web-1': 'c', 'db-1': 'c' }, warnings: [] });
  });

  test('what was parted before stays where it is', () => {
    const before = { 'web-1': 'a', 'web-2': 'b', 'db-1': 'c' };
    expect(placed({ web: { deploy: { replicas: 2 } }, db: {} }, { before }).at).toEqual(before);
  });

  test('a service that names a host that is offline waits for it', () => {
    const agents = [agent('a'), agent('b', { online: false })];
    const web = { deploy: { placement: { constraints: ['node.hostname == b'] } } };
    expect(placed({ web }, { agents })).toMatchObject({ at: { 'web-1': 'b' }, problems: [] });
  });
});

describe('where the file says otherwise', () => {
  test('each parted name and each parted volume is warned of', () => {
    const on = (host: string) => ({ deploy: { placement: { constraints: [`node.hostname == ${host}`] } } });
    const { at, warnings } = placed(
      { web: { ...on('a'), volumes: ['data:/d'] }, db: { ...on('b'), volumes: ['data:/d'] } },
      { volumes: { data: {} } },
    );
    expect(at).toEqual({ 'web-1': 'a', 'db-1': 'b' });
    expect(warnings).toEqual([
      expect.stringMatching(/^"web" is on a and cannot be reached by its name from db/),
      expect.stringMatching(/^"db" is on b and cannot be reached by its name from web/),
      expect.stringMatching(
        /^the volume "x_data" is used on a \(x-web-1\) and b \(x-db-1\): each host has one of its own/,
      ),
    ]);
  });

  test('replicas are spread evenly, over all services', () => {
    const ten = { deploy: { replicas: 10, placement: { preferences: [{ spread: 'node.labels.zone' }] } } };
    const services = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, ten]));
    expect(placed(services).counts).toEqual({ a: 20, b: 20, c: 20 });
    const agents = [inZone('a', 'eu'), inZone('b', 'us'), inZone('c', 'us')];
    expect(placed({ web: ten }, { agents }).counts).toMatchObject({ a: 5 });
  });

  test('replicas that publish one port each get a host', () => {
    expect(placed({ web: { ports: ['80:80'], deploy: { replicas: 3 } } }).counts).toEqual({ a: 1, b: 1, c: 1 });
  });
});

test('whatever the services share, a component that fits on a host is on one, and stays there', () => {
  const name = fc.constantFrom('n1', 'n2', 'n3');
  const one = fc.record({
    networks: fc.subarray(['n1', 'n2', 'n3'], { maxLength: 2 }),
    volume: fc.option(name),
    replicas: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 6 }), fc.integer({ min: 0, max: 9 }), (list, load) => {
      const services = Object.fromEntries(
        list.map(({ networks, volume, replicas }, index) => [
          `s${index}`,
          {
            ...(networks.length > 0 ? { networks } : { network_mode: 'none' }),
            ...(volume && { volumes: [`${volume}:/d`] }),
            deploy: { replicas },
          },
        ]),
      );
      const all = { n1: {}, n2: {}, n3: {} };
      const agents = [agent('a', { load }), agent('b'), agent('c')];
      const first = placed(services, { agents, networks: all, volumes: all });
      expect(first.warnings).toEqual([]);
      expect(first.problems).toEqual([]);
      const busy = [agent('a'), agent('b', { load: 99 }), agent('c', { load: 50 })];
      expect(placed(services, { agents: busy, before: first.at, networks: all, volumes: all }).at).toEqual(first.at);
    }),
  );
});
