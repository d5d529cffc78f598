/** Pure: tells what was asked for from what was left out. */

export const isEmpty = (value: object | undefined): boolean => value === undefined || Object.keys(value).length === 0;

/** Drops fields that are undefined. */
export const given = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
