import { describe, expect, it } from 'vitest';
import { parseLabels } from '../../../web/agents/labels.ts';
import { readSource } from '../../../web/deploy/source.ts';
import { toHosts, toOverall, toShare } from '../../../web/deployment/progress.ts';
import { newKey } from '../../../web/key.ts';
import { share } from '../../../web/share.ts';
import { formatBytes, formatDuration, formatRelative } from '../../../web/ui/format.ts';

type Task = Parameters<typeof toShare>[0];

const task = (values: Partial<Task>): Task => ({
  id: 'id',
  kind: 'DEPLOY',
  status: 'PENDING',
  agent: 'vm1',
  containerName: null,
  image: null,
  attempt: 0,
  failures: 0,
  maxFailures: 3,
  rollback: false,
  phase: null,
  progress: null,
  waitingOn: [],
  error: null,
  result: null,
  cancelRequestedAt: null,
  createdAt: '2026-01-01T00:00:00Z',
  startedAt: null,
  finishedAt: null,
  ...values,
});
const layer = (currentBytes: number, totalBytes: number | null) => ({
  id: 'layer',
  status: 'Downloading',
  currentBytes,
  totalBytes,
});

describe('how far a task is', () => {
  const running = { status: 'RUNNING', phase: 'PULLING' } as const;
  it.each([
    ['waiting', task({}), 0],
    ['running without a phase', task({ status: 'RUNNING' }), 0.03],
    ['by its phase', task({ status: 'RUNNING', phase: 'VERIFYING' }), 0.75],
    [
      'by its own bytes',
      task({ ...running, progress: { message: null, currentBytes: 30, totalBytes: 120, layers: [layer(1, 2)] } }),
      0.25,
    ],
    [
      'by its layers, those of unknown size aside',
      task({
        ...running,
        progress: { message: null, currentBytes: null, totalBytes: null, layers: [layer(10, 40), layer(0, null)] },
      }),
      0.25,
    ],
    [
      'never at its end before it says so',
      task({ ...running, progress: { message: null, currentBytes: 9, totalBytes: 9, layers: [] } }),
      0.98,
    ],
    ['done', task({ status: 'COMPLETED' }), 1],
    ['failed', task({ status: 'FAILED' }), 1],
  ])('%s', (_, given, expected) => expect(toShare(given)).toBe(expected));

  it('is summed over a deployment, with what failed apart', () => {
    const tasks = [task({}), task({ status: 'COMPLETED' }), task({ status: 'FAILED' }), task({ status: 'CANCELLED' })];
    expect(toOverall(tasks)).toEqual({ value: 0.75, failed: 0.5 });
    expect(toOverall([])).toEqual({ value: 1, failed: 0 });
  });

  it('is grouped by host, pulls first, numbers in their order, counts of all although some are hidden', () => {
    const tasks = [
      task({ id: '1', agent: 'vm10', containerName: 'web-10', status: 'FAILED' }),
      task({ id: '2', agent: 'vm10', containerName: 'web-9' }),
      task({ id: '3', agent: 'vm10', kind: 'PULL', image: 'zebra' }),
      task({ id: '4', agent: 'vm9', containerName: 'web-1' }),
    ];
    expect(toHosts(tasks, 'all').map((host) => [host.agent, host.tasks.map((each) => each.id)])).toEqual([
      ['vm9', ['4']],
      ['vm10', ['3', '2', '1']],
    ]);
    const [failed, ...none] = toHosts(tasks, 'failed');
    expect([failed?.tasks.length, failed?.counts.total, none.length]).toEqual([1, 3, 0]);
  });
});

describe('structural sharing', () => {
  it('keeps what is equal and replaces what is not', () => {
    const before = {
      tasks: [
        { id: 1, phase: 'A', list: [1] },
        { id: 2, phase: 'A', list: [2] },
      ],
      at: null,
    };
    const after = share(before, {
      tasks: [
        { id: 1, phase: 'A', list: [1] },
        { id: 2, phase: 'B', list: [2] },
      ],
      at: null,
    });
    expect(after).toEqual({
      tasks: [
        { id: 1, phase: 'A', list: [1] },
        { id: 2, phase: 'B', list: [2] },
      ],
      at: null,
    });
    expect(after.tasks[0]).toBe(before.tasks[0]);
    expect(after.tasks[1]).not.toBe(before.tasks[1]);
    expect(after.tasks[1]?.list).toBe(before.tasks[1]?.list);
  });

  it.each([
    [{ a: 1 }, { a: 1 }, true],
    [{ a: 1, b: 2 }, { a: 1 }, false],
    [[1, 2], [1], false],
    [[1], [1, 2], false],
    [null, { a: 1 }, false],
    [[1], { 0: 1 }, false],
  ])('%j -> %j is the same object: %s', (previous, next, same) => {
    const shared = share(previous, next);
    expect(shared).toEqual(next);
    expect(Object.is(shared, previous)).toBe(same);
  });
});

describe('words for numbers', () => {
  it.each([
    [0, '0\u00a0B'],
    [1023, '1023\u00a0B'],
    [1536, '1.5\u00a0KiB'],
    [157_286_400, '150\u00a0MiB'],
  ])('%d bytes', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
  it.each([
    [-5, '0 s'],
    [7_900, '7 s'],
    [67_000, '1 m 07 s'],
    [7_500_000, '2 h 05 m'],
    [273_600_000, '3 d 4 h'],
  ])('%d ms', (ms, text) => expect(formatDuration(ms)).toBe(text));
  it.each([
    [0, 'just now'],
    [42_000, '42 s ago'],
    [300_000, '5 min ago'],
    [-840_000, 'in 14 min'],
    [7_200_000, '2 h ago'],
  ])('%d ms ago', (ms, text) => expect(formatRelative(1_000_000_000, 1_000_000_000 + ms)).toBe(text));
});

describe('what people type', () => {
  it.each([
    ['', { labels: [] }],
    [
      'zone=cellar\n\n ssd = true ',
      {
        labels: [
          { key: 'zone', value: 'cellar' },
          { key: 'ssd', value: 'true' },
        ],
      },
    ],
    ['url=http://a?b=c', { labels: [{ key: 'url', value: 'http://a?b=c' }] }],
    ['zone', { mistake: 'Line 1: write a label as key=value.' }],
    ['a=1\n=2', { mistake: 'Line 2: write a label as key=value.' }],
    ['a=1\na=2', { mistake: 'Line 2: a is there twice.' }],
  ])('labels %j', (text, expected) => expect(parseLabels(text)).toEqual(expected));

  it('takes one text file of a fair size', async () => {
    const file = (bytes: Uint8Array<ArrayBuffer> | string) => new File([bytes], 'stack.json');
    expect(await readSource([file('{}')])).toMatchObject({ source: { name: 'stack.json', text: '{}' } });
    for (const files of [[], [file('a'), file('b')], [file(new Uint8Array([0xff]))], [file('x'.repeat(524_289))]]) {
      expect(await readSource(files)).toHaveProperty('refusal');
    }
  });
});

it('makes idempotency keys with and without a secure context', () => {
  const { randomUUID } = crypto;
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  expect(newKey()).toMatch(uuid);
  try {
    Object.defineProperty(crypto, 'randomUUID', { value: undefined, configurable: true, writable: true });
    const keys = Array.from({ length: 50 }, newKey);
    expect(new Set(keys).size).toBe(50);
    for (const key of keys) expect(key).toMatch(uuid);
  } finally {
    Object.defineProperty(crypto, 'randomUUID', { value: randomUUID, configurable: true, writable: true });
  }
});
