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
  fails,
  failure,
  old,
  stopped,
} from '../../../support/agent/observed.ts';

type Row = [string, Partial<SeenContainers>, Partial<Memory>, object];
const check = (job: DeployJob | { kind: 'STOP' | 'DELETE' }, rows: Row[]) =>
  it.each(rows)('%s', (_, seen, memory, expected) => {
    const full = 'deploy' in job ? job : { ...job, taskId: 't1', stack: 's', name: 'web' };
    const situation = { job: full, seen: { named: null, previous: null, ...seen } };
    expect(decide(situation, { ...freshMemory, ...memory })).toMatchObject(expected);
  });

const foreign = container({ id: 'theirs', ours: false, specHash: null });

describe('DEPLOY', () => {
  check(deploy(), [
    ['missing: first what it needs', {}, {}, { do: 'prepare', remember: { prepared: true } }],
    ['missing and prepared: create', {}, { prepared: true }, { do: 'create', remember: { action: 'created' } }],
    [
      'created here: start',
      { named: container(created) },
      { createdId: 'c1', action: 'created' },
      { do: 'start', id: 'c1' },
    ],
    ['created, never started, not by this run: again', { named: container(created) }, {}, { do: 'remove', id: 'c1' }],
    [
      'failed to start before: again',
      { named: container({ ...stopped, startError: 'port' }) },
      {},
      { do: 'remove', id: 'c1' },
    ],
    ['dead: again', { named: container({ status: 'dead', running: false }) }, {}, { do: 'remove', id: 'c1' }],
    ['started here: verify', { named: container() }, { createdId: 'c1', startedId: 'c1' }, { do: 'verify', id: 'c1' }],
    [
      'started here and over already: verify',
      { named: container(stopped) },
      { startedId: 'c1' },
      { do: 'verify', id: 'c1' },
    ],
    ['good: done', { named: container() }, { goodId: 'c1', action: 'created' }, completes('created', 'c1')],
    ['runs already', { named: container() }, {}, completes('unchanged', 'c1')],
    ['runs and is healthy', { named: container({ health: 'HEALTHY' }) }, {}, completes('unchanged', 'c1')],
    ['runs, health not known yet', { named: container({ health: 'STARTING' }) }, {}, { do: 'verify' }],
    ['runs unhealthy', { named: container({ health: 'UNHEALTHY' }) }, {}, { do: 'verify' }],
    ['restarts again and again', { named: container({ status: 'restarting' }) }, {}, { do: 'verify' }],
    ['runs, made by an earlier attempt', { named: container({ taskId: 't1' }) }, {}, { do: 'verify' }],
    ['stopped: start', { named: container(stopped) }, {}, { do: 'start', id: 'c1', remember: { action: 'started' } }],
    ['ended well in an earlier attempt', { named: container({ ...stopped, taskId: 't1' }) }, {}, { do: 'verify' }],
    [
      'ended badly in an earlier attempt',
      { named: container({ ...stopped, taskId: 't1', exitCode: 1 }) },
      {},
      { do: 'start' },
    ],
    ['paused', { named: container({ status: 'paused' }) }, {}, { do: 'unpause', id: 'c1' }],
    [
      'being removed',
      { named: container({ status: 'removing', running: false }) },
      {},
      { do: 'awaitRemoval', id: 'c1' },
    ],
    [
      'without its ports: stop',
      { named: container({ lacksPorts: true }) },
      {},
      { do: 'stop', remember: { discardId: 'c1' } },
    ],
    ['without its ports: remove', { named: container(stopped) }, { discardId: 'c1' }, { do: 'remove', id: 'c1' }],
    ['without its ports again', { named: container({ lacksPorts: true }) }, { recreated: true }, { do: 'verify' }],
    ['somebody else has the name', { named: foreign }, {}, fails('NAME_CONFLICT')],
    ['a newer revision is there', { named: container({ revision: 3 }) }, {}, fails('STALE_REVISION')],
    ['a newer one is half-way in', { previous: old({ revision: 3 }) }, {}, fails('STALE_REVISION')],
  ]);
});

describe('DEPLOY, replacing', () => {
  const aside = { previous: old() };
  const made = { createdId: 'c1', action: 'replaced' };
  check(deploy(), [
    ['first what it needs', { named: old() }, {}, { do: 'prepare' }],
    [
      'aside, while it runs',
      { named: old() },
      { prepared: true },
      { do: 'rename', to: 'web.graphium-previous', remember: { oldRan: true } },
    ],
    [
      'aside, it was stopped',
      { named: old(stopped) },
      { prepared: true },
      { do: 'rename', remember: { oldRan: false } },
    ],
    ['the name aside is taken', { named: old(), previous: foreign }, {}, fails('NAME_CONFLICT')],
    ['create', aside, { prepared: true }, { do: 'create', remember: { action: 'replaced' } }],
    ['stop the old one first', { named: container(created), ...aside }, made, { do: 'stop', id: 'old' }],
    ['then start', { named: container(created), previous: old(stopped) }, made, { do: 'start', id: 'c1' }],
    ['then verify', { named: container(), previous: old(stopped) }, { ...made, startedId: 'c1' }, { do: 'verify' }],
    [
      'good: the old one goes',
      { named: container(), previous: old(stopped) },
      { ...made, goodId: 'c1' },
      { do: 'remove', id: 'old' },
    ],
    ['Docker restarted the old one', { named: container(), ...aside }, {}, { do: 'stop', id: 'old' }],
    [
      'unfinished business of another task',
      { named: container({ specHash: 'third' }), ...aside },
      {},
      { do: 'stop', id: 'c1' },
    ],
    [
      'the same, stopped',
      { named: container({ specHash: 'third', ...stopped }), ...aside },
      {},
      { do: 'remove', id: 'c1' },
    ],
    [
      'what is wanted is the one aside',
      { previous: old({ specHash: 'wanted' }) },
      {},
      { do: 'rename', id: 'old', to: 'web' },
    ],
    ['somebody took the name meanwhile', { named: foreign, ...aside }, {}, fails('NAME_CONFLICT')],
  ]);
});

