import { expect, test } from 'vitest';
import { FRESH_MEMORY } from '../../../../agent/decide/memory.ts';
import type { DockerInspect } from '../../../../agent/docker/shapes/observe.ts';
import type { TaskContext } from '../../../../agent/task/context.ts';
import { verify } from '../../../../agent/task/verify.ts';
import { deploy } from '../../../support/agent/observed.ts';

/** An engine that says of one container what the test says, one answer after the other. */
function seeing(...states: Partial<DockerInspect['State']>[]): TaskContext {
  const last = states.at(-1);
  const inspect = (): DockerInspect => ({
    Id: 'c1',
    Name: '/web',
    State: {
      Status: 'exited',
      Running: false,
      ExitCode: 0,
      StartedAt: '2026-01-01T00:00:00Z',
      ...(states.shift() ?? last),
    },
    Config: {},
    HostConfig: { RestartPolicy: { Name: 'on-failure' } },
  });
  return {
    engine: {
      findContainer: async () => inspect(),
      events: () => ({ close: () => {} }),
      logs: async () => [],
    },
    identity: { clusterId: 'k', agentName: 'vm1' },
    cancel: new AbortController().signal,
    update: () => {},
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  } as never;
}
const job = deploy('DEPLOY', { awaitExit: true });

test('a job that an engine says has failed, and then runs again, is waited for', async () => {
  const context = seeing({ ExitCode: 1 }, { Status: 'running', Running: true }, { ExitCode: 0 });
  expect(await verify('c1', job, FRESH_MEMORY, context)).toBeUndefined();
});

test('a job that stays as it ended has failed', async () => {
  await expect(verify('c1', job, FRESH_MEMORY, seeing({ ExitCode: 4 }))).rejects.toMatchObject({
    failure: { code: 'CONTAINER_EXITED', exitCode: 4 },
  });
});
