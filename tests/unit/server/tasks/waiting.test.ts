import { expect, test } from 'vitest';
import { type Waiting, waitingOn } from '../../../../server/tasks/waiting.ts';

const at = new Date('2026-01-01T00:00:00Z');
const online = {
  name: 'vm1',
  connected: true,
  sessionExpiresAt: at,
  engineDownSince: null,
  engineProblem: null,
};
const blocker = (n: number) => ({ id: `b${n}`, kind: 'PULL', agent: 'vm2', containerName: null, image: 'nginx' });
const waiting = (more: Partial<Waiting> = {}): Waiting => ({
  status: 'PENDING',
  agent: online,
  openBlockers: [],
  missingImages: [],
  failures: 0,
  notBefore: null,
  cancelRequestedAt: null,
  ...more,
});
const engineDown = { ...online, engineDownSince: at, engineProblem: 'no answer within 4 s' };
const offline = { ...online, connected: false };

test.each<[string, Waiting, object[]]>([
  ['ready', waiting(), [{ reason: 'SLOT', agent: 'vm1' }]],
  ['offline', waiting({ agent: offline }), [{ reason: 'AGENT_OFFLINE', agent: 'vm1', since: at }]],
  [
    'never connected',
    waiting({ agent: { ...offline, sessionExpiresAt: null } }),
    [{ reason: 'AGENT_OFFLINE', since: null, message: expect.stringContaining('not connected yet') }],
  ],
  [
    'the engine does not answer',
    waiting({ agent: engineDown }),
    [
      {
        reason: 'ENGINE_DOWN',
        agent: 'vm1',
        since: at,
        message: 'the Docker engine of vm1 has not answered since 2026-01-01 00:00 UTC: no answer within 4 s',
      },
    ],
  ],
  [
    'blocked',
    waiting({ openBlockers: [blocker(1)] }),
    [
      {
        reason: 'BLOCKED',
        taskId: 'b1',
        agent: 'vm2',
        message: expect.stringMatching(/^pull of nginx on vm2 comes first$/i),
      },
    ],
  ],
  ['tried again later', waiting({ notBefore: at, failures: 1 }), [{ reason: 'RETRY', until: at }]],
  ['running', waiting({ status: 'RUNNING' }), []],
  ['running, the agent lost', waiting({ status: 'RUNNING', agent: offline }), [{ reason: 'AGENT_OFFLINE' }]],
  [
    'running, to be cancelled',
    waiting({ status: 'RUNNING', cancelRequestedAt: at }),
    [{ reason: 'CANCEL_REQUESTED', since: at }],
  ],
  [
    'all at once',
    waiting({ agent: offline, openBlockers: [blocker(1), blocker(2)], notBefore: at, failures: 1 }),
    [{ reason: 'AGENT_OFFLINE' }, { reason: 'BLOCKED' }, { reason: 'BLOCKED' }, { reason: 'RETRY' }],
  ],
  ['a pause of a rollout', waiting({ notBefore: at }), [{ reason: 'DELAY', until: at }]],
  [
    'images of other hosts',
    waiting({ missingImages: [{ id: 'p', agent: 'vm2', image: 'nginx' }] }),
    [{ reason: 'IMAGE_GATE', taskId: 'p', agent: 'vm2', message: 'vm2 is to have nginx first' }],
  ],
  [
    'many blockers: the first five',
    waiting({ openBlockers: Array.from({ length: 9 }, (_, n) => blocker(n)) }),
    Array(5).fill({ reason: 'BLOCKED' }),
  ],
  ['finished', waiting({ status: 'COMPLETED', agent: offline, notBefore: at }), []],
])('%s', (_name, task, reasons) => {
  const actual = waitingOn(task);
  expect(actual).toMatchObject(reasons);
  expect(actual).toHaveLength(reasons.length);
  for (const { message } of actual) expect(message).not.toMatch(/undefined|null/);
});

test('whatever has not finished and is not being worked on says why', () => {
  for (const agent of [online, engineDown, offline]) {
    for (const notBefore of [null, at]) {
      for (const openBlockers of [[], [blocker(1)]]) {
        expect(waitingOn(waiting({ agent, notBefore, openBlockers })).length).toBeGreaterThan(0);
      }
    }
  }
});
