import { describe, expect, it } from 'vitest';
import { EngineError, toPullError } from '../../../../../agent/docker/errors.ts';
import {
  foldPull,
  isAtWork,
  NOTHING_PULLED,
  type PullLine,
  pullErrorOf,
  toPullProgress,
} from '../../../../../agent/docker/shapes/pull.ts';

const a = 'aaaaaaaaaaaa';
const b = 'bbbbbbbbbbbb';
const progressOf = (...lines: PullLine[]) => toPullProgress(lines.reduce(foldPull, NOTHING_PULLED));
const downloading = (id: string, current: number, total: number) => ({
  id,
  status: 'Downloading',
  progressDetail: { current, total },
});

describe('the lines of a pull', () => {
  it('begin with a message', () => {
    expect(progressOf({ status: 'Pulling from library/nginx', id: 'alpine' })).toEqual({
      message: 'Pulling from library/nginx',
      layers: [],
    });
  });

  it.each([
    ['checks a layer', [{ id: a, status: 'Verifying Checksum' }], true],
    ['unpacks one', [{ id: a, status: 'Extracting' }], true],
    [
      'checks one, and the other has come',
      [
        { id: a, status: 'Verifying Checksum' },
        { id: b, status: 'Pull complete' },
      ],
      true,
    ],
    [
      'has unpacked it',
      [
        { id: a, status: 'Extracting' },
        { id: a, status: 'Pull complete' },
      ],
      false,
    ],
    ['loads one', [downloading(a, 1, 2)], false],
    ['has not begun', [], false],
  ] as [string, PullLine[], boolean][])(
    'tell whether the engine, which %s, may be silent for long',
    (_, lines, expected) => {
      expect(isAtWork(lines.reduce(foldPull, NOTHING_PULLED))).toBe(expected);
    },
  );

  it('count the bytes of every layer', () => {
    const progress = progressOf(
      { id: a, status: 'Pulling fs layer' },
      downloading(a, 10, 100),
      downloading(b, 5, 50),
      downloading(a, 40, 100),
    );
    expect(progress).toMatchObject({ currentBytes: 45, totalBytes: 150 });
    expect(progress.layers).toEqual([
      { id: a, status: 'Downloading', currentBytes: 40, totalBytes: 100 },
      { id: b, status: 'Downloading', currentBytes: 5, totalBytes: 50 },
    ]);
  });

  it('never go back when a layer is extracted', () => {
    const extracting = { id: a, status: 'Extracting', progressDetail: { current: 1, total: 100 } };
    expect(progressOf(downloading(a, 10, 100), { id: a, status: 'Download complete' }, extracting)).toMatchObject({
      currentBytes: 100,
      totalBytes: 100,
    });
    expect(progressOf(downloading(a, 10, 100), { id: a, status: 'Pull complete' }).layers).toMatchObject([
      { status: 'Pull complete' },
    ]);
  });

  it('say nothing of the bytes of what is there already', () => {
    expect(progressOf({ id: a, status: 'Already exists' })).toEqual({
      message: '',
      layers: [{ id: a, status: 'Already exists' }],
    });
  });

  it('may carry an error', () => {
    expect(pullErrorOf({ errorDetail: { message: 'boom' }, error: 'boom' })).toBe('boom');
    expect(pullErrorOf({ status: 'fine' })).toBeUndefined();
  });
});

describe('why a pull failed', () => {
  it.each([
    [404, 'manifest for x:1 not found: manifest unknown: manifest unknown', 'IMAGE_NOT_FOUND', false],
    [
      404,
      "pull access denied for x, repository does not exist or may require 'docker login': denied",
      'IMAGE_NOT_FOUND',
      false,
    ],
    [500, 'no matching manifest for linux/arm64/v8 in the manifest list entries', 'IMAGE_NOT_FOUND', false],
    [400, 'invalid reference format', 'IMAGE_NOT_FOUND', false],
    [500, 'Head "https://r/v2/x/manifests/1": unauthorized: authentication required', 'PULL_DENIED', false],
    [500, 'Head "https://r/v2/x/manifests/1": no basic auth credentials', 'PULL_DENIED', false],
    [500, 'Get "https://r/v2/": dial tcp: lookup r: no such host', 'PULL_FAILED', true],
    [500, 'Get "https://r/v2/": net/http: TLS handshake timeout', 'PULL_FAILED', true],
    [500, 'unexpected EOF', 'PULL_FAILED', true],
    [500, 'toomanyrequests: You have reached your pull rate limit. denied: x', 'PULL_FAILED', true],
    [504, 'nothing moved for 5 minutes', 'PULL_FAILED', true],
    [null, 'connect ENOENT', 'ENGINE_UNREACHABLE', true],
  ])('%s %s', (status, detail, code, retryable) => {
    const { failure, ...error } = toPullError('x:1', new EngineError('Pulling x:1', status, detail));
    expect({ code: failure.code, retryable: error.retryable }).toEqual({ code, retryable });
  });
});
