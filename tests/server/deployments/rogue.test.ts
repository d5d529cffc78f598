import { expect, test } from 'vitest';
import { composeFile, service } from '../../support/compose-file.ts';
import { workAll } from '../../support/fake-host.ts';
import { useSeed } from '../../support/seed.ts';

/** An agent whose credential was stolen reports what it likes. */
const seed = useSeed();

test('it cannot use up the numbers of another stack, nor keep it from being deployed', async () => {
  const [host, rogue] = [await seed.host('honest'), await seed.host('rogue')];
  const file = (image: string) => composeFile('shop', { web: service('honest', { image }) });
  await seed.compose(file('app:1'));
  await host.work();
  for (const revision of [2_147_483_647, 1_000_000]) {
    await rogue.add({ name: 'shop-web-1', stack: 'shop', revision });
    const { id } = await seed.compose(file(`app:${revision}`));
    await workAll([host, rogue]);
    expect((await seed.deployment(id)).status).toBe('SUCCEEDED');
  }
  const { stack } = await seed.ask<{ stack: { revision: number } }>('{ stack(name: "shop") { revision } }');
  expect(stack.revision).toBe(3);
});
