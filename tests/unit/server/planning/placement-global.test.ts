import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agent, constraint, everywhere, inZone, many, placing, taken } from '../../../support/planning/placing.ts';
import { portOf, serviceOf } from '../../../support/planning/stories.ts';

describe('a global service', () => {
  test('has one container on every agent that is online and fits', () => {
    const agents = [inZone('a', 'x'), inZone('b', 'y'), inZone('c', 'x', { online: false }), inZone('d', 'x')];
    expect(placing([everywhere('g')], agents).at).toEqual(['g-1 a', 'g-2 b', 'g-3 d']);
    const constraints = [constraint('node.labels.zone == x')];
    expect(placing([everywhere('g', { constraints })], agents).at).toEqual(['g-1 a', 'g-2 d']);
  });

  test('keeps its number on each agent, also on one that is offline; a new agent gets the lowest that is free', () => {
    const before = { 'g-1': 'b', 'g-2': 'gone', 'g-4': 'c' };
    const agents = [agent('a'), agent('b'), agent('c', { online: false }), agent('d')];
    const { at, placed } = placing([everywhere('g')], agents, before);
    expect(at).toEqual(['g-1 b', 'g-2 a', 'g-3 d', 'g-4 c']);
    expect(placed.map(({ container }) => container.replica)).toEqual([1, 2, 3, 4]);
  });

  test('leaves an agent that no longer satisfies its constraints', () => {
    const constraints = [constraint('node.labels.zone == x')];
    const before = { 'g-1': 'a', 'g-2': 'b' };
    const agents = [inZone('a', 'y'), inZone('b', 'x'), inZone('c', 'x')];
    expect(placing([everywhere('g', { constraints })], agents, before).at).toEqual(['g-1 c', 'g-2 b']);
  });

  test('has one, not two, where it had several replicas before', () => {
    expect(placing([everywhere('g')], [agent('a')], { 'g-3': 'a', 'g-2': 'a' }).at).toEqual(['g-2 a']);
  });

  test('takes no name that another service has', () => {
    const own = serviceOf('own', { host: 'a', container: { name: 'g-1' } });
    expect(placing([everywhere('g'), own], [agent('a'), agent('b')], { 'g-1': 'a' }).at).toEqual([
      'g-2 a',
      'g-3 b',
      'g-1 a',
    ]);
  });

  test('with a container name of its own has that everywhere', () => {
    const named = serviceOf('g', { global: true, container: { name: 'own' } });
    expect(placing([named], [agent('a'), agent('b')], { own: 'b' }).at).toEqual(['own b', 'own a']);
  });

  test('that names its host has one container', () => {
    expect(placing([everywhere('g', { host: 'b' })], [agent('a'), agent('b')]).at).toEqual(['g-1 b']);
  });

  test('leaves out agents without a free port and says so; one that fits suffices', () => {
    const agents = [agent('a', { taken: [taken(80)] }), agent('b')];
    const service = everywhere('g', { container: { ports: [portOf(80)] } });
    const { at, codes, skipped } = placing([service], agents);
    expect({ at, codes }).toEqual({ at: ['g-1 b'], codes: [] });
    expect(skipped).toEqual([
      { service: 'g', agent: 'a', reason: 'port 80/tcp taken by "other-1" of the stack "other"' },
    ]);
    const none = placing([service], agents.slice(0, 1));
    expect(none.problems[0]?.message).toBe('no agent fits "g": a: port 80/tcp taken by "other-1" of the stack "other"');
  });

  test('goes before no other: who was there keeps the port', () => {
    const service = everywhere('g', { container: { ports: [portOf(80)] } });
    const web = many('w', 1, { container: { ports: [portOf(80)] } });
    expect(placing([service, web], [agent('a'), agent('b')], { 'w-1': 'a' }).at).toEqual(['g-1 b', 'w-1 a']);
  });

  test('needs an agent', () => {
    expect(placing([everywhere('g')], [agent('a', { online: false })]).codes).toEqual(['NO_AGENT_AVAILABLE g']);
    const constraints = [constraint('node.labels.zone == x')];
    expect(placing([everywhere('g', { constraints })], [agent('a')]).codes).toEqual(['NO_AGENT_FITS g']);
  });
});

