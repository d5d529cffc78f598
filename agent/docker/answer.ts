/** Turns errors of the engine that are ordinary answers into values. */
import { isNotFound } from './errors.ts';

export const orNull = <T>(answer: Promise<unknown>): Promise<T | null> =>
  (answer as Promise<T>).catch((error: unknown) => {
    if (isNotFound(error)) return null;
    throw error;
  });
