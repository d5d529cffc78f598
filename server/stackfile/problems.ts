/** The problems of a stack file: what is wrong, and where in its text. */

export type Problem = {
  /** A `ProblemCode`, or one of those that placement finds. Codes do not change. */
  code: string;
  message: string;
  /** As in `@graph[0].hasPart[1].image`; empty for the whole text. */
  path: string;
  /** Lines and columns count from 1, columns in UTF-16 units as editors do. */
  line: number;
  column: number;
};

export type ProblemCode =
  | 'SOURCE_NOT_JSON'
  | 'SOURCE_TOO_LARGE'
  | 'SOURCE_TOO_DEEP'
  | 'UNKNOWN_FIELD'
  | 'DUPLICATE_FIELD'
  | 'CONFLICTING_FIELDS'
  | 'MISSING_FIELD'
  | 'WRONG_TYPE'
  | 'INVALID_VALUE'
  | 'INVALID_NAME'
  | 'INVALID_IMAGE'
  | 'DUPLICATE_NAME'
  | 'DUPLICATE_CONTAINER'
  | 'DUPLICATE_MOUNT'
  | 'TOO_MANY_CONTAINERS'
  | 'UNKNOWN_DEPENDENCY'
  | 'DEPENDENCY_CYCLE'
  | 'HOST_MISSING'
  | 'PORT_CONFLICT'
  | 'NETWORK_REDEFINED'
  | 'SOURCE_NOT_YAML'
  | 'UNSUPPORTED_FIELD'
  | 'INVALID_INTERPOLATION'
  | 'VARIABLE_MISSING'
  | 'UNKNOWN_ALIAS'
  | 'UNKNOWN_NETWORK'
  | 'UNKNOWN_VOLUME'
  | 'UNKNOWN_CONFIG'
  | 'UNKNOWN_SECRET'
  | 'INACTIVE_DEPENDENCY'
  | 'SECRET_HIDDEN'
  // Only in warnings.
  | 'DEPRECATED_FIELD'
  | 'VARIABLE_NOT_SET';

/** Where a value or a key is. Offsets count UTF-16 units of the text from 0. */
export type Location = { path: string; offset: number };
/** The same for people. */
export type Position = Pick<Problem, 'path' | 'line' | 'column'>;

/** A message that costs something to make is given as a function, which is called only if the problem is kept. */
export type Message = string | (() => string);
export type Report = (code: ProblemCode, location: Location, message: Message) => void;

export const WHOLE_TEXT: Location = { path: '', offset: 0 };
/** A hostile file could otherwise make an answer many times its own size. */
const MAX_PROBLEMS = 1_000;

/** What an anchor holds is read wherever it is used, and is wrong once. */
const keyOf = ({ offset, code, message }: { offset: number; code: string; message: string }) =>
  `${offset} ${code} ${message}`;

/** `problems()` gives what was reported, in the order of the text. */
export function collectProblems(text: string): { report: Report; problems(): Problem[] } {
  const found: (Location & { code: ProblemCode; message: string })[] = [];
  return {
    report(code, { path, offset }, message) {
      if (found.length >= MAX_PROBLEMS) return;
      found.push({ code, message: typeof message === 'string' ? message : message(), path, offset });
    },
    problems() {
      const toLineAndColumn = createCounter(text);
      return [...new Map(found.toReversed().map((one) => [keyOf(one), one])).values()]
        .toReversed()
        .toSorted((a, b) => a.offset - b.offset)
        .map(({ offset, ...problem }) => ({ ...problem, ...toLineAndColumn(offset) }));
    },
  };
}

export function positionOf(text: string, { path, offset }: Location): Position {
  return { path, ...createCounter(text)(offset) };
}

/** The offsets must be asked for in ascending order, so that the text is searched for line ends only once. */
function createCounter(text: string): (offset: number) => { line: number; column: number } {
  const breaks = text.matchAll(/\r\n|\n|\r/g);
  let next = breaks.next().value;
  let line = 1;
  let start = 0;
  return (offset) => {
    while (next && next.index + next[0].length <= offset) {
      line += 1;
      start = next.index + next[0].length;
      next = breaks.next().value;
    }
    return { line, column: offset - start + 1 };
  };
}

export function fieldPath(parentPath: string, key: string): string {
  if (!/^[@\w$-]{1,60}$/.test(key)) return `${parentPath}[${quote(key)}]`;
  return parentPath === '' ? key : `${parentPath}.${key}`;
}

/** Quotes what the user wrote, cut to what a message can hold. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text);
}
