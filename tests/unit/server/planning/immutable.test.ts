import { expect, test } from 'vitest';
import { findImmutableChanges } from '../../../../server/planning/immutable.ts';
import { parseCompose } from '../../../../server/stackfile/compose/parse.ts';

/** A service on its own host, with a network and a volume of these definitions. */
function sideOf(network: object, volume: object = {}, agentId = 'vm1') {
  const services = { web: { image: 'nginx', networks: ['back'], volumes: ['data:/data'] } };
  const file = { name: 'shop', services, networks: { back: network }, volumes: { data: volume } };
  const parsed = parseCompose(JSON.stringify(file), { variables: {}, profiles: [] });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const placed = parsed.spec.services.map((service) => ({ service, container: service.container, agentId }));
  return { spec: parsed.spec, placed };
}

const ipam = (subnet: string) => ({ ipam: { config: [{ subnet }] } });

test.each([
  ['the same', {}, {}, []],
  ['said or left out', {}, { internal: false, labels: { a: 'b' } }, []],
  ['internal', {}, { internal: true }, ['internal']],
  ['no more internal', { internal: true }, {}, ['internal']],
  ['driver', {}, { driver: 'macvlan', driver_opts: { parent: 'eth0' } }, ['driver', 'driverOptions']],
  ['another subnet', ipam('10.1.0.0/24'), ipam('10.2.0.0/24'), ['ipam']],
  ['a subnet', {}, ipam('10.2.0.0/24'), ['ipam']],
  ['any subnet will do', ipam('10.1.0.0/24'), {}, []],
  ['one that is there already', {}, { external: true, name: 'shop_back' }, []],
])('a network: %s', (_what, before, after, fields) => {
  const found = findImmutableChanges(sideOf(before), sideOf(after));
  expect(found).toEqual(fields.length > 0 ? [{ part: 'network', name: 'shop_back', fields }] : []);
});

test('a volume with other options', () => {
  const nfs = { driver_opts: { type: 'nfs', device: ':/data', o: 'addr=10.0.0.1' } };
  const found = findImmutableChanges(sideOf({}), sideOf({}, nfs));
  expect(found).toEqual([{ part: 'volume', name: 'shop_data', fields: ['driverOptions'] }]);
  expect(findImmutableChanges(sideOf({}), sideOf({}, { labels: { a: 'b' } }))).toEqual([]);
});

test('on another host it is made anew', () => {
  expect(findImmutableChanges(sideOf({}), sideOf({ internal: true }, {}, 'vm2'))).toEqual([]);
});
