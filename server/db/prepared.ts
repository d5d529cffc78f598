import type { Wrap } from './wrap.ts';

/** Each connection of Postgres keeps what it prepared; a list of values has another text for each length. */
const MAX_TEXTS = 400;
const MAX_PARAMETERS = 64;

/**
 * Has Postgres prepare each statement: from the second time on it is neither parsed nor planned again, and goes out in one
 * round trip in place of two.
 */
export function prepareStatements(): Wrap {
  const texts = new Set<string>();
  const isPrepared = (text: string, { length }: readonly unknown[]): boolean => {
    if (length === 0 || length > MAX_PARAMETERS) return false;
    if (texts.size < MAX_TEXTS) texts.add(text);
    return texts.has(text);
  };
  return (unsafe, { inTransaction }) =>
    (text, parameters = [], options = {}) =>
      unsafe(text, parameters, {
        ...options,
        ...(inTransaction ? {} : ALONE),
        prepare: isPrepared(text, parameters),
      });
}

/**
 * A statement that is prepared lets the driver send others behind it on its connection. In the pool they would wait for it
 * while other connections are free, and a `begin` among them may get no connection of its own (porsager/postgres #1189).
 */
const ALONE = { onexecute: () => undefined };
