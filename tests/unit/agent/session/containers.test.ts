import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError } from '../../../../agent/connection/wire.ts';
import { ContainerReporter } from '../../../../agent/session/containers.ts';

const turn = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('containers', () => {
  test('one at a time; a report that was asked for lists after the asking', async () => {
    let lists = 0;
    const gate = Promise.withResolvers<void>();
    const sent: number[] = [];
    const containers = new ContainerReporter({
      list: async () => {
        lists += 1;
        const name = `web-${lists}`;
        const own = [
          {
            id: name,
            name,
            stack: 'web',
            service: 'web',
            replica: 1,
            revision: 1,
            specHash: 'h',
            image: 'i',
            state: 'RUNNING' as const,
            health: 'NONE' as const,
            ports: [],
          },
        ];
        return { own, foreign: [] };
      },
      log: { warn: () => {} },
    });
    containers.attach({
      reportContainers: async (list) => {
        sent.push(list.length);
        await gate.promise;
      },
      reportForeignContainers: async () => {},
    });
    await turn();
    const asked = [containers.report(), containers.report()];
    expect(lists).toBe(1);
    gate.resolve();
    await Promise.all(asked);
    expect(lists).toBe(2);
    expect(sent).toHaveLength(2);
    containers.changed();
    containers.changed();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(lists).toBe(3);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(lists).toBe(4);
    containers.detach();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('an engine that fails or hangs holds nothing back', async () => {
    const warnings: object[] = [];
    const containers = new ContainerReporter({
      list: () => new Promise(() => {}),
      log: { warn: (fields) => warnings.push(fields) },
    });
    containers.attach({ reportContainers: async () => {}, reportForeignContainers: async () => {} });
    const asked = containers.report();
    await vi.advanceTimersByTimeAsync(10_000);
    await asked;
    expect(warnings).toHaveLength(2);
    containers.detach();
  });

  test('the names of other containers go out once for each change, and not to a server that is too old for them', async () => {
    const foreign = ['b', 'a'];
    const sent: string[][] = [];
    const warned: object[] = [];
    let refused = false;
    const containers = new ContainerReporter({
      list: async () => ({ own: [], foreign }),
      log: { warn: (fields) => warned.push(fields) },
    });
    const link = {
      reportContainers: async () => {},
      reportForeignContainers: async (names: string[]) => {
        sent.push(names);
        if (refused) throw new ApiError('BAD_INPUT', 'Cannot query field');
      },
    };
    containers.attach(link);
    await turn();
    await containers.report();
    expect(sent).toEqual([['a', 'b']]);
    foreign.pop();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(sent).toEqual([['a', 'b'], ['b']]);
    refused = true;
    containers.attach(link);
    await turn();
    foreign.push('c');
    for (let n = 0; n < 3; n++) await containers.report();
    expect(sent).toHaveLength(4);
    expect(warned).toHaveLength(2);
    containers.detach();
  });
});
