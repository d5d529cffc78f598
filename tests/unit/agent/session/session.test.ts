import { afterEach, describe, expect, test, vi } from 'vitest';
import type { TaskOutcome } from '../../../../agent/base/outcome.ts';
import { createApi, type SessionInput, type StartedTask } from '../../../../agent/connection/api.ts';
import { createHttp } from '../../../../agent/connection/http.ts';
import { openStream } from '../../../../agent/connection/stream.ts';
import { ContainerReporter } from '../../../../agent/session/containers.ts';
import type { FeedTimings, Ways } from '../../../../agent/session/feed.ts';
import { keepConnected, type LoopOptions, waitAfter } from '../../../../agent/session/loop.ts';
import { Reporter } from '../../../../agent/session/reporter.ts';
import { Worker } from '../../../../agent/session/worker.ts';
import { createFakeServer, type FakeServer, type UpgradeMode } from '../../../support/fake-server.ts';

const TIMINGS: FeedTimings = { pollMs: 20, streamRetryMs: 50 };
const quiet = { info: () => {}, warn: () => {}, error: () => {} };
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Work = { cancel: AbortSignal; end(outcome: TaskOutcome): void };

/** A server with one session at a time and a list of tasks, and a whole agent except for Docker and its credential's file. */
async function seed(options: { upgrade?: UpgradeMode } = {}) {
  const state = {
    epoch: 0,
    tasks: [] as StartedTask[],
    sessions: [] as SessionInput[],
    finished: [] as string[],
    refuse: undefined as { operation: string; code: string } | undefined,
    adopt: (ids: string[]) => ids,
  };
  const openSession = (input: SessionInput) => {
    state.sessions.push(input);
    state.epoch += 1;
    const adopted = state.adopt(input.running.map(({ taskId }) => taskId));
    const labels: { key: string; value: string }[] = [];
    const session = { epoch: state.epoch, clusterId: 'cluster', agentName: 'vm1', leaseSeconds: 30, labels, adopted };
    return { openSession: session };
  };
  const reportTasks = (reports: { taskId: string; status: string }[]) => {
    for (const { taskId, status } of reports) if (status !== 'RUNNING') state.finished.push(taskId);
    return { reportTasks: reports.map(({ taskId }) => ({ taskId, outcome: 'ACCEPTED' })) };
  };
  const server = await createFakeServer((operation, variables) => {
    if (state.refuse?.operation === operation) throw { code: state.refuse.code };
    if (operation === 'OpenSession') return openSession(variables.input as SessionInput);
    if (variables.epoch !== state.epoch) throw { code: 'SESSION_LOST' };
    if (operation.startsWith('PendingTasks')) return { pendingTasks: state.tasks };
    if (operation === 'ReportContainers') return { reportContainers: true };
    if (operation === 'ReportForeignContainers') return { reportForeignContainers: true };
    if (operation === 'StartTasks') return { startTasks: start(state.tasks, variables.ids as string[]) };
    return reportTasks(variables.reports as { taskId: string; status: string }[]);
  });
  server.upgrade = options.upgrade ?? 'accept';
  closing.push(() => server.close());
  return { server, state, ...seedAgent(server) };
}

function start(tasks: StartedTask[], ids: string[]): StartedTask[] {
  const started = tasks.filter(({ id, status }) => ids.includes(id) && status === 'PENDING');
  for (const task of started) Object.assign(task, { status: 'RUNNING', attempt: task.attempt + 1 });
  return started;
}

