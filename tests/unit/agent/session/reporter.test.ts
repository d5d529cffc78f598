import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AgentTask, TaskOutcome } from '../../../../agent/base/outcome.ts';
import type { TaskReport, TaskReportResult } from '../../../../agent/connection/api.ts';
import { toTaskReport } from '../../../../agent/session/report.ts';
import { Reporter } from '../../../../agent/session/reporter.ts';

const task = (id: string, kind: AgentTask['kind'] = 'DEPLOY', attempt = 1): AgentTask => ({
  id,
  kind,
  attempt,
  stack: 'web',
  containerName: `web-${id}`,
  spec: {},
});
const done: TaskOutcome = { status: 'COMPLETED', result: { action: 'created' } };
const accept = (reports: TaskReport[]): TaskReportResult[] =>
  reports.map(({ taskId }) => ({ taskId, outcome: 'ACCEPTED' as const }));

function seed(answer: (reports: TaskReport[]) => TaskReportResult[] | Promise<TaskReportResult[]> = accept) {
  const journal: string[] = [];
  const batches: TaskReport[][] = [];
  const settled: [string, number, string][] = [];
  const reporter = new Reporter({
    reportContainers: async () => {
      journal.push('containers');
    },
    onSettled: (...args) => settled.push(args),
  });
  const link = () => ({
    reportTasks: async (reports: TaskReport[]) => {
      batches.push(reports);
      journal.push(reports.map(({ taskId, status }) => `${taskId}:${status}`).join(' '));
      return answer(reports);
    },
  });
  return { reporter, link, batches, settled, journal };
}

