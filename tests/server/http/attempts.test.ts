import { expect, test } from 'vitest';
import { LIMITS } from '../../../server/http/limits.ts';
import { useSeed } from '../../support/seed.ts';
import { openWire } from '../../support/wire.ts';

const seed = useSeed();

const VIEWER = '{ viewer { name } }';
const guess = () => `gph_user_${crypto.randomUUID().replaceAll('-', '')}_${'A'.repeat(43)}`;
const ask = (token: string) =>
  fetch(`${seed.url}/graphql`, {
    method: 'POST',
    body: JSON.stringify({ query: VIEWER }),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  });

test('who tries one token after the other hears 429 and when to come back, and others at that address work on', async () => {
  await seed.ask(VIEWER);
  const late = await seed.token('VIEWER');
  const tries = await Promise.all(Array.from({ length: LIMITS.failedTokensPerMinute }, () => ask(guess())));
  expect(new Set(tries.map(({ status }) => status))).toEqual(new Set([401]));
  const refused = await ask(guess());
  expect(refused.status).toBe(429);
  const seconds = Number(refused.headers.get('retry-after'));
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(60);
  expect(await refused.json()).toMatchObject({
    errors: [{ extensions: { code: 'RATE_LIMITED', retryAfterSeconds: seconds } }],
  });
  const { code, reason } = await (await openWire(seed.url, { authorization: `Bearer ${guess()}` })).closed;
  expect({ code, reason }).toEqual({ code: 1013, reason: expect.stringMatching(/try again in \d+ s/) });
  // A token that nobody came with yet cannot be told from a guess.
  expect((await ask(late.secret)).status).toBe(429);
  expect((await ask(seed.admin)).status).toBe(200);
  expect(await (await seed.wire()).ask(VIEWER)).toEqual({ data: { viewer: { name: 'admin' } } });
  expect((await fetch(`${seed.url}/graphql?query={errorCodes{code}}`)).status).toBe(200);
});
