import { expect, test, vi } from 'vitest';
import { type ContainerEvent, createEventHub } from '../../../../agent/docker/events.ts';

/** One line of `GET /events`, as Docker and Podman write it. */
const line = (id: string, action: string, attributes?: object) =>
  Buffer.from(`${JSON.stringify({ id, Action: action, Actor: { ID: id, Attributes: attributes } })}\n`);
const OURS = { 'graphium.cluster': 'k', image: 'nginx' };

test('only what happens to labelled containers is told, and a removal has one name', async () => {
  const lines = [
    line('a', 'start', OURS),
    line('foreign', 'start', { image: 'nginx' }),
    line('nameless', 'die'),
    line('a', 'health_status: healthy', OURS),
    line('a', 'destroy', OURS),
    line('b', 'remove', OURS),
  ];
  const open = async () => ({
    async *[Symbol.asyncIterator]() {
      yield* lines.splice(0);
      await new Promise(() => {});
    },
    destroy: () => {},
  });
  const hub = createEventHub(open);
  const told: ContainerEvent[] = [];
  hub.listen((event) => told.push(event));
  await vi.waitUntil(() => told.length >= 5);
  hub.close();
  expect(told.map(({ containerId, action }) => `${containerId} ${action}`.trim())).toEqual([
    'resync',
    'a start',
    'a health_status: healthy',
    'a destroy',
    'b destroy',
  ]);
});
