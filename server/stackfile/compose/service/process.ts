/** What a Compose service says about its process: the program, its environment, its terminal, how it is stopped. */

import type { ContainerSpec } from '../../../spec/spec.ts';
import { type Fields, wrongType } from '../../fields.ts';
import { findEnvironmentNameProblem, findLabelProblem } from '../../names.ts';
import { quote, type Report, type Value } from '../../text.ts';
import { splitCommand } from '../../values.ts';
import { compact, orAbsent } from '../keys.ts';
import { readDurationMs, readFlag, readPairs, readText, readTexts } from '../scalars.ts';

export const PROCESS_WORDS = [
  'command',
  'entrypoint',
  'environment',
  'labels',
  'annotations',
  'user',
  'working_dir',
  'hostname',
  'domainname',
  'tty',
  'stdin_open',
  'init',
  'read_only',
  'stop_signal',
  'stop_grace_period',
];

export function readProcess(
  report: Report,
  service: Fields,
  variables: ReadonlyMap<string, string>,
): Partial<ContainerSpec> {
  const flag = (word: string) => readFlag(report, service.get(word));
  const environment = readPairs(report, service.get('environment'), {
    findProblem: findEnvironmentNameProblem,
    unset: (name) => variables.get(name),
  });
  return compact({
    command: readCommand(report, service.get('command')),
    entrypoint: readCommand(report, service.get('entrypoint')),
    environment: orAbsent(environment),
    labels: orAbsent(readLabels(report, service.get('labels'))),
    annotations: orAbsent(readPairs(report, service.get('annotations'))),
    user: readFilled(report, service.get('user'), 'a user, or user:group'),
    workingDir: readAbsolutePath(report, service.get('working_dir')),
    hostname: readMatching(report, service.get('hostname'), HOST_NAME),
    domainname: readMatching(report, service.get('domainname'), DOMAIN_NAME),
    tty: flag('tty'),
    openStdin: flag('stdin_open'),
    init: flag('init'),
    readOnly: flag('read_only'),
    stopSignal: readMatching(report, service.get('stop_signal'), SIGNAL),
    stopGraceMs: readDurationMs(report, service.get('stop_grace_period')),
  });
}

export function readLabels(report: Report, value: Value | undefined): Record<string, string> | undefined {
  return readPairs(report, value, { findProblem: findLabelProblem });
}

/** null in the file: the image's own. An empty list or text: none at all. */
function readCommand(report: Report, value: Value | undefined): string[] | undefined {
  if (value === undefined || value.kind === 'null') return undefined;
  if (value.kind === 'list') return readTexts(report, value);
  if (value.kind !== 'string') return wrongType(report, value, 'a list of words or one string');
  const words = splitCommand(value.text);
  if (words === undefined) {
    const hint = 'closed quotes and no shell operators outside them (for a shell: ["sh", "-c", line])';
    report('INVALID_VALUE', value, `expected a command line with ${hint}`);
  }
  return words;
}

export type Pattern = { form: RegExp; expected: string };

// Linux' own limit is 64; Docker also takes "_", which RFC 1123 does not know.
const HOST_NAME: Pattern = {
  form: /^[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?$/i,
  expected: 'a host name of at most 64 letters, digits, "-", "_" and "."',
};
const DOMAIN_NAME: Pattern = {
  form: /^[a-z0-9](?:[a-z0-9_.-]{0,251}[a-z0-9])?$/i,
  expected: 'a domain name such as example.com',
};
const SIGNAL: Pattern = { form: /^(?:(?:SIG)?[A-Z][A-Z0-9+-]{1,15}|\d{1,2})$/i, expected: 'a signal such as SIGTERM' };

export function readMatching(report: Report, value: Value | undefined, pattern: Pattern): string | undefined {
  const text = readText(report, value, pattern.expected);
  if (value === undefined || text === undefined) return undefined;
  if (!pattern.form.test(text)) report('INVALID_VALUE', value, `expected ${pattern.expected}, found ${quote(text)}`);
  return text;
}

export function readFilled(report: Report, value: Value | undefined, expected: string): string | undefined {
  return readMatching(report, value, { form: /\S/, expected });
}

function readAbsolutePath(report: Report, value: Value | undefined): string | undefined {
  return readMatching(report, value, { form: /^\//, expected: 'an absolute path in the container' });
}
