import { describe, expect, it } from 'vitest';
import type { DeployJob, SeenContainers } from '../../../../agent/decide/decision.ts';
import { FRESH_MEMORY, type Memory, type Phase } from '../../../../agent/decide/memory.ts';
import { decide } from '../../../../agent/decide/step.ts';
import {
  cancelled,
  completes,
  container,
  created,
  deploy,
  ends,
  failure,
  goodC1,
  madeC1,
  previous,
  startedC1,
  stopped,
  undone,
} from '../../../support/agent/observed.ts';

type Row = [string, Partial<SeenContainers>, Partial<Memory>, object];
const check = (job: DeployJob, rows: Row[]) =>
  it.each(rows)('%s', (_, seen, memory, expected) => {
    const full = { ...job, seen: { named: null, previous: null, ...seen } };
    expect(decide(full, { ...FRESH_MEMORY, ...memory })).toMatchObject(expected);
  });

describe('start-first', () => {
  const aside = { previous: previous() };
  const made = { phase: madeC1, action: 'replaced' };
  const good: Phase = { is: 'good', id: 'c1', was: 'created' };
  check(deploy('DEPLOY', { order: 'start-first' }), [
    ['aside, while it runs', { named: previous() }, { parts: 'ready' }, { do: 'rename', id: 'previous' }],
    ['the new one starts beside it', { named: container(created), ...aside }, made, { do: 'start', id: 'c1' }],
    [
      'and is watched beside it',
      { named: container(), ...aside },
      { ...made, phase: startedC1('created') },
      { do: 'verify' },
    ],
    [
      'good: only now it stops',
      { named: container(), ...aside },
      { ...made, phase: good },
      { do: 'stop', id: 'previous' },
    ],
    [
      'and goes',
      { named: container(), previous: previous(stopped) },
      { ...made, phase: good },
      { do: 'remove', id: 'previous' },
    ],
    ['cut off while both ran: watched again', { named: container(), ...aside }, {}, { do: 'verify', id: 'c1' }],
    [
      'bad: the new one goes',
      { named: container(), ...aside },
      { ...made, ...undone(failure, { work: madeC1 }) },
      { do: 'stop', id: 'c1' },
    ],
    [
      'bad: the previous one gets its name',
      aside,
      { ...made, ...undone(failure, { work: madeC1 }) },
      { do: 'rename', id: 'previous', to: 'web' },
    ],
    [
      'cancelled: it was left as it was',
      { named: previous() },
      undone(cancelled, { restoredId: 'previous' }),
      ends('CANCELLED', { result: { action: 'restored', left: 'PREVIOUS' } }),
    ],
  ]);
});

describe('awaiting the end', () => {
  const ended = container({ ...stopped, exitCode: 0 });
  check(deploy('DEPLOY', { awaitExit: true }), [
    ['runs, by another task: waits', { named: container() }, {}, { do: 'verify' }],
    ['runs again after a failure: waits', { named: container({ status: 'restarting' }) }, {}, { do: 'verify' }],
    ['ended well: only looked at', { named: ended }, {}, { do: 'verify' }],
    ['and done', { named: ended }, { phase: goodC1 }, completes('unchanged', 'c1')],
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
      { parts: 'ready' },
      { do: 'rename', id: 'c1', to: 'web.graphium-previous' },
    ],
    ['the one aside is not wanted', { previous: previous({ specHash: 'wanted' }), ...moved }, {}, { do: 'prepare' }],
    [
      'made by this run: not doubted, wherever the name moves',
      { named: container(), ...moved },
      { phase: { is: 'good', id: 'c1', was: 'created' }, action: 'created' },
      completes('created', 'c1'),
    ],
    [
      'cancelled before anything: the previous one is left',
      { named: container(), ...moved },
      undone(cancelled),
      ends('CANCELLED', { result: { left: 'PREVIOUS' } }),
    ],
  ]);
});

describe('what is left', () => {
  const failed = (left: string) => ends('FAILED', { error: { code: 'X', left } });
  check(deploy(), [
    ['nothing', {}, undone(failure), failed('NONE')],
    ['the one from before', { named: previous() }, undone(failure), failed('PREVIOUS')],
    ["somebody else's", { named: container({ ours: false }) }, undone(failure), failed('PREVIOUS')],
    ['the wanted one, which was there', { named: container(stopped) }, undone(failure), failed('NEW')],
    ['the wanted one', { named: container() }, { phase: goodC1 }, ends('COMPLETED', { result: { left: 'NEW' } })],
  ]);
  it.each([
    ['DELETE', null, {}, 'NONE'],
    ['DELETE', previous(), undone(cancelled), 'PREVIOUS'],
    ['STOP', null, {}, undefined],
  ] as const)('%s of %o', (kind, named, memory, left) => {
    const job = { kind, taskId: 't1', stack: 's', name: 'web' };
    const decision = decide({ ...job, seen: { named, previous: null } }, { ...FRESH_MEMORY, ...memory });
    expect(decision).toMatchObject({ outcome: { result: expect.objectContaining(left ? { left } : {}) } });
  });
});
