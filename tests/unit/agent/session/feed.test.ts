import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Api, createApi, type PendingTask } from '../../../../agent/connection/api.ts';
import { createHttp } from '../../../../agent/connection/http.ts';
import { openStream, type StreamTimings } from '../../../../agent/connection/stream.ts';
import type { ApiError } from '../../../../agent/connection/wire.ts';
import { dial, type FeedTimings, openFeed, retryStream, type Ways } from '../../../../agent/session/feed.ts';
import { type Answer, createFakeServer, type FakeServer, type UpgradeMode } from '../../../support/fake-server.ts';

const TIMINGS: FeedTimings = { pollMs: 20, streamRetryMs: 40 };
/** For what must not end by itself, however busy the machine is. */
const PATIENT: Partial<StreamTimings> = {
  connectMs: 20_000,
  pingEveryMs: 30,
  pongWithinMs: 20_000,
  silenceMs: 20_000,
  operationMs: 20_000,
};

/** The clock is the test's: a minute passes at once. Connections are real. */
const ownClock = () =>
  void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });

const closing: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

const task = {
  id: 't',
  kind: 'DEPLOY',
  status: 'PENDING',
  attempt: 0,
  stack: 's',
  containerName: 'c',
  priority: 0,
  cancelRequested: false,
  spec: {},
};

async function seed(
  answer: Answer = (operation) => (operation.startsWith('PendingTasks') ? { pendingTasks: [task] } : {}),
) {
  const server = await createFakeServer(answer);
  closing.push(() => server.close());
  return { server, ways: waysTo(server, PATIENT) };
}

function waysTo(server: FakeServer, timings: Partial<StreamTimings>): Ways {
  const url = `${server.url}/graphql`;
  const keep = (api: Api) => {
    closing.push(() => api.close());
    return api;
  };
  const http = createHttp({ url, token: 'secret' });
  return {
    openPoll: () => keep(createApi(createHttp({ url, token: 'secret', timeoutMs: 20_000 }))),
    openStream: async () =>
      keep(createApi(await openStream({ url: url.replace('http', 'ws'), token: 'secret', http, timings }))),
  };
}

function watch(api: Api, timings = TIMINGS) {
  const sets: PendingTask[][] = [];
  const errors: ApiError[] = [];
  const feed = openFeed({
    api,
    epoch: 1,
    timings,
    onTasks: (tasks) => sets.push(tasks),
    onError: (error) => errors.push(error),
  });
  closing.push(() => feed.close());
  return { feed, sets, errors };
}

describe('the stream', () => {
  test('is taken when it can be had, and brings every set at once', async () => {
    const { server, ways } = await seed();
    const api = await dial(ways, () => {});
    expect(api.transport).toBe('STREAM');
    const { sets } = watch(api);
    await vi.waitFor(() => expect(sets).toHaveLength(1));
    server.push({ pendingTasks: [] });
    await vi.waitFor(() => expect(sets).toEqual([[task], []]));
    expect(server.journal).toEqual(['WS PendingTasksStream']);
    expect([...server.tokens]).toEqual(['Bearer secret']);
  });

  test('a server that goes silent is noticed, and everything under way ends', async () => {
    const { server } = await seed();
    const api = await waysTo(server, { ...PATIENT, pongWithinMs: 500 }).openStream();
    await vi.waitFor(() => expect(server.pings).toBeGreaterThan(2));
    server.mute = true;
    const operation = api.startTasks(1, ['t']);
    await expect(operation).rejects.toMatchObject({ code: 'NETWORK', message: expect.stringContaining('ping') });
    expect((await api.closed).code).toBe('NETWORK');
    await expect(api.startTasks(1, ['t'])).rejects.toMatchObject({ code: 'NETWORK' });
  });

  test('silence is noticed without pings as well', async () => {
    const { server } = await seed();
    ownClock();
    const api = await waysTo(server, { ...PATIENT, pingEveryMs: 60_000 }).openStream();
    await vi.advanceTimersByTimeAsync(20_000);
    expect((await api.closed).message).toContain('nothing heard');
  });

  test('an operation that is not answered in time ends it', async () => {
    const { server } = await seed((operation) => (operation === 'StartTasks' ? new Promise(() => {}) : {}));
    const api = await waysTo(server, { ...PATIENT, operationMs: 300 }).openStream();
    await expect(api.startTasks(1, ['t'])).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect((await api.closed).code).toBe('TIMEOUT');
  });

  test.each([
    [4410, 'REPLACED'],
    [4403, 'UNAUTHENTICATED'],
    [4401, 'UNAUTHENTICATED'],
    [1000, 'CLOSED'],
    [1001, 'CLOSED'],
    [4500, 'CLOSED'],
  ])('close code %i is %s, and it never dials again', async (code, expected) => {
    const { server, ways } = await seed();
    ownClock();
    const api = await ways.openStream();
    watch(api);
    await vi.waitFor(() => expect(server.journal).toHaveLength(1));
    for (const socket of server.openSockets()) socket.close(code, 'because');
    expect((await api.closed).code).toBe(expected);
    await vi.advanceTimersByTimeAsync(60_000);
    await vi.waitFor(() => expect(server.openSockets()).toHaveLength(0));
    // Had it dialled again, that would have come before this.
    await ways.openStream();
    expect(server.dials).toBe(2);
  });

  test('an error of the subscription ends it with its code', async () => {
    const { ways } = await seed(() => {
      throw { code: 'SESSION_LOST' };
    });
    const api = await ways.openStream();
    watch(api);
    expect((await api.closed).code).toBe('SESSION_LOST');
  });

  test('what is too big for a frame goes by HTTP', async () => {
    const { server, ways } = await seed(() => ({ reportContainers: true }));
    const api = await ways.openStream();
    const container = {
      id: 'c',
      name: 'x'.repeat(250_000),
      stack: 's',
      service: 's',
      replica: 1,
      revision: 1,
      specHash: 'h',
      image: 'i',
    };
    await api.reportContainers(1, [{ ...container, state: 'RUNNING', health: 'NONE', ports: [] }], []);
    await api.reportContainers(1, [], []);
    expect(server.journal).toEqual(['HTTP ReportContainers', 'WS ReportContainers']);
  });

  test('leaving says goodbye, closing does not', async () => {
    const { server, ways } = await seed();
    const codes: number[] = [];
    for (const way of ['leave', 'close'] as const) {
      const api = await ways.openStream();
      for (const socket of server.openSockets()) socket.once('close', (code) => codes.push(code));
      api[way]();
      await vi.waitFor(() => expect(server.openSockets()).toHaveLength(0));
    }
    expect(codes).toEqual([1000, 1006]);
  });
});

