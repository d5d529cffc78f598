import { describe, expect, it } from 'vitest';
import { judge, judgeJob, mayRunAgain } from '../../../../agent/decide/judge.ts';
import { container, stopped } from '../../../support/agent/observed.ts';

describe('judging', () => {
  const run = { startedAt: container().startedAt, restartCount: 0 };
  it.each([
    ['young', container(), 10, { is: 'pending', ms: 990 }],
    ['stable', container(), 1_000, { is: 'good' }],
    ['gone', null, 10, { is: 'bad', code: 'CONTAINER_MISSING' }],
    ['job done', container(stopped), 10, { is: 'good' }],
    [
      'a service that ended',
      container({ ...stopped, restartPolicy: 'always' }),
      10,
      { is: 'bad', code: 'CONTAINER_EXITED' },
    ],
    [
      'ended badly',
      container({ ...stopped, exitCode: 3 }),
      10,
      { is: 'bad', message: expect.stringContaining('code 3') },
    ],
    [
      'out of memory',
      container({ ...stopped, exitCode: 137, oomKilled: true }),
      10,
      { is: 'bad', message: expect.stringContaining('memory') },
    ],
    ['never came up', container({ ...stopped, startError: 'no such file' }), 10, { is: 'bad', code: 'START_FAILED' }],
    ['another run', container({ startedAt: 'later' }), 2_000, { is: 'bad', code: 'CONTAINER_EXITED' }],
    ['restarted', container({ restartCount: 1 }), 2_000, { is: 'bad', code: 'CONTAINER_EXITED' }],
    ['no ports', container({ lacksPorts: true }), 10, { is: 'bad', code: 'START_FAILED' }],
    ['unhealthy', container({ health: 'UNHEALTHY' }), 10, { is: 'bad', code: 'HEALTH_CHECK_FAILED' }],
    ['not healthy yet', container({ health: 'STARTING' }), 400, { is: 'pending', ms: 600 }],
    [
      'never healthy',
      container({ health: 'STARTING', healthLog: ['exit 1: no'] }),
      1_000,
      { is: 'bad', code: 'HEALTH_CHECK_TIMEOUT' },
    ],
    [
      'never probed: Docker was restarted in between',
      container({ health: 'STARTING' }),
      1_000,
      { is: 'bad', code: 'HEALTH_CHECK_TIMEOUT', retryable: true },
    ],
    ['healthy', container({ health: 'HEALTHY' }), 1_000, { is: 'good' }],
  ])('%s', (_, seen, elapsedMs, expected) => {
    const verdict = judge(seen, run, elapsedMs, 1_000);
    expect(verdict).toMatchObject(expected);
    if (!('retryable' in expected)) expect(verdict).not.toHaveProperty('retryable');
  });
});

describe('judging a job that others wait for', () => {
  const run = { startedAt: container().startedAt, restartCount: 0 };
  const retried = { restartPolicy: 'on-failure', restartCount: 2 };
  const exited = (code: number, rest = {}) => container({ ...stopped, exitCode: code, ...rest });
  const bad = (code: string) => ({ is: 'bad', code });
  it.each([
    ['runs', container(), 100, { is: 'pending', ms: 29_900, message: 'Waiting for it to finish: 0 s' }],
    ['runs for long', container(), 95_000, { is: 'pending', ms: 25_000, message: 'Waiting for it to finish: 90 s' }],
    ['unhealthy, which does not matter', container({ health: 'UNHEALTHY' }), 100, { is: 'pending' }],
    ['ended well', exited(0), 100, { is: 'good' }],
    ['ended well, stopped for good', exited(0, { restartPolicy: 'always' }), 100, { is: 'good' }],
    ['ended badly', exited(3), 100, bad('CONTAINER_EXITED')],
    ['ended badly too often', exited(3, retried), 100, bad('CONTAINER_EXITED')],
    ['never came up', exited(127, { startError: 'no such file' }), 100, bad('START_FAILED')],
    ['about to run again', container({ ...retried, status: 'restarting', exitCode: 3 }), 100, { is: 'pending' }],
    ['runs again', container(retried), 100, { is: 'pending', message: 'Waiting for it to finish: 0 s, run 3' }],
    ['runs again whatever it does', container({ ...retried, restartPolicy: 'always' }), 100, bad('CONTAINER_EXITED')],
    ['gone', null, 100, bad('CONTAINER_MISSING')],
    [
      'run again without end, seen between two runs',
      container({ ...stopped, restartPolicy: 'always', restartCount: 2 }),
      10,
      { is: 'bad', message: expect.stringContaining('again and again') },
    ],
  ])('%s', (_, seen, elapsedMs, expected) => {
    expect(judgeJob(seen, run, elapsedMs)).toMatchObject(expected);
  });
});

describe('what has ended', () => {
  it.each([
    [true, 'always', 0],
    [true, 'unless-stopped', 1],
    [true, 'on-failure', 1],
    [false, 'on-failure', 0],
    [false, 'no', 1],
  ])('may run again: %s, with the policy %s and exit code %i', (expected, restartPolicy, exitCode) => {
    expect(mayRunAgain(container({ ...stopped, restartPolicy, exitCode }))).toBe(expected);
    expect(mayRunAgain(container({ restartPolicy, exitCode }))).toBe(false);
  });
});
