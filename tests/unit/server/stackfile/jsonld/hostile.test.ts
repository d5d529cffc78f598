import { describe, expect, test } from 'vitest';
import { withChangedBytes } from '../../../../support/stackfile/hostile.ts';
import { problemsOf } from '../../../../support/stackfile/jsonld-marks.ts';
import { EXAMPLE } from '../../../../support/stackfile/jsonld-stack.ts';

describe('hostile files', () => {
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
    for (let length = 0; length < EXAMPLE.trimEnd().length; length += 7) expectSound(EXAMPLE.slice(0, length));
  });

  test('with changed bytes', () => {
    for (const text of withChangedBytes(JSON.stringify(JSON.parse(EXAMPLE)), 1_000)) expectSound(text);
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
