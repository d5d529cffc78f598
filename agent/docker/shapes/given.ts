/** Pure: what was asked for, and nothing else. */

export const isEmpty = (value: object | undefined): boolean => value === undefined || Object.keys(value).length === 0;

/** Without what was not asked for. */
export const given = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
