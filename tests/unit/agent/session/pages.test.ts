import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { ContainerReport } from '../../../../agent/connection/api.ts';
import { ApiError } from '../../../../agent/connection/wire.ts';
import { ContainerReporter } from '../../../../agent/session/containers.ts';
import { foldPorts, toPages } from '../../../../agent/session/pages.ts';

type Port = ContainerReport['ports'][number];
const port = (containerPort: number, hostPort: number | null = containerPort, more: Partial<Port> = {}): Port => ({
  containerPort,
  hostPort,
  hostIp: '0.0.0.0',
  protocol: 'UDP',
  ...more,
});
const container = (name: string, ports: Port[] = []): ContainerReport => ({
  id: name.padEnd(64, '0'),
  name,
  stack: 's',
  service: 's',
  replica: 1,
  revision: 1,
  specHash: 'h'.repeat(64),
  image: 'i',
  state: 'RUNNING',
  health: 'NONE',
  ports,
});
const unfold = (ports: Port[]) =>
  ports.flatMap(({ count, ...first }) =>
    Array.from({ length: count ?? 1 }, (_, index) => ({
      ...first,
      containerPort: first.containerPort + index,
      hostPort: first.hostPort == null ? first.hostPort : first.hostPort + index,
    })),
  );

describe('ports', () => {
  test('ten thousand that follow one another are one entry', () => {
    const ports = Array.from({ length: 10_001 }, (_, index) => port(10_000 + index));
    expect(foldPorts(ports.toReversed())).toEqual([port(10_000, 10_000, { count: 10_001 })]);
  });

  test('those with a gap, another address or another distance are not', () => {
    const ports = [port(80), port(81, 8081), port(82, 8082, { hostIp: '::' }), port(84, null), port(85, null)];
    expect(foldPorts(ports)).toHaveLength(4);
  });

  test('whatever they are, the server gets the same ports', () => {
    const one = fc.record({
      containerPort: fc.integer({ min: 1, max: 30 }),
      hostPort: fc.option(fc.integer({ min: 1, max: 30 })),
      hostIp: fc.constantFrom('0.0.0.0', null),
      protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
    });
    const texts = (ports: Port[]) => ports.map((each) => JSON.stringify(Object.entries(each).toSorted())).toSorted();
    fc.assert(
      fc.property(fc.uniqueArray(one, { selector: (each) => JSON.stringify(each) }), (ports) => {
        expect(texts(unfold(foldPorts(ports)))).toEqual(texts(ports));
      }),
    );
  });
});

test('three thousand containers go in pages below the limit, and none goes twice', () => {
  const all = Array.from({ length: 3_000 }, (_, index) => container(`c${index}`, [port(index + 1)]));
  const pages = toPages(all);
  expect(pages.flat().map(({ name }) => name)).toEqual(all.map(({ name }) => name));
  for (const page of pages) expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(400 * 1024);
  expect(pages.length).toBeLessThan(10);
  expect(toPages([])).toEqual([[]]);
});

test('a container that the server refuses is named, and all others are reported', async () => {
  vi.useFakeTimers();
  try {
    const names = Array.from({ length: 9 }, (_, index) => `c${index}`);
    const warned: object[] = [];
    const known = new Set<string>();
    const reporter = new ContainerReporter({
      list: async () => ({ own: names.map((name) => container(name)), foreign: [] }),
      log: { warn: (fields) => warned.push(fields) },
    });
    reporter.attach({
      reportContainers: async (page, others) => {
        expect(new Set([...page.map(({ id }) => id), ...others]).size).toBe(9);
        if (page.some(({ name }) => name === 'c4')) throw new ApiError('BAD_INPUT', 'no such thing');
        for (const { name } of page) known.add(name);
      },
      reportForeignContainers: async () => {},
    });
    await vi.advanceTimersByTimeAsync(0);
    expect([...known].toSorted()).toEqual(names.filter((name) => name !== 'c4'));
    expect(warned).toEqual([{ container: 'c4', error: 'no such thing' }]);
    reporter.detach();
  } finally {
    vi.useRealTimers();
  }
});
