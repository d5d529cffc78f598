import { describe, expect, it } from 'vitest';
import { share } from '../../../web/share.ts';

describe('structural sharing', () => {
  it('keeps what is equal and replaces what is not', () => {
    const before = {
      tasks: [
        { id: 1, phase: 'A', list: [1] },
        { id: 2, phase: 'A', list: [2] },
      ],
      at: null,
    };
    const after = share(before, {
      tasks: [
        { id: 1, phase: 'A', list: [1] },
        { id: 2, phase: 'B', list: [2] },
      ],
      at: null,
    });
    expect(after).toEqual({
      tasks: [
        { id: 1, phase: 'A', list: [1] },
        { id: 2, phase: 'B', list: [2] },
      ],
      at: null,
    });
    expect(after.tasks[0]).toBe(before.tasks[0]);
    expect(after.tasks[1]).not.toBe(before.tasks[1]);
    expect(after.tasks[1]?.list).toBe(before.tasks[1]?.list);
  });

  it.each([
    [{ a: 1 }, { a: 1 }, true],
    [{ a: 1, b: 2 }, { a: 1 }, false],
    [[1, 2], [1], false],
    [[1], [1, 2], false],
    [null, { a: 1 }, false],
    [[1], { 0: 1 }, false],
  ])('%j -> %j is the same object: %s', (previous, next, same) => {
    const shared = share(previous, next);
    expect(shared).toEqual(next);
    expect(Object.is(shared, previous)).toBe(same);
  });
});
