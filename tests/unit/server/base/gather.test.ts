import { setImmediate as tick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createGather } from '../../../../server/base/gather.ts';

/** Does each round when it is told to; an item that is called `bad` fails its whole round. */
function createRounds() {
  const rounds: string[][] = [];
  const ends: (() => void)[] = [];
  async function work(items: readonly string[]): Promise<string[]> {
    rounds.push([...items]);
    await new Promise<void>((resolve) => ends.push(resolve));
    const wrong = items.find((item) => item.startsWith('bad') || item === 'down');
    if (wrong !== undefined) throw new Error(wrong);
    return items.map((item) => item.toUpperCase());
  }
  const end = async () => {
    ends.shift()?.();
    await tick();
  };
  return { rounds, work, end };
}
const isShared = (error: unknown) => error instanceof Error && error.message === 'down';

test('what comes meanwhile is done together, as many at a time as there may be', async () => {
  const { rounds, work, end } = createRounds();
  const gather = createGather(work, { most: 3, isShared });
  const all = ['a', 'b', 'c', 'd', 'e'].map((item) => gather('key', item));
  for (let round = 0; round < 3; round++) await end();
  expect(await Promise.all(all)).toEqual(['A', 'B', 'C', 'D', 'E']);
  expect(rounds).toEqual([['a'], ['b', 'c', 'd'], ['e']]);
});

test('another key does not wait', async () => {
  const { rounds, work, end } = createRounds();
  const gather = createGather(work, { most: 3, isShared });
  const all = [gather('one', 'a'), gather('other', 'b')];
  await tick();
  expect(rounds).toEqual([['a'], ['b']]);
  await end();
  await end();
  expect(await Promise.all(all)).toEqual(['A', 'B']);
});

test('what is wrong with one fails that one alone', async () => {
  const { work, end } = createRounds();
  const gather = createGather(work, { most: 9, isShared });
  const all = ['a', 'b', 'bad', 'c'].map((item) => gather('key', item).catch((error: Error) => error.message));
  for (let round = 0; round < 5; round++) await end();
  expect(await Promise.all(all)).toEqual(['A', 'B', 'bad', 'C']);
});

test('what would be the same for each is told to all, and is not tried for each', async () => {
  const { rounds, work, end } = createRounds();
  const gather = createGather(work, { most: 9, isShared });
  const all = ['a', 'b', 'down'].map((item) => gather('key', item).catch((error: Error) => error.message));
  for (let round = 0; round < 2; round++) await end();
  expect(await Promise.all(all)).toEqual(['A', 'down', 'down']);
  expect(rounds).toHaveLength(2);
  const after = gather('key', 'z');
  await end();
  expect(await after).toBe('Z');
});
