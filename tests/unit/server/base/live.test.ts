import { setImmediate as tick } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createBus } from '../../../../server/base/live.ts';

/** Reads are answered by hand, so that a test can poke while one is under way. */
function createReads<T = number>() {
  const waiting: { resolve: (value: T) => void; reject: (error: unknown) => void }[] = [];
  let count = 0;
  return {
    read: () => {
      count++;
      return new Promise<T>((resolve, reject) => waiting.push({ resolve, reject }));
    },
    answer: (value: T) => waiting.shift()?.resolve(value),
    fail: (error: unknown) => waiting.shift()?.reject(error),
    count: () => count,
  };
}
afterEach(() => void vi.useRealTimers());

const DONE = { done: true, value: undefined };

test('reads at once, then after every poke of one of its topics', async () => {
  const bus = createBus();
  let n = 0;
  const live = bus.live(['a', 'b'], async () => ++n);
  expect(await live.next()).toEqual({ done: false, value: 1 });
  const second = live.next();
  bus.poke('c');
  await tick();
  expect(n).toBe(1);
  bus.poke('b');
  expect(await second).toEqual({ done: false, value: 2 });
});

test('loses nothing: pokes before the first next(), between two and during a read count', async () => {
  const bus = createBus();
  const reads = createReads();
  const live = bus.live(['a'], reads.read);
  bus.poke('a');
  const first = live.next();
  await tick();
  bus.poke('a');
  bus.poke('a');
  bus.poke('a');
  reads.answer(1);
  expect((await first).value).toBe(1);
  const second = live.next();
  await tick();
  // Three pokes during one read are one more read.
  expect(reads.count()).toBe(2);
  reads.answer(2);
  expect((await second).value).toBe(2);
  const third = live.next();
  await tick();
  expect(reads.count()).toBe(2);
  await live.return?.();
  expect(await third).toEqual(DONE);
});

test('pokeAll reaches everybody once', async () => {
  const bus = createBus();
  let pokes = 0;
  bus.on(['a', 'b'], () => pokes++);
  bus.pokeAll();
  expect(pokes).toBe(1);
});

describe('return()', () => {
  test('ends a next() that waits for a poke, at once', async () => {
    const bus = createBus();
    const live = bus.live(['a'], async () => 1);
    await live.next();
    const waiting = live.next();
    await live.return?.();
    expect(await waiting).toEqual(DONE);
    expect(await live.next()).toEqual(DONE);
    expect(bus.size()).toBe(0);
  });

  test('ends a next() whose read never answers, and nobody hears of it when it does', async () => {
    const bus = createBus();
    const reads = createReads();
    const live = bus.live(['a'], reads.read);
    const waiting = live.next();
    await tick();
    await live.return?.();
    expect(await waiting).toEqual(DONE);
    reads.fail(new Error('late'));
    await tick();
    expect(bus.size()).toBe(0);
  });

  test('ends a next() that pauses', async () => {
    const bus = createBus();
    const live = bus.live(['a'], async () => 1, { minIntervalMs: 60_000 });
    await live.next();
    bus.poke('a');
    const waiting = live.next();
    await tick();
    await live.return?.();
    expect(await waiting).toEqual(DONE);
  });

  test('before the first next()', async () => {
    const bus = createBus();
    const live = bus.live(['a'], async () => 1);
    await live.return?.();
    expect(await live.next()).toEqual(DONE);
    expect(bus.size()).toBe(0);
  });
});

describe('options', () => {
  test('key: what is the same is not delivered again', async () => {
    const bus = createBus();
    const values = ['x', 'x', 'y', 'x'];
    const live = bus.live(['a'], async () => values.shift() ?? '-', { key: (value) => value });
    expect((await live.next()).value).toBe('x');
    const second = live.next();
    bus.poke('a');
    await tick();
    bus.poke('a');
    expect((await second).value).toBe('y');
    bus.poke('a');
    expect((await live.next()).value).toBe('x');
  });

  test('minIntervalMs: a burst of pokes is one read later, and the last poke counts', async () => {
    const bus = createBus();
    let value = 0;
    let reads = 0;
    const read = async () => {
      reads++;
      return value;
    };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const live = bus.live(['a'], read, { minIntervalMs: 50 });
    await live.next();
    const next = live.next();
    for (value = 1; value < 20; value++) {
      bus.poke('a');
      await vi.advanceTimersByTimeAsync(1);
    }
    await vi.advanceTimersByTimeAsync(30);
    expect(reads).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect((await next).value).toBe(20);
    expect(reads).toBe(2);
  });

  test('isLast: delivered, then complete', async () => {
    const bus = createBus();
    const ended: string[] = [];
    const live = bus.live(['a'], async () => 1, { isLast: () => true, onEnd: () => ended.push('end') });
    expect(await live.next()).toEqual({ done: false, value: 1 });
    expect(bus.size()).toBe(0);
    expect(await live.next()).toEqual(DONE);
    await live.return?.();
    expect(ended).toEqual(['end']);
  });
});

test('an error of a read ends it: thrown once, then complete, and nothing left behind', async () => {
  const bus = createBus();
  const live = bus.live(['a'], () => Promise.reject(new Error('boom')));
  await expect(live.next()).rejects.toThrow('boom');
  expect(await live.next()).toEqual(DONE);
  expect(bus.size()).toBe(0);
});

test('close() ends everybody', async () => {
  const bus = createBus();
  const lives = [1, 2, 3].map((n) => bus.live(['a', `${n}`], async () => n));
  await Promise.all(lives.map((live) => live.next()));
  const waiting = lives.map((live) => live.next());
  bus.close();
  expect(await Promise.all(waiting)).toEqual([DONE, DONE, DONE]);
  expect(bus.size()).toBe(0);
});

test('a listener that takes itself off while it is called disturbs no other', () => {
  const bus = createBus();
  const heard: string[] = [];
  const off = bus.on(['a'], () => {
    heard.push('one');
    off();
  });
  bus.on(['a'], () => heard.push('two'));
  bus.poke('a');
  bus.poke('a');
  expect(heard).toEqual(['one', 'two', 'two']);
});

test('a subscriber that stays keeps nothing of the reads that are over', async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const usedBytes = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const bus = createBus();
  const live = bus.live(['a'], async () => 1);
  await live.next();
  const before = usedBytes();
  for (let n = 0; n < 20_000; n++) {
    const next = live.next();
    bus.poke('a');
    await next;
  }
  expect(usedBytes() - before).toBeLessThan(2_000_000);
  await live.return?.();
});
