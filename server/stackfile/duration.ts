const UNIT_MS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const DURATION = /^(?:(?:\d{1,15}(?:\.\d{0,9})?|\.\d{1,9})(?:ns|us|µs|μs|ms|s|m|h|d|w))+$/;
const DURATION_PART = /(\d*\.?\d*)(ns|us|µs|μs|ms|s|m|h|d|w)/g;

/** `1m30s`, `1.5h`, a plain `0`. Rounds up, so that a short time does not become none at all. */
export function toMs(text: string): number | undefined {
  if (/^0+$/.test(text)) return 0;
  if (!DURATION.test(text)) return undefined;
  const parts = [...text.matchAll(DURATION_PART)];
  const sum = parts.reduce((total, [, amount, unit = '']) => total + Number(amount) * (UNIT_MS[unit] ?? 0), 0);
  // Rounded to nanoseconds first, because 0.1 + 0.2 must not count as a little more than 0.3.
  const ms = Math.ceil(Math.round(sum * 1e6) / 1e6);
  return ms <= Number.MAX_SAFE_INTEGER ? ms : undefined;
}
