import { describe, expect, it } from 'vitest';
import { toHosts, toOverall, toShare } from '../../../../web/deployment/progress.ts';

type Task = Parameters<typeof toShare>[0];

const task = (values: Partial<Task>): Task => ({
  id: 'id',
  kind: 'DEPLOY',
  status: 'PENDING',
  agent: 'vm1',
  containerName: null,
  image: null,
  attempt: 0,
  failures: 0,
  maxFailures: 3,
  rollback: false,
  phase: null,
  progress: null,
  waitingOn: [],
  error: null,
  result: null,
  cancelRequestedAt: null,
  createdAt: '2026-01-01T00:00:00Z',
  startedAt: null,
  finishedAt: null,
  ...values,
});
const layer = (currentBytes: number, totalBytes: number | null) => ({
  id: 'layer',
  status: 'Downloading',
  currentBytes,
  totalBytes,
});

describe('how far a task is', () => {
  const running = { status: 'RUNNING', phase: 'PULLING' } as const;
  it.each([
    ['waiting', task({}), 0],
    ['running without a phase', task({ status: 'RUNNING' }), 0.03],
    ['by its phase', task({ status: 'RUNNING', phase: 'VERIFYING' }), 0.75],
    [
      'by its own bytes',
      task({ ...running, progress: { message: null, currentBytes: 30, totalBytes: 120, layers: [layer(1, 2)] } }),
      0.25,
    ],
    [
      'by its layers, those of unknown size aside',
      task({
        ...running,
        progress: { message: null, currentBytes: null, totalBytes: null, layers: [layer(10, 40), layer(0, null)] },
      }),
      0.25,
    ],
    [
      'never at its end before it says so',
      task({ ...running, progress: { message: null, currentBytes: 9, totalBytes: 9, layers: [] } }),
      0.98,
    ],
    ['done', task({ status: 'COMPLETED' }), 1],
    ['failed', task({ status: 'FAILED' }), 1],
  ])('%s', (_, given, expected) => expect(toShare(given)).toBe(expected));

  it('is summed over a deployment, with what failed apart', () => {
    const tasks = [task({}), task({ status: 'COMPLETED' }), task({ status: 'FAILED' }), task({ status: 'CANCELLED' })];
    expect(toOverall(tasks)).toEqual({ value: 0.75, failed: 0.5 });
    expect(toOverall([])).toEqual({ value: 1, failed: 0 });
  });

  it('is grouped by host, pulls first, numbers in their order, counts of all although some are hidden', () => {
    const tasks = [
      task({ id: '1', agent: 'vm10', containerName: 'web-10', status: 'FAILED' }),
      task({ id: '2', agent: 'vm10', containerName: 'web-9' }),
      task({ id: '3', agent: 'vm10', kind: 'PULL', image: 'zebra' }),
      task({ id: '4', agent: 'vm9', containerName: 'web-1' }),
    ];
    expect(toHosts(tasks, 'all').map((host) => [host.agent, host.tasks.map((each) => each.id)])).toEqual([
      ['vm9', ['4']],
      ['vm10', ['3', '2', '1']],
    ]);
    const [failed, ...none] = toHosts(tasks, 'failed');
    expect([failed?.tasks.length, failed?.counts.total, none.length]).toEqual([1, 3, 0]);
  });
});
