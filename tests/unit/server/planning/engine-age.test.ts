import { expect, test } from 'vitest';
import { findTooOld } from '../../../../server/planning/engine-age.ts';
import type { Placed } from '../../../../server/planning/placed.ts';

const on = (agentId: string, container: object): Placed =>
  ({ agentId, service: { name: 'web' }, container: { networkMode: 'bridge', networks: [], ...container } }) as never;
const find = (apiVersion: string | undefined, container: object) =>
  findTooOld(
    [on('1', container), on('1', container)],
    () => apiVersion,
    () => 'vm1',
  ).map(({ message }) => message);

const annotated = { annotations: { a: 'b' } };

test.each([
  ['annotations', '1.42', annotated, 1],
  ['annotations, for an engine that is older still', '1.5', annotated, 1],
  ['annotations that it knows', '1.43', annotated, 0],
  ['annotations that a later one knows', '2.0', annotated, 0],
  ['no annotations', '1.41', { annotations: {} }, 0],
  ['nothing in particular', '1.24', {}, 0],
  ['anything, where nobody knows what the engine is', undefined, annotated, 0],
])('%s with API %s', (_, apiVersion, container, count) => {
  const message = `the Docker engine of vm1 is too old for the annotations of "web": it has API ${apiVersion}, and 1.43 is needed`;
  expect(find(apiVersion, container)).toEqual(Array(count).fill(message));
});
