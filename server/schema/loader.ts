import DataLoader from 'dataloader';
import type { Db } from '../db/types.ts';

/**
 * One query for many parents. A room declares its loaders next to its rows; a context gathers the keys that are asked for
 * in the same tick. Nothing is remembered: a subscription lives long in one context, and each of its events must read again.
 */
export type Loader<T> = (db: Db, keys: readonly string[]) => Promise<(T | Error)[]>;

export type Load = <T>(loader: Loader<T>, key: string) => Promise<T>;

type List<T> = (db: Db, keys: readonly string[]) => Promise<T[]>;

/** Loads the row of each key; a key without a row rejects. */
export function loadOne<T>(list: List<T>, keyOf: (row: T) => string): Loader<T> {
  return async (db, keys) => {
    const rows = new Map((await list(db, keys)).map((row) => [keyOf(row), row]));
    return keys.map((key) => rows.get(key) ?? new Error(`there is no row ${key}`));
  };
}

export function loadOptional<T>(list: List<T>, keyOf: (row: T) => string): Loader<T | undefined> {
  return async (db, keys) => {
    const rows = new Map((await list(db, keys)).map((row) => [keyOf(row), row]));
    return keys.map((key) => rows.get(key));
  };
}

/** Loads all rows of each key, in the order of the list. */
export function loadMany<T>(list: List<T>, keyOf: (row: T) => string): Loader<T[]> {
  return async (db, keys) => {
    const rows = Map.groupBy(await list(db, keys), keyOf);
    return keys.map((key) => rows.get(key) ?? []);
  };
}

export function createLoad(db: Db): Load {
  const loaders = new Map<Loader<unknown>, DataLoader<string, unknown>>();
  return <T>(loader: Loader<T>, key: string) => {
    const known = loaders.get(loader) ?? new DataLoader<string, unknown>((keys) => loader(db, keys), { cache: false });
    loaders.set(loader, known);
    return known.load(key) as Promise<T>;
  };
}
