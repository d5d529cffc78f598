import type { TaskOutcome } from '../base/outcome.ts';

/** Pure: removes a container's secrets from what it printed. */

/** Shorter secrets are left alone, because they would also match innocent text. */
const LEAST_LENGTH = 6;
const MASK = '(secret)';

/** Takes the contents of secret files. Each of their lines is removed by itself too, because logs come in lines. */
export function redact(outcome: TaskOutcome, secrets: readonly string[]): TaskOutcome {
  if (outcome.status !== 'FAILED') return outcome;
  const lines = secrets.flatMap((secret) => [secret, ...secret.split('\n')]).map((text) => text.trim());
  const hidden = [...new Set(lines)]
    .filter(({ length }) => length >= LEAST_LENGTH)
    .toSorted((a, b) => b.length - a.length);
  if (hidden.length === 0) return outcome;
  const clean = (text: string) => hidden.reduce((rest, secret) => rest.replaceAll(secret, MASK), text);
  const { error } = outcome;
  return {
    ...outcome,
    error: {
      ...error,
      message: clean(error.message),
      ...(error.logs && { logs: error.logs.map(clean) }),
      ...(error.healthLog && { healthLog: error.healthLog.map(clean) }),
    },
  };
}
