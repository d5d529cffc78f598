import { afterEach, describe, expect, test, vi } from 'vitest';
import type { EngineFacts } from '../../../../agent/docker/engine.ts';
import { type EngineNews, EngineWatch } from '../../../../agent/session/engine-watch.ts';

const FACTS: EngineFacts = {
  version: '28.5.2',
  apiVersion: '1.44',
  os: 'linux',
  arch: 'x86_64',
  cpus: 2,
  memoryBytes: 1e9,
};
const stops: AbortController[] = [];

/** An engine that answers, refuses or hangs as the test says, looked at every 10 ms; 100 ms of silence are no news. */
function setUp() {
  const engine = { is: 'there' as 'there' | 'away' | 'frozen', facts: FACTS, asked: 0 };
  const answer = <T>(value: T): Promise<T> => {
    engine.asked += 1;
    if (engine.is === 'frozen') return new Promise(() => {});
    return engine.is === 'there' ? Promise.resolve(value) : Promise.reject(new Error('connect ENOENT'));
  };
  const told: EngineNews[] = [];
  const changes: boolean[] = [];
  const watch = new EngineWatch({
    facts: () => answer(engine.facts),
    ping: () => answer(undefined),
    onChange: (isAnswering) => changes.push(isAnswering),
    log: { info: () => {}, warn: () => {} },
    timings: { everyMs: 10, withinMs: 20, againMs: 10, toleratedMs: 100 },
  });
  const link = { reportEngine: async (news: EngineNews) => told.push(news) };
  const stop = new AbortController();
  stops.push(stop);
  return { engine, told, changes, watch, link, run: () => void watch.run(stop.signal) };
}

afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

const down = { engine: FACTS, engineProblem: expect.stringMatching(/connect ENOENT|no answer within/) };
const up = { engine: FACTS, engineProblem: null };

describe('an engine', () => {
  test('that answers is no news, however often it is asked', async () => {
    const { engine, told, changes, watch, link, run } = setUp();
    expect(await watch.news()).toEqual(up);
    watch.attach(link);
    run();
    await vi.waitFor(() => expect(engine.asked).toBeGreaterThan(5));
    expect([told, changes]).toEqual([[], []]);
  });

  test.each(['away', 'frozen'] as const)('that is %s for long is told once, and that it is back', async (how) => {
    const { engine, told, changes, watch, link, run } = setUp();
    await watch.news();
    watch.attach(link);
    run();
    engine.is = how;
    await vi.waitFor(() => expect(told).toEqual([down]));
    await new Promise((resolve) => setTimeout(resolve, 100));
    engine.is = 'there';
    await vi.waitFor(() => expect(told).toEqual([down, up]));
    expect(changes).toEqual([false, true]);
  });

  test('that restarts is told only if it is another version then', async () => {
    const { engine, told, changes, watch, link, run } = setUp();
    await watch.news();
    watch.attach(link);
    run();
    const restart = async () => {
      for (const is of ['away', 'there'] as const) {
        engine.is = is;
        const { asked } = engine;
        await vi.waitFor(() => expect(engine.asked).toBeGreaterThan(asked + 1), { interval: 5 });
      }
    };
    await restart();
    expect(told).toEqual([]);
    engine.facts = { ...FACTS, version: '29.0.0' };
    await restart();
    expect(told).toEqual([{ engine: engine.facts, engineProblem: null }]);
    expect(changes).toEqual([]);
  });

  test('that has never answered does not keep the agent from opening its session', async () => {
    const { engine, told, changes, watch, link, run } = setUp();
    engine.is = 'away';
    expect(await watch.news()).toEqual({ ...down, engine: null });
    expect(changes).toEqual([false]);
    watch.attach(link);
    run();
    engine.is = 'there';
    await vi.waitFor(() => expect(told).toEqual([up]));
    expect(changes).toEqual([false, true]);
  });

  test('whose change the server did not hear is told in the next session, unless that began with it', async () => {
    const { engine, told, watch, link, run } = setUp();
    await watch.news();
    watch.attach({ reportEngine: () => Promise.reject(new Error('the link is gone')) });
    run();
    engine.is = 'away';
    await new Promise((resolve) => setTimeout(resolve, 200));
    watch.detach();
    watch.attach(link);
    await vi.waitFor(() => expect(told).toEqual([down]));
    watch.detach();
    await watch.news();
    watch.attach(link);
    expect(told).toHaveLength(1);
  });
});