const turn = () => vi.advanceTimersByTimeAsync(0);
const pulling = (currentBytes: number) => ({ phase: 'PULLING' as const, progress: { currentBytes } });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('progress', () => {
  test('what happens in one turn goes in one batch, the latest of each task', async () => {
    const { reporter, link, batches } = seed();
    reporter.attach(link());
    reporter.update(task('a'), pulling(1));
    reporter.update(task('a'), pulling(2));
    reporter.update(task('b'), { phase: 'CREATING' });
    await turn();
    expect(batches).toHaveLength(1);
    expect(batches[0]).toMatchObject([
      { taskId: 'a', sequence: 1, status: 'RUNNING', phase: 'PULLING', progress: { currentBytes: 2 } },
      { taskId: 'b', sequence: 1, phase: 'CREATING' },
    ]);
  });

  test('at most four times a second, for all tasks together; an outcome does not wait', async () => {
    const { reporter, link, batches } = seed();
    reporter.attach(link());
    for (let ms = 0; ms < 1_000; ms += 10) {
      reporter.update(task('a'), pulling(ms));
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(batches.length).toBeGreaterThanOrEqual(4);
    expect(batches.length).toBeLessThanOrEqual(5);
    const before = batches.length;
    reporter.update(task('a'), { phase: 'CREATING' });
    reporter.update(task('b'), { phase: 'CREATING' });
    await turn();
    expect(batches).toHaveLength(before);
    reporter.finish(task('p', 'PULL'), done);
    await turn();
    expect(batches.at(-1)).toMatchObject([{ taskId: 'p', status: 'COMPLETED' }]);
    await vi.advanceTimersByTimeAsync(250);
    expect(batches.at(-1)).toMatchObject([{ taskId: 'a' }, { taskId: 'b', phase: 'CREATING' }]);
    const ofA = batches.flat().filter(({ taskId }) => taskId === 'a');
    expect(ofA.map(({ sequence }) => sequence)).toEqual(ofA.map((_, index) => index + 1));
  });

  test('one reportTasks at a time', async () => {
    const first = Promise.withResolvers<void>();
    const { reporter, link, batches } = seed(async (reports) => {
      await first.promise;
      return accept(reports);
    });
    reporter.attach(link());
    reporter.update(task('a'), { phase: 'PULLING' });
    await turn();
    reporter.update(task('a'), { phase: 'CREATING' });
    reporter.update(task('b'), { phase: 'CREATING' });
    await turn();
    expect(batches).toHaveLength(1);
    first.resolve();
    await vi.advanceTimersByTimeAsync(250);
    expect(batches.map((reports) => reports.length)).toEqual([1, 2]);
  });
});

describe('a start', () => {
  const sent = (batches: TaskReport[][]) => batches.map((batch) => batch.map(({ status, phase }) => [status, phase]));

  test('is told at once', async () => {
    const { reporter, link, batches } = seed();
    reporter.attach(link());
    reporter.update(task('a'), { phase: 'STARTING' });
    await turn();
    reporter.update(task('a'), { phase: 'VERIFYING' });
    await turn();
    reporter.update(task('a'), { phase: 'VERIFYING', progress: { message: 'Watching' } });
    await turn();
    expect(sent(batches)).toEqual([[['RUNNING', 'STARTING']], [['RUNNING', 'VERIFYING']]]);
  });

  test('is told first, whatever came of it meanwhile, over as many sessions as it takes', async () => {
    const never = Promise.withResolvers<TaskReportResult[]>();
    let calls = 0;
    const { reporter, link, batches, settled } = seed((reports) => {
      calls += 1;
      if (calls === 2) throw new Error('link broke');
      return calls === 1 ? never.promise : accept(reports);
    });
    reporter.attach(link());
    reporter.update(task('a'), { phase: 'STARTING' });
    await turn();
    reporter.update(task('a'), { phase: 'VERIFYING' });
    reporter.update(task('a'), { phase: 'REMOVING' });
    reporter.finish(task('a'), done);
    await turn();
    for (let session = 0; session < 2; session += 1) {
      reporter.detach();
      reporter.attach(link());
      await turn();
    }
    const started = [['RUNNING', 'VERIFYING']];
    expect(sent(batches)).toEqual([[['RUNNING', 'STARTING']], started, started, [['COMPLETED', 'REMOVING']]]);
    expect(batches.flat().map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(settled).toEqual([['a', 1, 'ACCEPTED']]);
  });
});

describe('outcomes', () => {
  test('the containers are reported first, but not for a pull', async () => {
    const { reporter, link, journal, settled } = seed();
    reporter.attach(link());
    reporter.finish(task('p', 'PULL'), done);
    await turn();
    reporter.finish(task('a'), done);
    await turn();
    expect(journal).toEqual(['p:COMPLETED', 'containers', 'a:COMPLETED']);
    expect(settled).toEqual([
      ['p', 1, 'ACCEPTED'],
      ['a', 1, 'ACCEPTED'],
    ]);
  });

  test('sent until accepted, over as many sessions as it takes, with a rising sequence', async () => {
    let broken = 2;
    const { reporter, link, batches, settled } = seed((reports) => {
      broken -= 1;
      if (broken >= 0) throw new Error('link broke');
      return accept(reports);
    });
    reporter.finish(task('a'), done);
    await turn();
    expect(batches).toHaveLength(0);
    for (let session = 0; session < 3; session += 1) {
      reporter.attach(link());
      await turn();
      reporter.detach();
    }
    expect(batches.flat()).toMatchObject([{ sequence: 1 }, { sequence: 2 }, { sequence: 3, status: 'COMPLETED' }]);
    expect(settled).toEqual([['a', 1, 'ACCEPTED']]);
    reporter.attach(link());
    await turn();
    expect(batches).toHaveLength(3);
  });

  test('an answer of an earlier session does not settle; a new session does not wait for it', async () => {
    const never = Promise.withResolvers<TaskReportResult[]>();
    let calls = 0;
    const { reporter, link, batches, settled } = seed((reports) => {
      calls += 1;
      return calls === 1 ? never.promise : accept(reports);
    });
    reporter.attach(link());
    reporter.update(task('a'), { phase: 'CREATING' });
    await turn();
    reporter.detach();
    reporter.finish(task('a'), done);
    reporter.attach(link());
    await turn();
    expect(batches).toHaveLength(2);
    expect(settled).toEqual([['a', 1, 'ACCEPTED']]);
    never.resolve([{ taskId: 'a', outcome: 'STALE' }]);
    await turn();
    expect(settled).toHaveLength(1);
  });

  test('STALE ends it, and what the worker dropped is not sent', async () => {
    const { reporter, link, batches, settled } = seed((reports) =>
      reports.map(({ taskId }) => ({ taskId, outcome: 'STALE' as const })),
    );
    reporter.update(task('b'), { phase: 'CREATING' });
    reporter.drop('b');
    reporter.attach(link());
    reporter.update(task('a'), { phase: 'CREATING' });
    await turn();
    expect(batches.flat().map(({ taskId }) => taskId)).toEqual(['a']);
    expect(settled).toEqual([['a', 1, 'STALE']]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(batches).toHaveLength(1);
  });

  test('many long failures are split into frames the server takes', async () => {
    const { reporter, link, batches, settled } = seed();
    const logs = Array.from({ length: 500 }, (_, line) => `${line} ${'€'.repeat(5_000)}\0`);
    const failed: TaskOutcome = {
      status: 'FAILED',
      retryable: false,
      error: { code: 'EXITED', message: 'x'.repeat(9_000), logs },
    };
    for (let id = 0; id < 40; id += 1) reporter.finish(task(String(id)), failed);
    reporter.attach(link());
    await turn();
    expect(settled).toHaveLength(40);
    expect(batches.length).toBeGreaterThan(1);
    for (const batch of batches) expect(Buffer.byteLength(JSON.stringify(batch))).toBeLessThan(200 * 1024);
  });
});

test('a report keeps the last log lines and nothing that Postgres refuses', () => {
  const error = {
    code: 'EXITED',
    message: 'a\0b',
    exitCode: 1,
    logs: ['first', 'x\ud800y', 'last\0'],
    left: 'PREVIOUS' as const,
  };
  const report = toTaskReport({
    taskId: 'a',
    attempt: 2,
    sequence: 3,
    phase: 'VERIFYING',
    outcome: { status: 'FAILED', error, retryable: true },
  });
  expect(report).toMatchObject({
    attempt: 2,
    sequence: 3,
    status: 'FAILED',
    retryable: true,
    error: { code: 'EXITED', message: 'ab', exitCode: 1, logs: ['first', 'x\ufffdy', 'last'], left: 'PREVIOUS' },
  });
});
