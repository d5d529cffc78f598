import { describe, expect, it } from 'vitest';
import type { DeployJob, SeenContainers, SeenJob } from '../../../../agent/decide/decision.ts';
import { cancel, FRESH_MEMORY, type Memory, type Undo, type Undoing } from '../../../../agent/decide/memory.ts';
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
  goodC1,
  madeC1,
  previous,
  startedC1,
  stopped,
  undone,
} from '../../../support/agent/observed.ts';

type Row = [string, Partial<SeenContainers>, Partial<Memory>, object];
const check = (job: DeployJob | { kind: 'STOP' | 'DELETE'; keep?: string }, rows: Row[]) =>
  it.each(rows)('%s', (_, seen, memory, expected) => {
    const base = 'deploy' in job ? job : { ...job, taskId: 't1', stack: 's', name: 'web' };
    const full: SeenJob = { ...base, seen: { named: null, previous: null, ...seen } };
    expect(decide(full, { ...FRESH_MEMORY, ...memory })).toMatchObject(expected);
  });

const DISCARDED = { is: 'discarded', id: 'c1', was: 'untouched', started: false } as const;
const foreign = container({ id: 'theirs', ours: false, specHash: null });

describe('DEPLOY', () => {
  check(deploy(), [
    ['missing: first what it needs', {}, {}, { do: 'prepare', remember: { parts: 'ready' } }],
    ['missing and prepared: create', {}, { parts: 'ready' }, { do: 'create', remember: { action: 'created' } }],
    [
      'created here: start',
      { named: container(created) },
      { phase: madeC1, action: 'created' },
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
    ['started here: verify', { named: container() }, { phase: startedC1('created') }, { do: 'verify', id: 'c1' }],
    [
      'started here and over already: verify',
      { named: container(stopped) },
      { phase: startedC1() },
      { do: 'verify', id: 'c1' },
    ],
    ['good: done', { named: container() }, { phase: goodC1, action: 'created' }, completes('created', 'c1')],
    [
      'good, and the engine warned: done, and says so',
      { named: container() },
      { phase: goodC1, action: 'created', warnings: ['No swap limit.', 'No OOM kill disable.'] },
      completes('created', 'c1', 'The engine warns: No swap limit. No OOM kill disable.'),
    ],
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
      { do: 'stop', remember: { phase: { is: 'discarded', id: 'c1' } } },
    ],
    ['without its ports: remove', { named: container(stopped) }, { phase: DISCARDED }, { do: 'remove', id: 'c1' }],
    ['without its ports again', { named: container({ lacksPorts: true }) }, { recreated: true }, { do: 'verify' }],
    ['somebody else has the name', { named: foreign }, {}, fails('NAME_CONFLICT')],
    ['a newer revision is there', { named: container({ revision: 3 }) }, {}, fails('STALE_REVISION')],
    ['a newer one is half-way in', { previous: previous({ revision: 3 }) }, {}, fails('STALE_REVISION')],
  ]);
});

describe('DEPLOY, replacing', () => {
  const aside = { previous: previous() };
  const made = { phase: madeC1, action: 'replaced' };
  check(deploy(), [
    ['first what it needs', { named: previous() }, {}, { do: 'prepare' }],
    [
      'aside, while it runs',
      { named: previous() },
      { parts: 'ready' },
      { do: 'rename', to: 'web.graphium-previous', remember: { previousRan: true } },
    ],
    [
      'aside, it was stopped',
      { named: previous(stopped) },
      { parts: 'ready' },
      { do: 'rename', remember: { previousRan: false } },
    ],
    ['the name aside is taken', { named: previous(), previous: foreign }, {}, fails('NAME_CONFLICT')],
    ['create', aside, { parts: 'ready' }, { do: 'create', remember: { action: 'replaced' } }],
    ['stop the previous one first', { named: container(created), ...aside }, made, { do: 'stop', id: 'previous' }],
    ['then start', { named: container(created), previous: previous(stopped) }, made, { do: 'start', id: 'c1' }],
    [
      'then verify',
      { named: container(), previous: previous(stopped) },
      { ...made, phase: startedC1('created') },
      { do: 'verify' },
    ],
    [
      'good: the previous one goes',
      { named: container(), previous: previous(stopped) },
      { ...made, phase: { is: 'good', id: 'c1', was: 'created' } },
      { do: 'remove', id: 'previous' },
    ],
    ['Docker restarted the previous one', { named: container(), ...aside }, {}, { do: 'stop', id: 'previous' }],
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
      { previous: previous({ specHash: 'wanted' }) },
      {},
      { do: 'rename', id: 'previous', to: 'web' },
    ],
    ['somebody took the name meanwhile', { named: foreign, ...aside }, {}, fails('NAME_CONFLICT')],
  ]);
});

