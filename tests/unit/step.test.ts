import { describe, expect, it } from 'vitest';
import {
  type Decision,
  type DeployJob,
  freshMemory,
  type Memory,
  type PullJob,
  previousName,
  type SeenContainers,
  type Step,
} from '../../agent/decision.ts';
import type { ObservedContainer } from '../../agent/docker/observe.ts';
import { judge } from '../../agent/judge.ts';
import { decide } from '../../agent/step.ts';

const container = (overrides: Partial<ObservedContainer> = {}): ObservedContainer => ({
  id: 'c1',
  ours: true,
  specHash: 'wanted',
  revision: 2,
  taskId: 'earlier',
  status: 'running',
  running: true,
  everStarted: true,
  startedAt: '2026-01-01T00:00:00Z',
  restartCount: 0,
  restartPolicy: 'no',
  exitCode: 0,
  oomKilled: false,
  startError: '',
  health: 'NONE',
  failingProbes: 0,
  healthLog: [],
  healthDeadlineMs: 1_000,
  lacksPorts: false,
  stopSeconds: 10,
  tty: false,
  ...overrides,
});
const stopped = { status: 'exited', running: false } as const;
const created = { status: 'created', running: false, everStarted: false, startedAt: '' } as const;
const old = (overrides: Partial<ObservedContainer> = {}) =>
  container({ id: 'old', specHash: 'before', revision: 1, ...overrides });

const deploy = (kind: DeployJob['kind'] = 'DEPLOY'): DeployJob => ({
  kind,
  taskId: 't1',
  stack: 's',
  name: 'web',
  deploy: { version: 1, revision: 2, specHash: 'wanted', container: {} as never, networks: [], volumes: [] },
});
const failure = {
  cause: 'failed',
  failure: { code: 'X', message: 'broken.' },
  retryable: false,
  notes: [] as string[],
} as const;
const cancelled = { cause: 'cancelled', notes: [] as string[] } as const;

type Row = [string, Partial<SeenContainers>, Partial<Memory>, object];
const check = (job: DeployJob | { kind: 'STOP' | 'DELETE' }, rows: Row[]) =>
  it.each(rows)('%s', (_, seen, memory, expected) => {
    const full = 'deploy' in job ? job : { ...job, taskId: 't1', stack: 's', name: 'web' };
    const situation = { job: full, seen: { named: null, previous: null, ...seen } };
    expect(decide(situation, { ...freshMemory, ...memory })).toMatchObject(expected);
  });

const ends = (status: string, rest: object = {}) => ({ do: 'end', outcome: { status, ...rest } });
const fails = (code: string) => ends('FAILED', { error: { code } });
const completes = (action: string, containerId?: string) => ends('COMPLETED', { result: { action, containerId } });
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

describe('CLEAN', () => {
  const job = { kind: 'CLEAN', taskId: 't', stack: 's', networks: ['n'], volumes: ['v'] } as const;
  const left = (status: string) => ({ containers: [{ id: 'c1', name: 'web', status }], networks: [], volumes: [] });
  const nets = { containers: [], networks: [{ id: 'n1', name: 'n' }], volumes: ['v'] };
  it.each([
    ['a running container', left('running'), [], { do: 'stop', id: 'c1' }],
    ['a stopped one', left('exited'), [], { do: 'remove', id: 'c1' }],
    ['one that is being removed', left('removing'), [], { do: 'awaitRemoval' }],
    ['networks', nets, [], { do: 'removeNetwork', id: 'n1' }],
    ['volumes', nets, ['n1'], { do: 'removeVolume', name: 'v' }],
    [
      'what others use',
      nets,
      ['n1', 'v'],
      ends('COMPLETED', { result: { message: expect.stringContaining('network n, volume v') } }),
    ],
    ['nothing', { containers: [], networks: [], volumes: [] }, [], completes('unchanged')],
  ])('%s', (_, seen, leave, expected) => {
    const mutable = { ...job, networks: [...job.networks], volumes: [...job.volumes] };
    expect(decide({ job: mutable, seen }, { ...freshMemory, left: leave })).toMatchObject(expected);
  });
});

describe('PULL', () => {
  it.each([
    ['missing', false, false, { do: 'pull', image: 'i' }],
    ['missing', true, false, completes('present')],
    ['always', true, false, { do: 'pull' }],
    ['always', true, true, completes('pulled')],
    ['missing', false, true, fails('PULL_FAILED')],
  ] as const)('policy %s, present %s, pulled %s', (policy, present, pulled, expected) => {
    const job: PullJob = { kind: 'PULL', taskId: 't', stack: 's', image: 'i', policy };
    expect(decide({ job, seen: { present } }, { ...freshMemory, pulled })).toMatchObject(expected);
  });
});

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

