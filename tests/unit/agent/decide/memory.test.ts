import { describe, expect, it } from 'vitest';
import {
  cancel,
  discarded,
  FRESH_MEMORY,
  fail,
  good,
  isMadeHere,
  isStartedHere,
  isStoppedHere,
  type Memory,
  type Phase,
  started,
  undoing,
} from '../../../../agent/decide/memory.ts';
import { cancelled, madeC1, startedC1 } from '../../../support/agent/observed.ts';

const memoryIn = (phase: Phase): Memory => ({ ...FRESH_MEMORY, phase });
const BROKEN = { code: 'X', message: 'broken' };

describe('what a run did to a container', () => {
  it('stays known while the run goes on with it', () => {
    const running = started(madeC1, 'c1');
    for (const phase of [madeC1, running, discarded(running, 'c1'), good(running, 'c1'), undoing(cancelled, running)]) {
      expect(isMadeHere(phase, 'c1')).toBe(true);
      expect(isMadeHere(phase, 'c2')).toBe(false);
    }
  });

  it('is forgotten with the next container', () => {
    expect(isMadeHere(started(startedC1('created'), 'c2'), 'c2')).toBe(false);
  });

  it('includes that RESTART stopped it', () => {
    const stopped: Phase = { is: 'stopped' };
    expect(isStoppedHere(stopped)).toBe(true);
    expect(isStoppedHere(started(stopped, 'c1'))).toBe(true);
    expect(isStoppedHere(startedC1())).toBe(false);
  });

  it('tells a start that failed from one that succeeded', () => {
    expect(isStartedHere(discarded(madeC1, 'c1'), 'c1')).toBe(false);
    expect(isStartedHere(discarded(startedC1(), 'c1'), 'c1')).toBe(true);
  });

  it('includes what the undo started', () => {
    const phase = started(undoing(cancelled, startedC1()), 'previous');
    expect(isStartedHere(phase, 'previous')).toBe(true);
    expect(isStartedHere(phase, 'c1')).toBe(true);
  });
});

describe('taking back', () => {
  it('begins with a cancellation, unless the new container is good', () => {
    const memory = memoryIn(good(madeC1, 'c1'));
    expect(cancel(memory)).toBe(memory);
    expect(cancel(memoryIn(madeC1)).phase).toMatchObject({ is: 'undoing', undo: { cause: 'cancelled' }, work: madeC1 });
  });

  it('begins once, whatever is cancelled later', () => {
    const memory = fail(memoryIn(madeC1), BROKEN, true);
    expect(memory.phase).toMatchObject({ undo: { cause: 'failed', failure: BROKEN, retryable: true, notes: [] } });
    expect(cancel(memory)).toBe(memory);
  });

  it('notes each failure of its own and keeps the first cause', () => {
    const memory = fail(fail(cancel(memoryIn(madeC1)), BROKEN, false), BROKEN, false);
    const note = 'Taking it back failed as well: broken.';
    expect(memory.phase).toMatchObject({ undo: { cause: 'cancelled', notes: [note, note] }, work: madeC1 });
  });
});
