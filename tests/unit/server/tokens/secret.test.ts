import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSecret, fromToken, hashOf, isSecret, isSecretOf, toToken } from '../../../../server/tokens/secret.ts';

test.each(['USER', 'JOIN', 'AGENT'] as const)('%s: there and back again', (kind) => {
  const id = randomUUID();
  const secret = createSecret();
  const hash = hashOf(secret);
  const token = toToken(kind, id, secret);
  expect(token).toMatch(new RegExp(`^gph_${kind.toLowerCase()}_[0-9a-f]{32}_[A-Za-z0-9_-]{43}$`));
  expect(fromToken(token)).toEqual({ kind, id, secret });
  expect(isSecretOf(secret, hash)).toBe(true);
  expect(hash).not.toContain(secret);
});

test('256 random bits, each time others', () => {
  const secrets = Array.from({ length: 100 }, () => createSecret());
  expect(new Set(secrets).size).toBe(100);
  expect(secrets.every(isSecret)).toBe(true);
  for (const secret of secrets) expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
});

test('another secret is not the one, however alike', () => {
  const secret = createSecret();
  const hash = hashOf(secret);
  const other = (secret[0] === 'A' ? 'B' : 'A') + secret.slice(1);
  for (const wrong of [other, '', secret.slice(1), `${secret}A`, createSecret()])
    expect(isSecretOf(wrong, hash)).toBe(false);
});

test.each([
  '',
  'gph',
  'gph_user',
  'gph_user__',
  `gph_root_${'a'.repeat(32)}_${'a'.repeat(43)}`,
  `gph_user_${'g'.repeat(32)}_${'a'.repeat(43)}`,
  `gph_user_${'a'.repeat(31)}_${'a'.repeat(43)}`,
  `gph_user_${'a'.repeat(32)}_${'a'.repeat(42)}`,
  `gph_user_${'a'.repeat(32)}_${'a'.repeat(43)}\n`,
  ` gph_user_${'a'.repeat(32)}_${'a'.repeat(43)}`,
])('no token: %j', (text) => {
  expect(fromToken(text)).toBeUndefined();
});
