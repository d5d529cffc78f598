/**
 * Returns a value equal to `next` that reuses the objects of `previous` where they are equal. The server sends lists in
 * full; this way a memoised row renders again only if it changed. It works on JSON data only.
 */
export function share<T>(previous: unknown, next: T): T {
  if (Object.is(previous, next)) return next;
  if (Array.isArray(previous) && Array.isArray(next)) return shareArray(previous, next) as T;
  if (isRecord(previous) && isRecord(next)) return shareRecord(previous, next) as T;
  return next;
}

function shareArray(previous: unknown[], next: unknown[]): unknown[] {
  const shared = next.map((item, index) => share(previous[index], item));
  const same = previous.length === shared.length && shared.every((item, index) => item === previous[index]);
  return same ? previous : shared;
}

function shareRecord(previous: Record<string, unknown>, next: Record<string, unknown>): Record<string, unknown> {
  const keys = Object.keys(next);
  const shared = Object.fromEntries(keys.map((key) => [key, share(previous[key], next[key])]));
  const same = Object.keys(previous).length === keys.length && keys.every((key) => shared[key] === previous[key]);
  return same ? previous : shared;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