describe('polling', () => {
  test.each<UpgradeMode>(['forbid', 'page', 'reset', 'silent'])('when the upgrade meets "%s"', async (mode) => {
    const { server } = await seed();
    const ways = waysTo(server, { ...PATIENT, connectMs: mode === 'silent' ? 200 : 20_000 });
    server.upgrade = mode;
    const refused: string[] = [];
    const api = await dial(ways, (error) => refused.push(error.code));
    expect(refused).toEqual(['STREAM_REFUSED']);
    expect(api.transport).toBe('POLL');
    const { sets } = watch(api);
    await vi.waitFor(() => expect(sets.length).toBeGreaterThan(2));
    expect(server.journal[0]).toBe('HTTP PendingTasksPoll');
  });

  test('a server that is down is no reason to poll', async () => {
    const { server, ways } = await seed();
    await server.close();
    await expect(dial(ways, () => {})).rejects.toMatchObject({ code: 'NETWORK' });
    closing.shift();
  });

  test('a token that is refused is no reason to poll either', async () => {
    const { server, ways } = await seed();
    server.upgrade = 'silent';
    const dialled = dial(ways, () => {});
    await vi.waitFor(() => expect(server.openSockets()).toHaveLength(1));
    for (const socket of server.openSockets()) socket.close(4403, 'Forbidden');
    await expect(dialled).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('ends with the first poll that fails', async () => {
    const { server, ways } = await seed();
    ownClock();
    const { errors } = watch(ways.openPoll());
    await vi.waitFor(() => expect(server.journal.length).toBeGreaterThan(1));
    server.http = false;
    await vi.waitFor(() => expect(errors).toMatchObject([{ code: 'BAD_ANSWER' }]));
    server.http = true;
    const polls = server.journal.length;
    await vi.advanceTimersByTimeAsync(60_000);
    // Had it asked again, that would have come before this.
    await ways.openPoll().pendingTasks(1);
    expect(server.journal).toHaveLength(polls + 1);
  });

  test('a hint brings the next poll forward', async () => {
    const { server, ways } = await seed();
    const { feed, sets } = watch(ways.openPoll(), { ...TIMINGS, pollMs: 60_000 });
    feed.poke();
    await vi.waitFor(() => expect(sets).toHaveLength(2));
    feed.poke();
    await vi.waitFor(() => expect(sets).toHaveLength(3));
    expect(server.journal).toHaveLength(3);
  });

  test('the stream is tried again until it can be had', async () => {
    const { server, ways } = await seed();
    server.upgrade = 'forbid';
    const got: Api[] = [];
    ownClock();
    const retry = retryStream(TIMINGS.streamRetryMs, ways, (api) => got.push(api));
    closing.push(() => retry.close());
    await vi.waitFor(() => expect(server.dials).toBeGreaterThan(2));
    expect(got).toHaveLength(0);
    server.upgrade = 'accept';
    await vi.waitFor(() => expect(got.map(({ transport }) => transport)).toEqual(['STREAM']));
    expect(server.openSockets()).toHaveLength(1);
    const { dials } = server;
    await vi.advanceTimersByTimeAsync(60_000);
    // Had it tried again, that would have come before this.
    await ways.openStream();
    expect(server.dials).toBe(dials + 1);
  });
});
