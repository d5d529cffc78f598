/** What is an ordinary answer of the engine's, although it comes as an error. */
import { isNotFound } from './errors.ts';

export const orNull = <T>(answer: Promise<unknown>): Promise<T | null> =>
  (answer as Promise<T>).catch((error: unknown) => {
    if (isNotFound(error)) return null;
    throw error;
  });