describe('taking back', () => {
  const failed = (rest: Partial<Omit<Undoing, 'is' | 'undo'>> = {}) => undone(failure, rest);
  const restored = { restoredId: 'previous' };
  const noted = (...notes: string[]): Undo => ({ ...failure, notes });
  const says = (text: string) => ends('FAILED', { error: { code: 'X', message: expect.stringContaining(text) } });
  check(deploy(), [
    ['nothing there', {}, failed(), ends('FAILED', { error: { code: 'X', message: 'broken.' }, retryable: false })],
    ['nothing touched yet', { named: previous() }, failed(), fails('X')],
    ['new one runs: stop', { named: container() }, failed({ work: madeC1 }), { do: 'stop', id: 'c1' }],
    ['new one: remove', { named: container(stopped) }, failed({ work: madeC1 }), { do: 'remove', id: 'c1' }],
    ['new one of an earlier attempt', { named: container({ ...stopped, taskId: 't1' }) }, failed(), { do: 'remove' }],
    ['adopted one stays', { named: container(stopped) }, failed(), fails('X')],
    ['the previous one runs again', { previous: previous(stopped) }, failed(), { do: 'start', id: 'previous' }],
    [
      'and gets its name back',
      { previous: previous() },
      failed(),
      { do: 'rename', id: 'previous', to: 'web', remember: { phase: restored } },
    ],
    [
      'not started if it did not run',
      { previous: previous(stopped) },
      { ...failed(), previousRan: false },
      { do: 'rename', id: 'previous' },
    ],
    [
      'not started twice',
      { previous: previous(stopped) },
      failed({ startedId: 'previous' }),
      { do: 'rename', id: 'previous' },
    ],
    ['that is the end', { named: previous() }, failed(restored), says('previous container has its place again')],
    [
      'could not be started: its name at least',
      { previous: previous(stopped) },
      undone(noted('Alas.')),
      { do: 'rename' },
    ],
    ['not even that', { previous: previous(stopped) }, undone(noted('Alas.', 'Alas!')), says('Alas. Alas!')],
    [
      'cancelled before anything',
      { named: previous() },
      undone(cancelled),
      ends('CANCELLED', { result: { action: 'unchanged', containerId: 'previous' } }),
    ],
    ['cancelled: new one goes', { named: container() }, undone(cancelled, { work: madeC1 }), { do: 'stop', id: 'c1' }],
    ['cancelled: nothing left', {}, undone(cancelled), ends('CANCELLED', { result: { action: 'absent' } })],
    [
      'cancelled: the previous one is back',
      { named: previous() },
      undone(cancelled, restored),
      ends('CANCELLED', { result: { action: 'restored', containerId: 'previous' } }),
    ],
    [
      'cancelled too late',
      { named: container() },
      cancel({ ...FRESH_MEMORY, phase: goodC1, action: 'created' }),
      completes('created', 'c1'),
    ],
    ['foreign one stays', { named: foreign }, failed(), fails('X')],
  ]);
});

describe('RESTART', () => {
  check(deploy('RESTART'), [
    ['runs: stop once', { named: container() }, {}, { do: 'stop', id: 'c1', remember: { phase: { is: 'stopped' } } }],
    [
      'stopped by us',
      { named: container(stopped) },
      { phase: { is: 'stopped' } },
      { do: 'start', remember: { action: 'restarted' } },
    ],
    ['stopped by somebody', { named: container(stopped) }, {}, { do: 'start', remember: { action: 'started' } }],
    ['started', { named: container() }, { phase: startedC1('stopped') }, { do: 'verify' }],
    [
      'made by this very task, ended: not taken for done',
      { named: container({ ...stopped, taskId: 't1' }) },
      {},
      { do: 'start' },
    ],
    ['missing: made', {}, { parts: 'ready' }, { do: 'create' }],
    [
      'cancelled in the middle',
      { named: container(stopped) },
      undone(cancelled, { work: { is: 'stopped' } }),
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
    ['half replaced', { previous: previous() }, {}, { do: 'stop', id: 'previous' }],
    ['half replaced, stopped', { previous: previous(stopped) }, {}, { do: 'rename', id: 'previous', to: 'web' }],
    ['cancelled', { named: container() }, undone(cancelled), ends('CANCELLED')],
    ['failed', { named: container() }, undone(failure), fails('X')],
  ]);
});

describe('STOP of what is not the wanted container already', () => {
  check({ kind: 'STOP', keep: 'wanted' }, [
    ['another runs', { named: container({ specHash: 'other' }) }, {}, { do: 'stop', id: 'c1' }],
    ['the wanted one runs', { named: container({ specHash: 'wanted' }) }, {}, completes('unchanged', 'c1')],
    [
      'beside the one that it replaces',
      { named: container({ specHash: 'wanted' }), previous: previous({ specHash: 'other' }) },
      {},
      { do: 'stop', id: 'previous' },
    ],
  ]);
});

describe('DELETE', () => {
  check({ kind: 'DELETE' }, [
    ['runs', { named: container() }, {}, { do: 'stop', id: 'c1' }],
    ['stopped', { named: container(stopped) }, {}, { do: 'remove', id: 'c1', remember: { action: 'removed' } }],
    ['being removed', { named: container({ status: 'removing', running: false }) }, {}, { do: 'awaitRemoval' }],
    ['the one aside too', { previous: previous(stopped) }, { action: 'removed' }, { do: 'remove', id: 'previous' }],
    ['gone', {}, { action: 'removed' }, completes('removed')],
    ['was gone', {}, {}, completes('absent')],
    ['foreign', { named: foreign, previous: foreign }, {}, completes('absent')],
  ]);
});
