import { expect, test } from 'vitest';
import { findTooOld } from '../../../../server/planning/engine-age.ts';
import type { Placed } from '../../../../server/planning/placed.ts';

const attachment = (name: string, macAddress?: string) => ({ name, aliases: [], macAddress });
const on = (agentId: string, container: object): Placed =>
  ({ agentId, service: { name: 'web' }, container: { networkMode: 'bridge', networks: [], ...container } }) as never;
const find = (apiVersion: string | undefined, container: object) =>
  findTooOld(
    [on('1', container), on('1', container)],
    () => apiVersion,
    () => 'vm1',
  ).map(({ message }) => message);

const annotated = { annotations: { a: 'b' } };
const twoMacs = { networks: [attachment('one'), attachment('two', '02:42:ac:11:00:03')] };

test.each([
  ['annotations', '1.42', annotated, ['the annotations']],
  ['annotations that it knows', '1.43', annotated, []],
  ['a second address', '1.43', twoMacs, ['the MAC address in the network two']],
  ['a second address that it knows', '1.44', twoMacs, []],
  ['the address of the first network', '1.41', { networks: [attachment('one', '02:42:ac:11:00:03')] }, []],
  ['addresses without networks', '1.41', { ...twoMacs, networkMode: 'host' }, []],
  ['nothing in particular', '1.24', {}, []],
  ['anything, where nobody knows what the engine is', undefined, annotated, []],
])('%s with API %s', (_, apiVersion, container, words) => {
  const found = find(apiVersion, container);
  expect(found).toHaveLength(words.length);
  for (const [index, word] of words.entries()) {
    expect(found[index]).toMatch(`the Docker engine of vm1 is too old for ${word} of "web": it has API ${apiVersion}`);
  }
});
