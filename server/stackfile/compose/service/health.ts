/** `healthcheck` and `restart` of a Compose service. */

import { MAX_RETRIES } from '../../../spec/limits.ts';
import type { HealthCheckSpec, RestartSpec } from '../../../spec/spec.ts';
import { wrongType } from '../../fields.ts';
import { quote, type Report, type Value } from '../../text.ts';
import { toRestart } from '../../values.ts';
import { compact, readKeys } from '../keys.ts';
import { readDurationMs, readFlag, readInteger, readTexts } from '../scalars.ts';

const WORDS = ['test', 'disable', 'interval', 'timeout', 'retries', 'start_period', 'start_interval'];
const TEST_FORM = '["CMD", program, ...], ["CMD-SHELL", line] or ["NONE"]';

/** An empty `test` with times beside it: the image's own test, with these times. */
export function readHealthCheck(report: Report, value: Value | undefined): HealthCheckSpec | undefined {
  const fields = readKeys(report, value, WORDS, 'a health check {test, interval, ...}');
  if (!fields) return undefined;
  const isDisabled = readFlag(report, fields.get('disable')) ?? false;
  const test = readTest(report, fields.get('test'));
  const ms = (word: string) => readDurationMs(report, fields.get(word));
  const check = {
    test: test ?? [],
    intervalMs: ms('interval') ?? 0,
    timeoutMs: ms('timeout') ?? 0,
    retries: readInteger(report, fields.get('retries'), { min: 0, max: MAX_RETRIES }) ?? 0,
    startPeriodMs: ms('start_period') ?? 0,
    startIntervalMs: ms('start_interval'),
  };
  if (isDisabled || check.test[0] === 'NONE') {
    return { test: ['NONE'], intervalMs: 0, timeoutMs: 0, retries: 0, startPeriodMs: 0 };
  }
  const saysSomething = test || Object.values(check).some((part) => typeof part === 'number' && part > 0);
  return saysSomething ? compact(check) : undefined;
}

function readTest(report: Report, value: Value | undefined): string[] | undefined {
  if (value === undefined) return undefined;
  if (value.kind === 'string') {
    if (value.text.trim() === '') report('INVALID_VALUE', value, 'expected a command line, found none');
    return ['CMD-SHELL', value.text];
  }
  if (value.kind !== 'list') return wrongType(report, value, 'one string or a list of words');
  const words = readTexts(report, value) ?? [];
  const [kind, first] = words;
  const isGood =
    (kind === 'NONE' && words.length === 1) ||
    (kind === 'CMD' && Boolean(first)) ||
    (kind === 'CMD-SHELL' && Boolean(first?.trim()) && words.length === 2);
  if (!isGood) report('INVALID_VALUE', value, `expected ${TEST_FORM}`);
  return words;
}

export function readRestart(report: Report, value: Value | undefined): RestartSpec | undefined {
  if (value === undefined) return undefined;
  const expected = 'no (in quotes), always, unless-stopped, on-failure or on-failure:<retries>';
  if (value.kind !== 'string') return wrongType(report, value, expected);
  const restart = toRestart(value.text);
  if (!restart) report('INVALID_VALUE', value, `expected ${expected}, found ${quote(value.text)}`);
  return restart;
}