/** An engine that only knows names and whether things run; steps are done at once, and refused as Docker would. */
class World {
  containers = new Map<string, ObservedContainer>();
  newIsGood = true;
  made = 0;

  see = (name: string): SeenContainers => ({
    named: this.containers.get(name) ?? null,
    previous: this.containers.get(previousName(name)) ?? null,
  });

  private get(id: string): [string, ObservedContainer] {
    const entry = [...this.containers].find(([, c]) => c.id === id);
    if (!entry) throw new Error(`no container ${id}`);
    return entry;
  }

  private put(id: string, change: Partial<ObservedContainer>) {
    const [name, found] = this.get(id);
    this.containers.set(name, { ...found, ...change });
  }

  /** What to remember besides; null: the container is bad. */
  perform(step: Step): Partial<Memory> | null {
    if (step.do === 'create') {
      if (this.containers.has('web')) throw new Error('the name is taken');
      this.made += 1;
      const id = `new${this.made}`;
      this.containers.set('web', container({ ...created, id, taskId: 't1' }));
      return { createdId: id };
    }
    if (step.do === 'rename') {
      if (this.containers.has(step.to)) throw new Error('the name is taken');
      const [name, found] = this.get(step.id);
      this.containers.delete(name);
      this.containers.set(step.to, found);
    } else if (step.do === 'start') {
      if ([...this.containers.values()].some(({ running }) => running)) throw new Error('two would run at once');
      this.put(step.id, { status: 'running', running: true, everStarted: true });
    } else if (step.do === 'stop') this.put(step.id, stopped);
    else if (step.do === 'remove') this.containers.delete(this.get(step.id)[0]);
    else if (step.do === 'verify' && !this.newIsGood && step.id.startsWith('new')) return null;
    return {};
  }

  /** One attempt, cut off after `steps`; undefined: it was cut off. */
  attempt(job: DeployJob, steps: number): Extract<Decision, { do: 'end' }> | undefined {
    let memory = freshMemory;
    for (let count = 0; count < steps; count += 1) {
      const step = decide({ job, seen: this.see(job.name) }, memory);
      if (step.do === 'end') return step;
      const patch = this.perform(step);
      memory = patch ? { ...memory, ...step.remember, ...patch } : { ...memory, undo: failure };
    }
    return undefined;
  }
}

describe('cut off anywhere, twice, and run again', () => {
  const starts: [string, SeenContainers][] = [
    ['nothing', { named: null, previous: null }],
    ['an old one', { named: old(), previous: null }],
    ['a stopped old one', { named: old(stopped), previous: null }],
    ['the wanted one', { named: container(), previous: null }],
    ['the wanted one, stopped', { named: container(stopped), previous: null }],
    ['another task cut off', { named: container({ specHash: 'third' }), previous: old(stopped) }],
    ['another task cut off early', { named: null, previous: old() }],
  ];
  const whole = 30;
  const cuts = Array.from({ length: 14 }, (_, first) =>
    Array.from({ length: 14 }, (_, second) => [first, second] as const),
  ).flat();
  const worldOf = ({ named, previous }: SeenContainers) => {
    const world = new World();
    if (named) world.containers.set('web', named);
    if (previous) world.containers.set(previousName('web'), previous);
    return world;
  };

  it.each(starts)('%s: ends with the wanted one running, alone', (_, start) => {
    for (const kind of ['DEPLOY', 'START', 'RESTART'] as const) {
      for (const [first, second] of cuts) {
        const world = worldOf(start);
        world.attempt(deploy(kind), first);
        world.attempt(deploy(kind), second);
        expect(world.attempt(deploy(kind), whole)).toMatchObject(ends('COMPLETED'));
        expect([...world.containers.keys()]).toEqual(['web']);
        expect(world.see('web').named).toMatchObject({ specHash: 'wanted', running: true });
      }
    }
  });

  it.each(starts)('%s, and the new one is bad: ends with what was good before, running', (_, start) => {
    for (const [first, second] of cuts) {
      const world = worldOf(start);
      world.newIsGood = false;
      world.attempt(deploy(), first);
      world.attempt(deploy(), second);
      const end = world.attempt(deploy(), whole);
      const before = start.previous ?? start.named;
      const adopted = start.named?.specHash === 'wanted';
      expect(end).toMatchObject(ends(adopted ? 'COMPLETED' : 'FAILED'));
      expect(world.containers.has(previousName('web'))).toBe(false);
      if (before) expect(world.see('web').named).toMatchObject({ id: before.id });
      else expect(world.containers.size).toBe(0);
      if (before?.running || start.previous) expect(world.see('web').named?.running).toBe(true);
    }
  });
});