describe('taking back', () => {
  const failed = (memory: Partial<Memory> = {}) => ({ undo: failure, ...memory });
  const restored = { restoredId: 'old' };
  const noted = (...notes: string[]) => ({ ...failure, notes });
  const told = (text: string) => ends('FAILED', { error: { code: 'X', message: expect.stringContaining(text) } });
  check(deploy(), [
    ['nothing there', {}, failed(), ends('FAILED', { error: { code: 'X', message: 'broken.' }, retryable: false })],
    ['nothing touched yet', { named: old() }, failed(), fails('X')],
    ['new one runs: stop', { named: container() }, failed({ createdId: 'c1' }), { do: 'stop', id: 'c1' }],
    ['new one: remove', { named: container(stopped) }, failed({ createdId: 'c1' }), { do: 'remove', id: 'c1' }],
    ['new one of an earlier attempt', { named: container({ ...stopped, taskId: 't1' }) }, failed(), { do: 'remove' }],
    ['adopted one stays', { named: container(stopped) }, failed(), fails('X')],
    ['old one runs again', { previous: old(stopped) }, failed(), { do: 'start', id: 'old' }],
    [
      'and gets its name back',
      { previous: old() },
      failed(),
      { do: 'rename', id: 'old', to: 'web', remember: restored },
    ],
    [
      'not started if it did not run',
      { previous: old(stopped) },
      failed({ oldRan: false }),
      { do: 'rename', id: 'old' },
    ],
    ['not started twice', { previous: old(stopped) }, failed({ startedId: 'old' }), { do: 'rename', id: 'old' }],
    ['that is the end', { named: old() }, failed(restored), told('previous container has its place again')],
    ['could not be started: its name at least', { previous: old(stopped) }, { undo: noted('Alas.') }, { do: 'rename' }],
    ['not even that', { previous: old(stopped) }, { undo: noted('Alas.', 'Alas!') }, told('Alas. Alas!')],
    [
      'cancelled before anything',
      { named: old() },
      { undo: cancelled },
      ends('CANCELLED', { result: { action: 'unchanged', containerId: 'old' } }),
    ],
    ['cancelled: new one goes', { named: container() }, { undo: cancelled, createdId: 'c1' }, { do: 'stop', id: 'c1' }],
    ['cancelled: nothing left', {}, { undo: cancelled }, ends('CANCELLED', { result: { action: 'absent' } })],
    [
      'cancelled: old one back',
      { named: old() },
      { undo: cancelled, ...restored },
      ends('CANCELLED', { result: { action: 'restored', containerId: 'old' } }),
    ],
    [
      'cancelled too late',
      { named: container() },
      { undo: cancelled, goodId: 'c1', action: 'created' },
      completes('created', 'c1'),
    ],
    ['foreign one stays', { named: foreign }, failed(), fails('X')],
  ]);
});

describe('RESTART', () => {
  check(deploy('RESTART'), [
    ['runs: stop once', { named: container() }, {}, { do: 'stop', id: 'c1', remember: { stopped: true } }],
    [
      'stopped by us',
      { named: container(stopped) },
      { stopped: true },
      { do: 'start', remember: { action: 'restarted' } },
    ],
    ['stopped by somebody', { named: container(stopped) }, {}, { do: 'start', remember: { action: 'started' } }],
    ['started', { named: container() }, { startedId: 'c1', stopped: true }, { do: 'verify' }],
    [
      'made by this very task, ended: not taken for done',
      { named: container({ ...stopped, taskId: 't1' }) },
      {},
      { do: 'start' },
    ],
    ['missing: made', {}, { prepared: true }, { do: 'create' }],
    [
      'cancelled in the middle',
      { named: container(stopped) },
      { stopped: true, undo: cancelled },
      { do: 'start', id: 'c1' },
    ],
  ]);
});

describe('STOP', () => {
  check({ kind: 'STOP' }, [
    ['runs', { named: container() }, {}, { do: 'stop', id: 'c1', remember: { action: 'stopped' } }],
    ['stopped', { named: container(stopped) }, { action: 'stopped' }, completes('stopped', 'c1')],
    ['was stopped', { named: container(stopped) }, {}, completes('unchanged', 'c1')],
    ['missing', {}, {}, completes('absent')],
    ['foreign', { named: foreign }, {}, completes('absent')],
    ['half replaced', { previous: old() }, {}, { do: 'stop', id: 'old' }],
    ['half replaced, stopped', { previous: old(stopped) }, {}, { do: 'rename', id: 'old', to: 'web' }],
    ['cancelled', { named: container() }, { undo: cancelled }, ends('CANCELLED')],
    ['failed', { named: container() }, { undo: failure }, fails('X')],
  ]);
});

describe('DELETE', () => {
  check({ kind: 'DELETE' }, [
    ['runs', { named: container() }, {}, { do: 'stop', id: 'c1' }],
    ['stopped', { named: container(stopped) }, {}, { do: 'remove', id: 'c1', remember: { action: 'removed' } }],
    ['being removed', { named: container({ status: 'removing', running: false }) }, {}, { do: 'awaitRemoval' }],
    ['the one aside too', { previous: old(stopped) }, { action: 'removed' }, { do: 'remove', id: 'old' }],
    ['gone', {}, { action: 'removed' }, completes('removed')],
    ['was gone', {}, {}, completes('absent')],
    ['foreign', { named: foreign, previous: foreign }, {}, completes('absent')],
  ]);
});
