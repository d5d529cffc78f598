import { describe, expect, test, vi } from 'vitest';
import type { TaskOutcome } from '../../../../agent/base/outcome.ts';
import type { StartedTask } from '../../../../agent/connection/api.ts';
import { chooseStartable, type RunTask, Worker } from '../../../../agent/session/worker.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

function pendingTask(id: string, more: Partial<StartedTask> = {}): StartedTask {
  return {
    id,
    kind: 'DEPLOY',
    status: 'PENDING',
    attempt: 0,
    stack: 'web',
    containerName: `web-${id}`,
    priority: 0,
    cancelRequested: false,
    spec: { version: 1 },
    variables: null,
    ...more,
  };
}

const done: TaskOutcome = { status: 'COMPLETED', result: { action: 'created' } };

type Work = { id: string; attempt: number; cancel: AbortSignal; end(outcome?: TaskOutcome): void };

/** A worker whose tasks end when the test says so, and a server that lets everything start unless told otherwise. */
function seed(options: { limit?: number; refuse?: string[] } = {}) {
  const work = new Map<string, Work>();
  const calls: string[][] = [];
  const finished: string[] = [];
  const dropped: string[] = [];
  const touched: string[] = [];
  const runTask: RunTask = (task, { cancel }) =>
    new Promise((resolve) => {
      work.set(task.id, { id: task.id, attempt: task.attempt, cancel, end: (outcome = done) => resolve(outcome) });
    });
  const worker = new Worker({
    limit: options.limit ?? 32,
    runTask,
    reporter: {
      update: () => {},
      touch: ({ id }) => touched.push(id),
      finish: ({ id }) => finished.push(id),
      drop: (id) => dropped.push(id),
    },
    log: { info: () => {}, warn: () => {} },
  });
  const known = new Map<string, StartedTask>();
  const receive = (...tasks: StartedTask[]) => {
    for (const task of tasks) known.set(task.id, task);
    worker.receive(tasks);
  };
  const startTasks = async (ids: string[]): Promise<StartedTask[]> => {
    calls.push(ids);
    await settled();
    return ids
      .filter((id) => !options.refuse?.includes(id))
      .flatMap((id) => {
        const task = known.get(id);
        return task ? [{ ...task, status: 'RUNNING' as const, attempt: task.attempt + 1 }] : [];
      });
  };
  worker.attach({ startTasks }, []);
  const workOn = (id: string): Work => {
    const found = work.get(id);
    if (!found) throw new Error(`${id} was not run`);
    return found;
  };
  return { worker, receive, startTasks, calls, work, workOn, finished, dropped, touched, known };
}

const rest = async () => {
  for (let turn = 0; turn < 5; turn += 1) await settled();
};

describe('starting', () => {
  test('one set is started in one batch, at once', async () => {
    const { receive, calls, work } = seed();
    receive(pendingTask('a'), pendingTask('b'));
    expect(calls).toEqual([['a', 'b']]);
    await rest();
    expect([...work.keys()]).toEqual(['a', 'b']);
  });

  test('sets that come while startTasks is under way start nothing twice', async () => {
    const { receive, calls, work } = seed();
    receive(pendingTask('a'));
    receive(pendingTask('a'), pendingTask('b'));
    receive(pendingTask('a'), pendingTask('b'), pendingTask('c'));
    await rest();
    expect(calls).toEqual([['a'], ['b', 'c']]);
    receive(pendingTask('a'), pendingTask('c'));
    await rest();
    expect(calls).toHaveLength(2);
    expect(work.get('a')?.attempt).toBe(1);
  });

  test('one task at a time per container, and the next one as soon as it has ended', async () => {
    const { receive, calls, workOn } = seed();
    receive(pendingTask('a', { containerName: 'x' }), pendingTask('b', { containerName: 'x' }));
    await rest();
    expect(calls).toEqual([['a']]);
    workOn('a').end();
    await rest();
    expect(calls).toEqual([['a'], ['b']]);
  });

  test('no more than the limit', async () => {
    const { receive, calls, workOn } = seed({ limit: 2 });
    receive(pendingTask('a'), pendingTask('b'), pendingTask('c'));
    await rest();
    expect(calls).toEqual([['a', 'b']]);
    workOn('b').end();
    await rest();
    expect(calls).toEqual([['a', 'b'], ['c']]);
  });

  test('a refused task is left alone until a new set or a second has passed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { receive, calls } = seed({ refuse: ['a'] });
      receive(pendingTask('a'));
      await rest();
      expect(calls).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(1_000);
      await rest();
      expect(calls).toHaveLength(2);
      receive(pendingTask('a'));
      expect(calls).toHaveLength(3);
    } finally {
      vi.useRealTimers();
    }
  });

  test('pure choice: order is kept, tasks without a container do not exclude one another', () => {
    const pulls = [
      { id: 'p', kind: 'PULL' as const, containerName: null },
      { id: 'q', kind: 'PULL' as const, containerName: null },
      { id: 'r', kind: 'DEPLOY' as const, containerName: 'x' },
    ];
    const busy = { state: 'abandoned' as const, task: { id: 'o', kind: 'DEPLOY' as const, containerName: 'x' } };
    expect(chooseStartable(pulls, [busy], 9)).toEqual(['p', 'q']);
    expect(chooseStartable(pulls, [{ ...busy, state: 'ended' }], 9)).toEqual(['p', 'q', 'r']);
  });

  test('pure choice: pulls leave half of the places to others, and a few start at a time', () => {
    const tasks = (kind: 'PULL' | 'DEPLOY', count: number) =>
      Array.from({ length: count }, (_, index) => ({ id: `${kind} ${index}`, kind, containerName: null }));
    const pulling = tasks('PULL', 3).map((task) => ({
      state: 'running' as const,
      task: { ...task, id: `old ${task.id}` },
    }));
    expect(chooseStartable([...tasks('PULL', 9), ...tasks('DEPLOY', 9)], pulling, 8)).toEqual([
      'PULL 0',
      'DEPLOY 0',
      'DEPLOY 1',
      'DEPLOY 2',
      'DEPLOY 3',
    ]);
    expect(chooseStartable(tasks('DEPLOY', 40), [], 32)).toHaveLength(16);
    expect(chooseStartable(tasks('PULL', 2), [], 1)).toEqual(['PULL 0']);
  });
});