describe('for any stack and any agents', () => {
  const ZONES = ['x', 'y', 'z'];
  const agents = fc
    .array(
      fc.record({
        zone: fc.constantFrom(...ZONES),
        online: fc.boolean(),
        load: fc.nat(5),
        ports: fc.subarray([80, 81]),
      }),
      { maxLength: 6 },
    )
    .map((list) =>
      list.map(({ zone, online, load, ports }, n) =>
        inZone(`vm${n}`, zone, { online, load, taken: ports.map((port) => taken(port)) }),
      ),
    );
  const services = fc
    .array(
      fc.record({
        replicas: fc.nat(4),
        global: fc.boolean(),
        port: fc.constantFrom(null, 80, 81),
        zone: fc.option(fc.constantFrom(...ZONES)),
        max: fc.nat(2),
      }),
      { maxLength: 5 },
    )
    .map((list) =>
      list.map(({ replicas, global, port, zone, max }, n) => {
        const constraints = zone === null ? [] : [constraint(`node.labels.zone == ${zone}`)];
        const more = { constraints, maxReplicasPerNode: max, container: { ports: [portOf(port)] } };
        return global ? everywhere(`s${n}`, more) : many(`s${n}`, replicas, more);
      }),
    );

  test('no name twice, no port twice on one host, only allowed agents, and what is not placed is a problem', () => {
    fc.assert(
      fc.property(services, agents, (list, hosts) => {
        const { placed, codes } = placing(list, hosts);
        const names = placed.map(({ container }) => container.name);
        expect(new Set(names).size).toBe(names.length);
        const ports = placed.flatMap(({ container, agentId }) =>
          container.ports.flatMap(({ hostPort }) => (hostPort === null ? [] : `${agentId} ${hostPort}`)),
        );
        const foreign = hosts.flatMap((host) => host.taken.map(({ port }) => `${host.id} ${port}`));
        expect(new Set([...ports, ...foreign]).size).toBe(ports.length + foreign.length);
        for (const { service, agentId } of placed) {
          const host = hosts.find(({ id }) => id === agentId);
          expect(host?.online).toBe(true);
          for (const { value } of service.constraints ?? []) expect(host?.labels.zone).toBe(value);
        }
        const counts = new Map(list.map(({ name }) => [name, 0]));
        for (const { service } of placed) counts.set(service.name, (counts.get(service.name) ?? 0) + 1);
        const missing = list.filter((one) => (counts.get(one.name) ?? 0) < (one.global ? 1 : (one.replicas ?? 1)));
        expect(codes.map((code) => code.split(' ')[1])).toEqual(missing.map(({ name }) => name));
      }),
    );
  });

  test('a second time nothing moves, in whatever order the agents come and whoever went offline', () => {
    fc.assert(
      fc.property(services, agents, fc.array(fc.nat(5)), (list, hosts, offline) => {
        const first = placing(list, hosts);
        fc.pre(first.codes.length === 0);
        const later = hosts
          .toReversed()
          .map((host, n) => ({ ...host, load: n, online: host.online && !offline.includes(n) }));
        expect(placing(list, later, first.next).at).toEqual(first.at);
      }),
    );
  });

  test('scaling up moves none', () => {
    fc.assert(
      fc.property(services, agents, fc.nat(4), (list, hosts, more) => {
        const first = placing(list, hosts);
        fc.pre(first.codes.length === 0);
        const larger = list.map((one, n) =>
          n === 0 && !one.global ? { ...one, replicas: (one.replicas ?? 1) + more } : one,
        );
        const { at } = placing(larger, hosts, first.next);
        expect(at).toEqual(expect.arrayContaining(first.at));
      }),
    );
  });
});
