/** Pure: removes what nobody should read from what a container printed, or an engine said of it. */
import type { TaskOutcome, TaskResult } from '../base/outcome.ts';
import type { DeployJob } from './decision.ts';

/** Shorter values are left alone, because they would also match innocent text. */
const LEAST_LENGTH = 6;

/** A text that is not reported, and what is reported in its place. */
type Hidden = { text: string; mask: string };
type Container = Pick<
  DeployJob['deploy']['container'],
  'name' | 'image' | 'service' | 'environment' | 'command' | 'entrypoint' | 'healthCheck' | 'files'
>;

/** The password in scheme://user:password@host, looked for once in each run of letters, for a long one would take for ever. */
const URL_PASSWORD = /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*:\/\/[^\s:@/]*:([^\s@/]+)@/gi;
/** What an HTTP header says of who asks. */
const CREDENTIALS = /authorization:\s*(?:[a-z]+\s+)?([^\s"']+)/gi;
/** An argument such as --requirepass, or --token=abcdef. */
const SECRET_FLAG = /^-{1,2}[\w.-]*(?:pass|secret|token|key|auth)[\w.-]*$/i;
const LONGEST_FLAG = 100;

/**
 * What a container gets that may be a secret: its secret files with each of their lines, for logs come in lines, the values
 * of its environment and of the request's variables wherever they stand, and passwords in its commands. A value that is part
 * of the container's own name, or of its image's, hides nothing.
 */
export function hiddenOf(container: Container, variables: Record<string, string> = {}): Hidden[] {
  const shown = [container.name, container.image, container.service];
  const hidden = [
    ...ofFiles(container),
    ...ofValues(container.environment),
    ...ofValues(variables),
    ...ofWords(container),
  ];
  return hidden
    .map(({ text, mask }) => ({ text: text.trim(), mask }))
    .filter(({ text }) => text.length >= LEAST_LENGTH && !shown.some((name) => name.includes(text)))
    .toSorted((a, b) => b.text.length - a.text.length);
}

const ofFiles = ({ files = [] }: Container): Hidden[] =>
  files
    .filter(({ kind }) => kind === 'secret')
    .flatMap(({ content }) => [content, ...content.split('\n')])
    .map((text) => ({ text, mask: '(secret)' }));

/** The name stays, so that "cannot reach (value of DB_HOST)" can still be understood. */
const ofValues = (values: Record<string, string>): Hidden[] =>
  Object.entries(values).flatMap(([name, value]) => {
    const mask = `(value of ${name})`;
    return [value, ...value.split('\n'), ...passwordsIn(value)].map((text) => ({ text, mask }));
  });

const ofWords = ({ command, entrypoint, healthCheck }: Container): Hidden[] =>
  [command, entrypoint, healthCheck?.test].flatMap((words) => ofCommand(words ?? []));

const ofCommand = (all: readonly string[]): Hidden[] =>
  all.flatMap((word, index, words) => {
    const [name = '', ...rest] = word.split('=');
    const isFlag = name.length <= LONGEST_FLAG && SECRET_FLAG.test(name);
    const value = isFlag ? (rest.length > 0 ? rest.join('=') : words[index + 1]) : undefined;
    return [...passwordsIn(word), ...(value ? [value] : [])].map((text) => ({ text, mask: '(secret)' }));
  });

const passwordsIn = (text: string): string[] =>
  [URL_PASSWORD, CREDENTIALS].flatMap((pattern) => [...text.matchAll(pattern)].flatMap(([, found]) => found ?? []));

/** Takes them out of an outcome of any status. */
export function redact(outcome: TaskOutcome, hidden: readonly Hidden[]): TaskOutcome {
  if (hidden.length === 0) return outcome;
  const clean = (text: string) => hidden.reduce((rest, { text: one, mask }) => rest.replaceAll(one, mask), text);
  if (outcome.status !== 'FAILED') return { ...outcome, result: cleanResult(outcome.result, clean) };
  const { error } = outcome;
  return {
    ...outcome,
    error: {
      ...error,
      message: clean(error.message),
      ...(error.logs && { logs: error.logs.map(clean) }),
      ...(error.healthLog && { healthLog: error.healthLog.map(clean) }),
    },
  };
}

const cleanResult = (result: TaskResult, clean: (text: string) => string): TaskResult =>
  result.message === undefined ? result : { ...result, message: clean(result.message) };