describe('stopping', () => {
  test('a cancel request aborts that very attempt', async () => {
    const { receive, workOn } = seed();
    receive(pendingTask('a'), pendingTask('b'));
    await rest();
    receive(pendingTask('a', { status: 'RUNNING', attempt: 1, cancelRequested: true }));
    expect(workOn('a').cancel.reason).toBe('cancelled');
    expect(workOn('b').cancel.aborted).toBe(false);
  });

  test('a cancel request for a task that is not running here is ignored', async () => {
    const { receive, calls } = seed();
    receive(pendingTask('z', { status: 'RUNNING', attempt: 3, cancelRequested: true }));
    await rest();
    expect(calls).toEqual([]);
  });

  test('STALE abandons the work, reports nothing, and keeps the container until it has stopped', async () => {
    const { worker, receive, calls, workOn, finished, dropped } = seed();
    receive(pendingTask('a', { containerName: 'x' }));
    await rest();
    worker.settled('a', 1, 'STALE');
    expect(workOn('a').cancel.reason).toBe('abandoned');
    expect(dropped).toEqual(['a']);
    receive(pendingTask('a', { containerName: 'x', attempt: 1 }), pendingTask('b', { containerName: 'x' }));
    await rest();
    expect(calls).toEqual([['a']]);
    workOn('a').end();
    await rest();
    expect(finished).toEqual([]);
    expect(calls).toEqual([['a'], ['a']]);
    expect(workOn('a').attempt).toBe(2);
  });

  test('what is said of another attempt does not count', async () => {
    const { worker, receive, workOn } = seed();
    receive(pendingTask('a'));
    await rest();
    worker.settled('a', 7, 'STALE');
    expect(workOn('a').cancel.aborted).toBe(false);
  });

  test('close abandons all and waits for it', async () => {
    const { worker, receive, workOn } = seed();
    receive(pendingTask('a'));
    await rest();
    const closed = worker.close();
    expect(workOn('a').cancel.reason).toBe('abandoned');
    workOn('a').end();
    await closed;
  });
});

describe('from session to session', () => {
  test('running and not yet accepted tasks are handed over; what is not adopted is abandoned', async () => {
    const { worker, receive, startTasks, workOn, finished, dropped } = seed();
    receive(pendingTask('a'), pendingTask('b'), pendingTask('c'));
    await rest();
    workOn('c').end();
    await rest();
    expect(finished).toEqual(['c']);
    await worker.detach();
    expect(worker.handOver()).toEqual(['a', 'b', 'c'].map((taskId) => ({ taskId, attempt: 1 })));
    worker.attach({ startTasks }, ['a', 'c']);
    expect(workOn('a').cancel.aborted).toBe(false);
    expect(workOn('b').cancel.reason).toBe('abandoned');
    expect(dropped).toEqual(['b']);
    worker.settled('c', 1, 'ACCEPTED');
    expect(worker.handOver()).toEqual([{ taskId: 'a', attempt: 1 }]);
  });

  test('an answer to startTasks that comes after the hand-over runs nothing', async () => {
    const { worker, receive, startTasks, work } = seed();
    receive(pendingTask('a'));
    expect(worker.handOver()).toEqual([]);
    worker.attach({ startTasks }, []);
    await rest();
    expect(work.size).toBe(0);
    receive(pendingTask('a', { attempt: 1 }));
    await rest();
    expect(work.get('a')?.attempt).toBe(2);
  });

  test('an orderly change waits for the answer, and the tasks in it are handed over', async () => {
    const { worker, receive } = seed();
    receive(pendingTask('a'));
    await worker.detach();
    expect(worker.handOver()).toEqual([{ taskId: 'a', attempt: 1 }]);
  });

  test('a failed startTasks is not repeated on the same link', async () => {
    const { worker, known } = seed();
    const startTasks = vi.fn(async () => Promise.reject(new Error('gone')));
    worker.attach({ startTasks }, []);
    known.set('a', pendingTask('a'));
    worker.receive([pendingTask('a')]);
    await rest();
    worker.receive([pendingTask('a')]);
    await rest();
    expect(startTasks).toHaveBeenCalledTimes(1);
  });
});

test('every minute each task that runs gives a sign of life, and none after its end', async () => {
  vi.useFakeTimers();
  try {
    const { receive, workOn, touched } = seed();
    receive(pendingTask('a'), pendingTask('b'));
    await vi.advanceTimersByTimeAsync(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(touched).toEqual(['a', 'b']);
    workOn('a').end();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(touched).toEqual(['a', 'b', 'b']);
    workOn('b').end();
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