function seedAgent(server: FakeServer) {
  const work = new Map<string, Work>();
  const runs: string[] = [];
  const waits: number[] = [];
  const stop = new AbortController();
  const containers = new ContainerReporter({ list: async () => ({ own: [], foreign: [] }), log: quiet });
  const reporter = new Reporter({
    reportContainers: () => containers.report(),
    onSettled: (...args) => worker.settled(...args),
  });
  const worker: Worker = new Worker({
    limit: 32,
    reporter,
    log: quiet,
    runTask: (task, { cancel }) => {
      runs.push(`${task.id}#${task.attempt}`);
      return new Promise((end) => work.set(task.id, { cancel, end }));
    },
  });
  const url = `${server.url}/graphql`;
  const http = createHttp({ url, token: 'secret' });
  const ways: Ways = {
    openPoll: () => createApi(createHttp({ url, token: 'secret' })),
    openStream: async () => createApi(await openStream({ url: url.replace('http', 'ws'), token: 'secret', http })),
  };
  const engine = { version: '20.10', apiVersion: '1.41', os: 'linux', arch: 'x86_64', cpus: 2, memoryBytes: 1e9 };
  const run = (more: Partial<LoopOptions> = {}) => {
    const ended = keepConnected({
      worker,
      reporter,
      containers,
      engineWatch: { attach: () => {}, detach: () => {} },
      timings: TIMINGS,
      stop: stop.signal,
      onOpen: () => {},
      ways: () => ways,
      about: async () => ({ instanceId: 'one', version: '1', engine, engineProblem: null }),
      onRejected: async () => false,
      log: quiet,
      wait: async (ms) => {
        waits.push(ms);
        await new Promise((resolve) => setTimeout(resolve, 10));
      },
      ...more,
    });
    closing.push(() => {
      stop.abort();
      return ended;
    });
    return ended;
  };
  const workOn = (id: string) => vi.waitUntil(() => work.get(id));
  return { worker, work, workOn, runs, waits, stop, run };
}

const pendingTask = (id: string): StartedTask => ({
  id,
  kind: 'DEPLOY',
  status: 'PENDING',
  attempt: 0,
  stack: 'web',
  containerName: `web-${id}`,
  priority: 0,
  cancelRequested: false,
  spec: {},
  variables: null,
});
const done: TaskOutcome = { status: 'COMPLETED', result: { action: 'created' } };
const cut = (server: FakeServer) => {
  for (const socket of server.openSockets()) socket.terminate();
};

describe('from session to session', () => {
  test('a task goes on while the link is broken, is adopted, and its end is reported in the next session', async () => {
    const { server, state, run, runs, workOn, stop } = await seed();
    state.tasks = [pendingTask('a')];
    const ended = run();
    const work = await workOn('a');
    cut(server);
    work.end(done);
    await vi.waitFor(() => expect(state.finished).toEqual(['a']));
    expect(state.sessions.map(({ transport, running }) => ({ transport, running }))).toEqual([
      { transport: 'STREAM', running: [] },
      { transport: 'STREAM', running: [{ taskId: 'a', attempt: 1 }] },
    ]);
    expect(runs).toEqual(['a#1']);
    expect(work.cancel.aborted).toBe(false);
    stop.abort();
    expect(await ended).toBe('stopped');
    await vi.waitFor(() => expect(server.openSockets()).toHaveLength(0));
  });

  test('what the next session does not adopt is abandoned and reported to nobody', async () => {
    const { server, state, run, workOn } = await seed();
    state.tasks = [pendingTask('a')];
    run();
    const work = await workOn('a');
    state.tasks = [];
    state.adopt = () => [];
    cut(server);
    await vi.waitFor(() => expect(work.cancel.reason).toBe('abandoned'));
    work.end(done);
    // The end of another task is told after it.
    state.tasks = [pendingTask('b')];
    server.push({ pendingTasks: state.tasks });
    (await workOn('b')).end(done);
    await vi.waitFor(() => expect(state.finished).not.toHaveLength(0));
    expect(state.finished).toEqual(['b']);
  });

  test('a replaced session drops its work and comes back late', async () => {
    const { server, state, run, workOn, waits } = await seed();
    state.tasks = [pendingTask('a')];
    run();
    const work = await workOn('a');
    state.tasks = [];
    for (const socket of server.openSockets()) socket.close(4410, 'replaced');
    await vi.waitFor(() => expect(waits).toHaveLength(1));
    expect(work.cancel.reason).toBe('abandoned');
    expect(waits[0]).toBeGreaterThanOrEqual(15_000);
    await vi.waitFor(() => expect(state.sessions).toHaveLength(2));
    expect(state.sessions[1]?.running).toEqual([]);
  });

  test('an operation that says SESSION_LOST ends the session', async () => {
    const { state, run, workOn } = await seed();
    state.tasks = [pendingTask('a')];
    run();
    const work = await workOn('a');
    state.epoch += 1;
    work.end(done);
    await vi.waitFor(() => expect(state.finished).toEqual(['a']), { timeout: 3_000 });
    expect(state.sessions).toHaveLength(2);
  });
});

