import { expect, test } from 'vitest';
import { readPatiently } from '../../../../server/db/patience.ts';

const failure = (code: string) => Object.assign(new Error(code), { code });
/** Fails so many times before it answers. */
function createRead(failures: number, code: string) {
  let tried = 0;
  const read = async () => {
    tried += 1;
    if (tried <= failures) throw failure(code);
    return tried;
  };
  return { read, tried: () => tried };
}

test.each(['ECONNREFUSED', 'CONNECTION_CLOSED', '57P01', '55P03', '53300'])('%s passes', async (code) => {
  const pauses: number[] = [];
  const { read } = createRead(4, code);
  expect(await readPatiently(read, async (ms) => void pauses.push(ms))).toBe(5);
  expect(pauses).toHaveLength(4);
  for (const [n, ms] of pauses.entries()) {
    expect(ms).toBeGreaterThanOrEqual(Math.min(500 * 2 ** n, 4_000) / 2);
    expect(ms).toBeLessThanOrEqual(4_000);
  }
});

test('what does not pass in time is told', async () => {
  const { read, tried } = createRead(100, 'ECONNREFUSED');
  await expect(readPatiently(read, async () => {})).rejects.toThrow('ECONNREFUSED');
  expect(tried()).toBe(6);
});

test('an error of another kind is told at once', async () => {
  const { read, tried } = createRead(1, '42P01');
  await expect(readPatiently(read, async () => {})).rejects.toThrow('42P01');
  expect(tried()).toBe(1);
});
