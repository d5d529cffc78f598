import { describe, expect, it } from 'vitest';
import { judge } from '../../agent/judge.ts';
import { container, stopped } from './observed.ts';

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
    ['never healthy', container({ health: 'STARTING' }), 1_000, { is: 'bad', code: 'HEALTH_CHECK_TIMEOUT' }],
    ['healthy', container({ health: 'HEALTHY' }), 1_000, { is: 'good' }],
  ])('%s', (_, seen, elapsedMs, expected) => {
    expect(judge(seen, run, elapsedMs, 1_000)).toMatchObject(expected);
  });
});
