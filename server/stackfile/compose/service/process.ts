/** What a Compose service says about its process: the program, its environment, its terminal, how it is stopped. */

import type { ContainerSpec } from '../../../spec/spec.ts';
import { findEnvironmentNameProblem } from '../../names.ts';
import { splitCommand } from '../../values.ts';
import { compact, orAbsent } from '../compact.ts';
import { readLabels } from '../declared.ts';
import type { ComposeFields, ComposeReader, Pattern } from '../reader.ts';

export const PROCESS_KEYS = [
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

const ABSOLUTE_PATH: Pattern = { form: /^\//, expected: 'an absolute path in the container' };
// Linux allows 64 characters, and Docker takes "_", too, which RFC 1123 does not.
const HOST_NAME: Pattern = {
  form: /^[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?$/i,
  expected: 'a host name of at most 64 letters, digits, "-", "_" and "."',
};
const DOMAIN_NAME: Pattern = {
  form: /^[a-z0-9](?:[a-z0-9_.-]{0,251}[a-z0-9])?$/i,
  expected: 'a domain name such as example.com',
};
const SIGNAL: Pattern = { form: /^(?:(?:SIG)?[A-Z][A-Z0-9+-]{1,15}|\d{1,2})$/i, expected: 'a signal such as SIGTERM' };

export function readProcess(service: ComposeFields): Partial<ContainerSpec> {
  return compact({
    command: readCommand(service.get('command')),
    entrypoint: readCommand(service.get('entrypoint')),
    environment: orAbsent(readEnvironment(service.get('environment'))),
    labels: orAbsent(readLabels(service.get('labels'))),
    annotations: orAbsent(service.get('annotations').pairs()),
    user: service.get('user').filled('a user, or user:group'),
    workingDir: service.get('working_dir').matching(ABSOLUTE_PATH),
    hostname: service.get('hostname').matching(HOST_NAME),
    domainname: service.get('domainname').matching(DOMAIN_NAME),
    tty: service.get('tty').flag(),
    openStdin: service.get('stdin_open').flag(),
    init: service.get('init').flag(),
    readOnly: service.get('read_only').flag(),
    stopSignal: service.get('stop_signal').matching(SIGNAL),
    stopGraceMs: service.get('stop_grace_period').durationMs(),
  });
}

/** A name without a value takes the value of the variable with that name, if it is set. */
function readEnvironment(value: ComposeReader): Record<string, string> | undefined {
  const { variables } = value.context;
  return value.pairs({ findProblem: findEnvironmentNameProblem, unset: (name) => variables.get(name) });
}

/** Undefined, also for null in the file, means the image's own command. An empty list or text means none at all. */
function readCommand(value: ComposeReader): string[] | undefined {
  if (value.kind === 'null') return undefined;
  if (value.kind === 'list') return value.texts();
  if (value.kind !== 'string') return value.wrongType('a list of words or one string');
  const words = splitCommand(value.text() ?? '');
  if (words === undefined) {
    const hint = 'closed quotes and no shell operators outside them (for a shell: ["sh", "-c", line])';
    value.report('INVALID_VALUE', `expected a command line with ${hint}`);
  }
  return words;
}
