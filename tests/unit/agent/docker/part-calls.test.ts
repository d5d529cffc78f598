import { expect, test } from 'vitest';
import { networkCalls } from '../../../../agent/docker/part-calls.ts';
import type { Request } from '../../../../agent/docker/transport.ts';

/** An engine that removes a network whoever uses it, as Podman does: it answers 204 and takes it from under the containers. */
function careless(containers: object | null | undefined) {
  const sent: string[] = [];
  const send = async ({ method, path }: Request) => {
    sent.push(`${method} ${path}`);
    return method === 'GET' ? { Id: 'n1', Name: 'shop_default', Containers: containers } : null;
  };
  return { sent, calls: networkCalls(send) };
}

test('a network that containers use is left to them, also where the engine would take it away', async () => {
  const { sent, calls } = careless({ c1: { Name: 'shop-web-1' } });
  await expect(calls.removeNetwork('n1')).rejects.toMatchObject({ status: 403 });
  expect(sent).toEqual(['GET /networks/n1']);
});

test.each([[{}], [null], [undefined]])('one that nobody uses goes: %j', async (containers) => {
  const { sent, calls } = careless(containers);
  await calls.removeNetwork('n1');
  expect(sent).toEqual(['GET /networks/n1', 'DELETE /networks/n1']);
});
