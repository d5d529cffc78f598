import { expect, test } from 'vitest';
import { useSeed } from '../../support/seed.ts';
import { openEvents } from '../../support/wire.ts';

const seed = useSeed();

test('a token has 200 subscriptions at a time over whatever connections, and another when one has ended', async () => {
  const { secret } = await seed.token('VIEWER');
  const open = () => openEvents<{ stacks: object[] }>(seed.url, secret, 'subscription { stacks { name } }');
  const streams = await Promise.all(Array.from({ length: 200 }, open));
  for (const stream of streams) expect((await stream.next())?.data?.stacks).toEqual([]);
  const refused = await seed.try('subscription { stacks { name } }', {}, secret);
  expect(refused.errors?.[0]?.extensions.code).toBe('RATE_LIMITED');
  const other = await seed.token('VIEWER');
  const another = await openEvents<{ stacks: object[] }>(seed.url, other.secret, 'subscription { stacks { name } }');
  expect((await another.next())?.data?.stacks).toEqual([]);
  streams[0]?.cancel();
  await expect
    .poll(async () => {
      const again = await open();
      const first = await again.next();
      again.cancel();
      return first?.data?.stacks;
    })
    .toEqual([]);
  for (const stream of [...streams.slice(1), another]) stream.cancel();
});
