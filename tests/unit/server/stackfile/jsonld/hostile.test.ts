import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { problemsOf } from '../../../../support/stackfile/jsonld-marks.ts';

const example = readFileSync(new URL('../../../../../examples/nginx-multihost-stack.json', import.meta.url), 'utf8');

describe('hostile files', () => {
  /** A small generator with a fixed seed, so that a failure can be repeated (mulberry32). */
  function createRandom(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
    };
  }
  const isJson = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  const expectSound = (text: string) => {
    const problems = problemsOf(text);
    for (const problem of problems) expect(Math.min(problem.line, problem.column)).toBeGreaterThan(0);
    expect(
      problems.some(({ code }) => code === 'SOURCE_NOT_JSON'),
      text,
    ).toBe(!isJson(text));
  };

  test('cut off anywhere', () => {
    for (let length = 0; length < example.trimEnd().length; length += 7) expectSound(example.slice(0, length));
  });

  test('with changed bytes', () => {
    const random = createRandom(7);
    const bytes = Buffer.from(JSON.stringify(JSON.parse(example)));
    for (let round = 0; round < 1_000; round += 1) {
      const changed = Buffer.from(bytes);
      for (let flips = 1 + random(3); flips > 0; flips -= 1) changed[random(changed.length)] = random(256);
      expectSound(changed.toString('utf8'));
    }
  });

  test.each([
    ['unknown fields', `{${Array.from({ length: 40_000 }, (_, index) => `"f${index}":1`).join()}}`],
    ['wrong items', `{"@type":"Stack","name":"shop","hasPart": {"ports":[${Array(200_000).fill('1').join()}]}}`],
    [
      'unknown dependencies',
      `{"@type":"Stack","name":"shop","hasPart": {"dependsOn":[${Array(100_000).fill('"x"').join()}]}}`,
    ],
    ['below a long key', `{"${'k'.repeat(200_000)}":[${Array(100_000).fill('[]').join()}]}`],
    ['line ends', `{${'\n'.repeat(300_000)}"a":1}`],
  ])('%s without end', (_title, text) => {
    const problems = problemsOf(text);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.length).toBeLessThanOrEqual(1_000);
    expect(JSON.stringify(problems).length).toBeLessThan(1_000_000);
  });
});