describe('stream and polling', () => {
  test('works by polling, goes back to the stream when it can, and drops no task on the way', async () => {
    const { server, state, run, runs, workOn } = await seed({ upgrade: 'forbid' });
    state.tasks = [pendingTask('a'), pendingTask('b')];
    run();
    (await workOn('b')).end(done);
    const work = await workOn('a');
    await vi.waitFor(() => expect(state.finished).toEqual(['b']));
    expect(server.journal.some((entry) => entry.startsWith('WS'))).toBe(false);
    server.upgrade = 'accept';
    await vi.waitFor(() => expect(state.sessions).toHaveLength(2));
    expect(state.sessions.map(({ transport }) => transport)).toEqual(['POLL', 'STREAM']);
    expect(state.sessions[1]?.running).toEqual([{ taskId: 'a', attempt: 1 }]);
    work.end(done);
    await vi.waitFor(() => expect(state.finished).toEqual(['b', 'a']));
    expect(runs).toEqual(['a#1', 'b#1']);
    expect(server.openSockets()).toHaveLength(1);
  });

  test('when HTTP fails as well, session after session is tried', async () => {
    const { server, state, run, waits } = await seed({ upgrade: 'forbid' });
    server.http = false;
    run();
    await vi.waitFor(() => expect(waits.length).toBeGreaterThan(2));
    server.http = true;
    await vi.waitFor(() => expect(state.sessions).toHaveLength(1));
  });
});

test('after a session of some seconds, the next failure waits as briefly as the first', async () => {
  const { server, state, run, waits } = await seed();
  const random = vi.spyOn(Math, 'random').mockReturnValue(0.999);
  closing.push(() => random.mockRestore());
  state.refuse = { operation: 'OpenSession', code: 'UNAVAILABLE' };
  run();
  await vi.waitFor(() => expect(waits.length).toBeGreaterThan(4));
  state.refuse = undefined;
  await vi.waitFor(() => expect(state.sessions).toHaveLength(1));
  await new Promise((resolve) => setTimeout(resolve, 3_100));
  const before = waits.length;
  for (const socket of server.openSockets()) socket.terminate();
  await vi.waitFor(() => expect(state.sessions).toHaveLength(2));
  expect(waits[before]).toBeLessThanOrEqual(250);
  for (const socket of server.openSockets()) socket.terminate();
  await vi.waitFor(() => expect(waits.length).toBeGreaterThan(before + 1));
  expect(waits[before + 1]).toBeGreaterThan(250);
}, 15_000);

describe('refused', () => {
  test('a credential that is not valid any more ends the agent, unless it can get another', async () => {
    const { state, run } = await seed();
    state.refuse = { operation: 'OpenSession', code: 'UNAUTHENTICATED' };
    const rejections: string[] = [];
    const ended = run({
      onRejected: async ({ code }) => {
        rejections.push(code);
        return rejections.length === 1;
      },
    });
    expect(await ended).toBe('rejected');
    expect(rejections).toHaveLength(2);
  });

  test('quarantine is asked about once a minute', async () => {
    const { state, run, waits } = await seed();
    state.refuse = { operation: 'OpenSession', code: 'AGENT_QUARANTINED' };
    run();
    await vi.waitFor(() => expect(waits.slice(0, 2)).toEqual([60_000, 60_000]));
    state.refuse = undefined;
    await vi.waitFor(() => expect(state.sessions).toHaveLength(1));
  });

  test('back-off has full jitter from 250 ms to 10 s', () => {
    expect([1, 2, 3, 7, 50].map((failures) => waitAfter('NETWORK', failures, () => 1))).toEqual([
      250, 500, 1_000, 10_000, 10_000,
    ]);
    expect(waitAfter('NETWORK', 9, () => 0)).toBe(0);
  });
});
