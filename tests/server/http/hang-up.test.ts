import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { until } from '../../support/agents.ts';
import { withAdmin } from '../../support/postgres.ts';
import { container, stackFile, useSeed } from '../../support/seed.ts';

/** A request that nobody waits for any more stops where it is: the rest of it is asked of nobody. */
const seed = useSeed();
beforeAll(async () => {
  await seed.host('h1');
  await seed.deploy(stackFile('shop', [container('shop-a', 'h1')]));
});

const QUERY = '{ stacks { name containers { name } } }';

/** Sends the query, holds up its first part, and tells whether the second one is asked for once the first goes on. */
async function isSecondAskedFor(whileHeld: (abort: AbortController) => Promise<void>): Promise<boolean> {
  const abort = new AbortController();
  let answer: Promise<unknown> | undefined;
  let isAsked = false;
  await withAdmin(seed.databaseUrl, (second) =>
    second.begin(async (containers) => {
      await containers`lock table containers in access exclusive mode`;
      const waiting = (table: string) => async () =>
        (await containers`select 1 from pg_locks where not granted and relation = ${table}::regclass`).length > 0;
      await withAdmin(seed.databaseUrl, (first) =>
        first.begin(async (stacks) => {
          await stacks`lock table stacks in access exclusive mode`;
          answer = fetch(`${seed.url}/graphql`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', authorization: `Bearer ${seed.admin}` },
            body: JSON.stringify({ query: QUERY }),
            signal: abort.signal,
          }).catch(() => undefined);
          await until(waiting('stacks'), (is) => is, { what: 'the first part, which waits' });
          await whileHeld(abort);
        }),
      );
      for (let n = 0; n < 20 && !isAsked; n++) {
        isAsked = await waiting('containers')();
        await delay(50);
      }
    }),
  );
  await answer;
  return isAsked;
}

test('one that is waited for goes on to its end', async () => {
  expect(await isSecondAskedFor(async () => {})).toBe(true);
});

test('one whose client hung up does not', async () => {
  const hangUp = async (abort: AbortController) => {
    abort.abort();
    // The server hears of it while the first part still waits.
    await delay(200);
  };
  expect(await isSecondAskedFor(hangUp)).toBe(false);
});
