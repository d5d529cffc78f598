import { describe, expect, it } from 'vitest';
import { type DeployJob, freshMemory, type Memory, type SeenContainers } from '../../../../agent/decide/decision.ts';
import { decide } from '../../../../agent/decide/step.ts';
import {
  cancelled,
  completes,
  container,
  created,
  deploy,
  ends,
  failure,
  old,
  stopped,
} from '../../../support/agent/observed.ts';

type Row = [string, Partial<SeenContainers>, Partial<Memory>, object];
const check = (job: DeployJob, rows: Row[]) =>
  it.each(rows)('%s', (_, seen, memory, expected) => {
    const situation = { job, seen: { named: null, previous: null, ...seen } };
    expect(decide(situation, { ...freshMemory, ...memory })).toMatchObject(expected);
  });

describe('start-first', () => {
  const aside = { previous: old() };
  const made = { createdId: 'c1', action: 'replaced' };
  check(deploy('DEPLOY', { order: 'start-first' }), [
    ['aside, while it runs', { named: old() }, { prepared: true }, { do: 'rename', id: 'old' }],
    ['the new one starts beside it', { named: container(created), ...aside }, made, { do: 'start', id: 'c1' }],
    ['and is watched beside it', { named: container(), ...aside }, { ...made, startedId: 'c1' }, { do: 'verify' }],
    ['good: only now it stops', { named: container(), ...aside }, { ...made, goodId: 'c1' }, { do: 'stop', id: 'old' }],
    [
      'and goes',
      { named: container(), previous: old(stopped) },
      { ...made, goodId: 'c1' },
      { do: 'remove', id: 'old' },
    ],
    ['cut off while both ran: watched again', { named: container(), ...aside }, {}, { do: 'verify', id: 'c1' }],
    ['bad: the new one goes', { named: container(), ...aside }, { ...made, undo: failure }, { do: 'stop', id: 'c1' }],
    ['bad: the old one gets its name', aside, { ...made, undo: failure }, { do: 'rename', id: 'old', to: 'web' }],
    [
      'cancelled: it was left as it was',
      { named: old() },
      { undo: cancelled, restoredId: 'old' },
      ends('CANCELLED', { result: { action: 'restored', left: 'OLD' } }),
    ],
  ]);
});

describe('awaiting the end', () => {
  const ended = container({ ...stopped, exitCode: 0 });
  check(deploy('DEPLOY', { awaitExit: true }), [
    ['runs, by another task: waits', { named: container() }, {}, { do: 'verify' }],
    ['runs again after a failure: waits', { named: container({ status: 'restarting' }) }, {}, { do: 'verify' }],
    ['ended well: only looked at', { named: ended }, {}, { do: 'verify' }],
    ['and done', { named: ended }, { goodId: 'c1' }, completes('unchanged', 'c1')],
    ['ended badly: again', { named: container({ ...stopped, exitCode: 1 }) }, {}, { do: 'start' }],
  ]);
  check(deploy('START', { awaitExit: true }), [['START does it again', { named: ended }, {}, { do: 'start' }]]);
  check(deploy('RESTART', { awaitExit: true }), [['so does RESTART', { named: ended }, {}, { do: 'start' }]]);
});

describe('following the image', () => {
  const moved = { imageId: 'sha256:2' };
  check(deploy(), [
    ['the same', { named: container(), imageId: 'sha256:1' }, {}, completes('unchanged', 'c1')],
    ['not here: nothing to compare with', { named: container(), imageId: null }, {}, completes('unchanged', 'c1')],
    [
      'another: replaced',
      { named: container(), ...moved },
      { prepared: true },
      { do: 'rename', id: 'c1', to: 'web.graphium-previous' },
    ],
    ['the one aside is not wanted', { previous: old({ specHash: 'wanted' }), ...moved }, {}, { do: 'prepare' }],
    [
      'made by this run: not doubted, wherever the name moves',
      { named: container(), ...moved },
      { goodId: 'c1', createdId: 'c1', action: 'created' },
      completes('created', 'c1'),
    ],
    [
      'cancelled before anything: the old one is left',
      { named: container(), ...moved },
      { undo: cancelled },
      ends('CANCELLED', { result: { left: 'OLD' } }),
    ],
  ]);
});

describe('what is left', () => {
  const failed = (left: string) => ends('FAILED', { error: { code: 'X', left } });
  check(deploy(), [
    ['nothing', {}, { undo: failure }, failed('NONE')],
    ['the one from before', { named: old() }, { undo: failure }, failed('OLD')],
    ["somebody else's", { named: container({ ours: false }) }, { undo: failure }, failed('OLD')],
    ['the wanted one, which was there', { named: container(stopped) }, { undo: failure }, failed('NEW')],
    ['the wanted one', { named: container() }, { goodId: 'c1' }, ends('COMPLETED', { result: { left: 'NEW' } })],
  ]);
  it.each([
    ['DELETE', null, {}, 'NONE'],
    ['DELETE', old(), { undo: cancelled }, 'OLD'],
    ['STOP', null, {}, undefined],
  ] as const)('%s of %o', (kind, named, memory, left) => {
    const job = { kind, taskId: 't1', stack: 's', name: 'web' };
    const decision = decide({ job, seen: { named, previous: null } }, { ...freshMemory, ...memory });
    expect(decision).toMatchObject({ outcome: { result: expect.objectContaining(left ? { left } : {}) } });
  });
});
