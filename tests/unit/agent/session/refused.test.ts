import { expect, test, vi } from 'vitest';
import type { AgentTask } from '../../../../agent/base/outcome.ts';
import type { TaskReport } from '../../../../agent/connection/api.ts';
import { ApiError } from '../../../../agent/connection/wire.ts';
import { Reporter } from '../../../../agent/session/reporter.ts';

const task = (id: string): AgentTask => ({
  id,
  kind: 'PULL',
  attempt: 1,
  stack: 'web',
  containerName: null,
  spec: {},
});

/** Five tasks end at once, and the server does not take what is said of one of them. */
async function story(code: string, refuses: (report: TaskReport) => boolean) {
  const taken: TaskReport[] = [];
  const settled: unknown[] = [];
  const reporter = new Reporter({ reportContainers: async () => {}, onSettled: (...args) => settled.push(args) });
  reporter.attach({
    reportTasks: async (reports) => {
      if (reports.some(refuses)) throw new ApiError(code, 'expected something else');
      taken.push(...reports);
      return reports.map(({ taskId }) => ({ taskId, outcome: 'ACCEPTED' as const }));
    },
  });
  for (const id of ['a', 'b', 'c', 'd', 'e']) {
    reporter.finish(task(id), { status: 'COMPLETED', result: { action: 'pulled', message: id } });
  }
  await vi.waitUntil(() => settled.length === 5);
  reporter.detach();
  return { taken, settled };
}

test('the others count, and the refused one ends all the same and says why', async () => {
  const { taken } = await story('BAD_INPUT', ({ result }) => result?.message === 'c');
  expect(taken.map(({ taskId, status }) => `${taskId} ${status}`).toSorted()).toEqual([
    'a COMPLETED',
    'b COMPLETED',
    'c FAILED',
    'd COMPLETED',
    'e COMPLETED',
  ]);
  const failed = taken.find(({ taskId }) => taskId === 'c');
  expect(failed?.error).toEqual({
    code: 'INTERNAL',
    message: 'The server does not take what the agent reports: expected something else',
  });
});

test('a task that the server does not know is given up', async () => {
  const { taken, settled } = await story('NOT_FOUND', ({ taskId }) => taskId === 'c');
  expect(taken).toHaveLength(4);
  expect(settled).toContainEqual(['c', 1, 'STALE']);
});

test('what fails for another reason ends the link as before', async () => {
  const reporter = new Reporter({ reportContainers: async () => {}, onSettled: () => {} });
  const reportTasks = vi.fn(async () => {
    throw new ApiError('SESSION_LOST', 'lost');
  });
  reporter.attach({ reportTasks });
  reporter.finish(task('a'), { status: 'COMPLETED', result: { action: 'pulled' } });
  await vi.waitUntil(() => reportTasks.mock.calls.length > 0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(reportTasks).toHaveBeenCalledTimes(1);
  reporter.detach();
});
