/** `healthcheck` and `restart` of a Compose service. */

import { MAX_RETRIES } from '../../../spec/limits.ts';
import type { HealthCheckSpec, RestartSpec } from '../../../spec/spec.ts';
import { toRestart } from '../../values.ts';
import { compact } from '../compact.ts';
import type { ComposeReader } from '../reader.ts';

const KEYS = ['test', 'disable', 'interval', 'timeout', 'retries', 'start_period', 'start_interval'];

/** With times but without a test, `test` is empty: the image's own test runs at these times. */
export function readHealthCheck(value: ComposeReader): HealthCheckSpec | undefined {
  const fields = value.map(KEYS, 'a health check {test, interval, ...}');
  if (!fields) return undefined;
  const isDisabled = fields.get('disable').flag() ?? false;
  const test = readTest(fields.get('test'));
  const check = {
    test: test ?? [],
    intervalMs: fields.get('interval').durationMs() ?? 0,
    timeoutMs: fields.get('timeout').durationMs() ?? 0,
    retries: fields.get('retries').integer({ min: 0, max: MAX_RETRIES }) ?? 0,
    startPeriodMs: fields.get('start_period').durationMs() ?? 0,
    startIntervalMs: fields.get('start_interval').durationMs(),
  };
  if (isDisabled || check.test[0] === 'NONE') {
    return { test: ['NONE'], intervalMs: 0, timeoutMs: 0, retries: 0, startPeriodMs: 0 };
  }
  const saysSomething = test || Object.values(check).some((part) => typeof part === 'number' && part > 0);
  return saysSomething ? compact(check) : undefined;
}

function readTest(value: ComposeReader): string[] | undefined {
  if (value.kind === 'string') {
    const line = value.text() ?? '';
    if (line.trim() === '') value.report('INVALID_VALUE', 'expected a command line, found none');
    return ['CMD-SHELL', line];
  }
  if (value.kind !== 'list') return value.wrongType('one string or a list of words');
  const words = value.texts() ?? [];
  const [kind, first] = words;
  const isGood =
    (kind === 'NONE' && words.length === 1) ||
    (kind === 'CMD' && Boolean(first)) ||
    (kind === 'CMD-SHELL' && Boolean(first?.trim()) && words.length === 2);
  if (!isGood) value.report('INVALID_VALUE', 'expected ["CMD", program, ...], ["CMD-SHELL", line] or ["NONE"]');
  return words;
}

export function readRestart(value: ComposeReader): RestartSpec | undefined {
  const expected = 'no (in quotes), always, unless-stopped, on-failure or on-failure:<retries>';
  if (value.kind !== 'string') return value.wrongType(expected);
  return toRestart(value.text() ?? '') ?? value.misread(expected);
}
