import { setImmediate as tick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTurns } from '../../../../server/http/turns.ts';

/** Work that ends when it is told to. */
function createWork() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string) => () =>
    new Promise<string>((resolve) => {
      begun.push(name);
      ends.set(name, () => resolve(name));
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    await tick();
  };
  return { begun, work, end };
}

test('a few at a time, the next ones in their order, and no more than may wait', async () => {
  const { begun, work, end } = createWork();
  const turns = createTurns({ atATime: 2, waiting: 2 });
  const all = ['a', 'b', 'c', 'd'].map((name) => turns.take('token', work(name)));
  await expect(turns.take('token', work('e'))).rejects.toMatchObject({
    code: 'RATE_LIMITED',
    details: { retryAfterSeconds: 2, http: { status: 429, headers: { 'retry-after': '2' } } },
  });
  expect(begun).toEqual(['a', 'b']);
  await end('b');
  expect(begun).toEqual(['a', 'b', 'c']);
  await end('c');
  await end('a');
  await end('d');
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
  expect(turns.size()).toBe(0);
});

test('another token does not wait', async () => {
  const { begun, work, end } = createWork();
  const turns = createTurns({ atATime: 1, waiting: 5 });
  const first = turns.take('one', work('a'));
  const waiting = turns.take('one', work('b'));
  const other = turns.take('other', work('c'));
  expect(begun).toEqual(['a', 'c']);
  for (const name of ['a', 'b', 'c']) await end(name);
  await Promise.all([first, waiting, other]);
});

test('what fails hands its place over', async () => {
  const turns = createTurns({ atATime: 1, waiting: 5 });
  const failing = turns.take('token', () => Promise.reject(new Error('broken')));
  const next = turns.take('token', () => 'done');
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('done');
  expect(turns.size()).toBe(0);
});

test('who leaves while waiting takes no turn', async () => {
  const { begun, work, end } = createWork();
  const turns = createTurns({ atATime: 1, waiting: 5 });
  const client = new AbortController();
  const first = turns.take('token', work('a'));
  const gone = turns.take('token', work('b'), client.signal);
  const last = turns.take('token', work('c'));
  client.abort(new Error('left'));
  await expect(gone).rejects.toThrow('left');
  await end('a');
  await end('c');
  await Promise.all([first, last]);
  expect(begun).toEqual(['a', 'c']);
});
