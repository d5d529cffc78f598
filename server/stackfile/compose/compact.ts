/** What a file does not say is absent from its spec, so that a new field changes the hash of no container. */

/** Drops the keys whose value is undefined. */
export function compact<T extends object>(whole: T): T {
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined)) as T;
}

/** An empty list or map says nothing, either. */
export function orAbsent<T extends readonly unknown[] | Record<string, unknown>>(some: T | undefined): T | undefined {
  return some === undefined || Object.keys(some).length === 0 ? undefined : some;
}
